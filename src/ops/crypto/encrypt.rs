//! Encrypts with RSA in software, or with AES in the token.

use zeroize::Zeroizing;

use super::batch::Batch;
use super::input::{Begun, Input, Single, names};
use super::{MAX_LEN, check_iv, check_length};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{AesMode, Cipher, EncryptionAlgorithm};
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Field, Result};
use crate::ops::{Cx, OperationNames};
use crate::token::{Call, Sealed};

/// Encrypts a plaintext (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
pub type Encrypt = Single<EncryptInput>;

/// Encrypts plaintexts.
pub type BatchEncrypt = Batch<EncryptInput>;

/// What to encrypt.
#[derive(Clone)]
pub struct EncryptInput {
    /// The algorithm.
    pub algorithm: EncryptionAlgorithm,
    /// The plaintext.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The IV, for CBC only: the token generates that of GCM.
    pub iv: Vec<u8>,
    /// The additional authenticated data of GCM; ignored with CBC (recorded).
    pub additional: Vec<u8>,
}

/// A ciphertext and the parameters needed to decrypt it.
#[derive(Debug)]
pub struct Ciphertext {
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// The IV, for AES only.
    pub iv: Vec<u8>,
    /// The authentication tag, for GCM only.
    pub tag: Vec<u8>,
    /// The additional authenticated data, for GCM only.
    pub additional: Vec<u8>,
}

impl Input for EncryptInput {
    const SINGLE: OperationNames<DataAction> = names("Encrypt", "KeyEncrypt", DataAction::KeyEncrypt);
    const BATCH: OperationNames<DataAction> =
        names("BatchEncrypt", "KeyEncryptBatch", DataAction::KeyEncrypt);
    const KEY_OPERATION: KeyOperation = KeyOperation::Encrypt;
    type Output = Ciphertext;

    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    fn mode_family(&self) -> Option<ModeFamily> {
        ModeFamily::of_encryption(self.algorithm)
    }

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type())?;
        check_length(Field::Plaintext, &self.plaintext, MAX_LEN)?;
        check_length(Field::AdditionalAuthenticatedData, &self.additional, MAX_LEN)?;
        match self.algorithm.primitive() {
            Cipher::Rsa(_) => {}
            // Reusing an IV with a key breaks GCM, so callers cannot choose it.
            Cipher::Aes(AesMode::Gcm, _) if !self.iv.is_empty() => {
                return Err(Error::invalid(
                    Field::Iv,
                    "the service generates the IV of AES-GCM; leave it empty",
                ));
            }
            Cipher::Aes(AesMode::Gcm, _) => {}
            Cipher::Aes(mode, _) => {
                check_iv(mode, &self.iv)?;
                if mode == AesMode::Cbc && self.plaintext.is_empty() {
                    return Err(Error::invalid(Field::Plaintext, "the plaintext is empty"));
                }
            }
        }
        Ok(())
    }

    fn begin(self, version: &KeyVersion, cx: &Cx) -> Result<Begun<Ciphertext>> {
        match self.algorithm.primitive() {
            Cipher::Rsa(padding) => Ok(Begun::Computed(Ciphertext {
                ciphertext: cx.public_keys.of(version)?.encrypt(padding, &self.plaintext)?,
                iv: Vec::new(),
                tag: Vec::new(),
                additional: Vec::new(),
            })),
            Cipher::Aes(mode, _) => {
                let plaintext =
                    if mode == AesMode::Cbc { padded_with_zeros(&self.plaintext) } else { self.plaintext };
                let iv = (mode != AesMode::Gcm).then_some(self.iv);
                let additional = if mode == AesMode::Gcm { self.additional } else { Vec::new() };
                let aad = additional.clone();
                let call = Call::Encrypt { object: version.version, mode, iv, aad, plaintext };
                Ok(Begun::in_token(call, move |answer| {
                    let Sealed { ciphertext, iv, tag } = answer.into_sealed()?;
                    Ok(Ciphertext { ciphertext, iv, tag, additional })
                }))
            }
        }
    }
}

/// Pads the last block with zeros, as Azure does: recorded by the Azure SDK for Python
/// (`test_symmetric_encrypt_and_decrypt`, 200 bytes with A256CBC).
fn padded_with_zeros(plaintext: &[u8]) -> Zeroizing<Vec<u8>> {
    let whole = plaintext.len().next_multiple_of(16);
    // A vector that grows in place may leave a copy behind that is not zeroized.
    let mut padded = Zeroizing::new(Vec::with_capacity(whole));
    padded.extend_from_slice(plaintext);
    padded.resize(whole, 0);
    padded
}
