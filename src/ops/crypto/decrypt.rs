//! Decrypts in the token. All invalid ciphertexts return the same error, which prevents padding oracles.

use zeroize::Zeroizing;

use super::batch::Batch;
use super::input::{Begun, Input, Single, names};
use super::{MAX_CIPHERTEXT_LEN, MAX_LEN, check_iv, check_length, check_rsa_ciphertext};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{AesMode, Cipher, EncryptionAlgorithm};
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Field, Result};
use crate::ops::{Cx, OperationNames};
use crate::token::{Answer, Call};

/// Decrypts a ciphertext (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
pub type Decrypt = Single<DecryptInput>;

/// Decrypts ciphertexts.
pub type BatchDecrypt = Batch<DecryptInput>;

/// What to decrypt.
#[derive(Clone, Debug)]
pub struct DecryptInput {
    /// The algorithm with which the plaintext was encrypted.
    pub algorithm: EncryptionAlgorithm,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// The IV, for AES only.
    pub iv: Vec<u8>,
    /// The authentication tag, for GCM only.
    pub tag: Vec<u8>,
    /// The additional authenticated data of GCM; ignored with CBC.
    pub additional: Vec<u8>,
}

impl Input for DecryptInput {
    const SINGLE: OperationNames<DataAction> = names("Decrypt", "KeyDecrypt", DataAction::KeyDecrypt);
    const BATCH: OperationNames<DataAction> =
        names("BatchDecrypt", "KeyDecryptBatch", DataAction::KeyDecrypt);
    const KEY_OPERATION: KeyOperation = KeyOperation::Decrypt;
    type Output = Zeroizing<Vec<u8>>;

    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    fn mode_family(&self) -> Option<ModeFamily> {
        ModeFamily::of_encryption(self.algorithm)
    }

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type())?;
        check_length(Field::Ciphertext, &self.ciphertext, MAX_CIPHERTEXT_LEN)?;
        check_length(Field::AdditionalAuthenticatedData, &self.additional, MAX_LEN)?;
        match self.algorithm.primitive() {
            Cipher::Rsa(_) => check_rsa_ciphertext(Field::Ciphertext, version, &self.ciphertext)?,
            Cipher::Aes(mode, _) => {
                check_iv(mode, &self.iv)?;
                if mode == AesMode::Gcm && self.tag.len() != 16 {
                    return Err(Error::invalid(
                        Field::AuthenticationTag,
                        format!("a tag of 16 bytes is needed, {} were given", self.tag.len()),
                    ));
                }
                if mode != AesMode::Gcm
                    && (self.ciphertext.is_empty() || !self.ciphertext.len().is_multiple_of(16))
                {
                    return Err(Error::invalid(
                        Field::Ciphertext,
                        "AES-CBC ciphertext is whole blocks of 16 bytes",
                    ));
                }
            }
        }
        Ok(())
    }

    fn begin(self, version: &KeyVersion, _: &Cx) -> Result<Begun<Zeroizing<Vec<u8>>>> {
        let Self { algorithm, ciphertext, iv, tag, additional: aad } = self;
        let (object, cipher) = (version.version, algorithm.primitive());
        let call = Call::Decrypt { object, cipher, ciphertext, iv, tag, aad };
        Ok(Begun::in_token(call, Answer::into_secret))
    }
}
