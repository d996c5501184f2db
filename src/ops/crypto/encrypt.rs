//! Encrypts with RSA in software, or with AES in the token.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{MAX_LEN, check_iv, check_length};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{AesMode, Cipher, EncryptionAlgorithm};
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

/// Encrypts a plaintext (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
pub struct Encrypt {
    /// The key version.
    pub key: KeyId,
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
pub struct Encrypted {
    /// The key version that was used.
    pub version: Arc<KeyVersion>,
    /// The name of the algorithm on the wire.
    pub algorithm: &'static str,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// The IV, for AES only.
    pub iv: Vec<u8>,
    /// The authentication tag, for GCM only.
    pub tag: Vec<u8>,
    /// The additional authenticated data, for GCM only.
    pub additional: Vec<u8>,
}

impl Operation for Encrypt {
    const NAME: &'static str = "Encrypt";
    const EVENT: &'static str = "KeyEncrypt";
    const ACTION: DataAction = DataAction::KeyEncrypt;
    const METER: Meter = Meter::Cryptographic;
    type Target = LiveKeyVersion;
    type Reply = Encrypted;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        CallClass::using(version.material.key_type(), version.protection)
    }

    fn check(&self, target: &LiveKeyVersion, now: Timestamp) -> Result<()> {
        self.algorithm.check(target.0.material.key_type())?;
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
        target.0.check_usable_for(KeyOperation::Encrypt, now)
    }

    async fn execute(mut self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<Encrypted>> {
        let binding = cx.bind_mode(&target.0, ModeFamily::of_encryption(self.algorithm))?;
        let version = Arc::clone(&target.0);
        let encrypted = match self.algorithm.primitive() {
            Cipher::Rsa(padding) => Encrypted {
                ciphertext: cx.public_keys.of(&target.0)?.encrypt(padding, &self.plaintext)?,
                version: target.0,
                algorithm: self.algorithm.as_str(),
                iv: Vec::new(),
                tag: Vec::new(),
                additional: Vec::new(),
            },
            Cipher::Aes(mode, _) => {
                if mode == AesMode::Cbc {
                    // Azure pads the last block with zeros: recorded by the Azure SDK for Python
                    // (`test_symmetric_encrypt_and_decrypt`, 200 bytes with A256CBC).
                    let whole = self.plaintext.len().next_multiple_of(16);
                    self.plaintext.resize(whole, 0);
                }
                let iv = (mode != AesMode::Gcm).then_some(self.iv);
                let additional = if mode == AesMode::Gcm { self.additional } else { Vec::new() };
                let sealed =
                    cx.token.encrypt(target.0.version, mode, iv, additional.clone(), self.plaintext).await?;
                Encrypted {
                    version: target.0,
                    algorithm: self.algorithm.as_str(),
                    ciphertext: sealed.ciphertext,
                    iv: sealed.iv,
                    tag: sealed.tag,
                    additional,
                }
            }
        };
        Ok(Done::reply(encrypted).used(version).changing(binding))
    }
}
