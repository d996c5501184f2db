//! Encrypts a short plaintext with RSA in software, or data with AES in the token.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{LONGEST, check_iv, check_length};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{AesMode, Cipher, EncryptionAlgorithm};
use crate::model::entry::Meter;
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::name::KeyId;
use crate::model::rbac::Action;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, Operation, Version};

/// Encrypts.
pub struct Encrypt {
    /// With which version.
    pub key: KeyId,
    /// How.
    pub algorithm: EncryptionAlgorithm,
    /// What.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The IV, for CBC alone: GCM's is made by the token.
    pub iv: Vec<u8>,
    /// What GCM authenticates beside the plaintext. CBC ignores it (recorded).
    pub additional: Vec<u8>,
}

/// A ciphertext and what is needed to decrypt it.
#[derive(Debug)]
pub struct Encrypted {
    /// The version that encrypted.
    pub version: Arc<KeyVersion>,
    /// The algorithm, as surfaces spell it.
    pub algorithm: &'static str,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// AES alone.
    pub iv: Vec<u8>,
    /// GCM alone.
    pub tag: Vec<u8>,
    /// What was authenticated, GCM alone.
    pub additional: Vec<u8>,
}

impl Operation for Encrypt {
    const NAME: &'static str = "Encrypt";
    const EVENT: &'static str = "KeyEncrypt";
    const ACTION: Action = Action::KeyEncrypt;
    const METER: Meter = Meter::Cryptographic;
    type Target = Version;
    type Reply = Encrypted;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn check(&self, target: &Version, now: Timestamp) -> Result<()> {
        self.algorithm.check(target.0.material.key_type())?;
        check_length("plaintext", &self.plaintext, LONGEST)?;
        check_length("additional_authenticated_data", &self.additional, LONGEST)?;
        match self.algorithm.primitive() {
            Cipher::Rsa(_) => {}
            // An IV that comes twice under one key breaks GCM, so callers do not choose it.
            Cipher::Aes(AesMode::Gcm, _) if !self.iv.is_empty() => {
                return Err(Error::invalid("iv", "with AES-GCM the service makes the IV; leave it empty"));
            }
            Cipher::Aes(AesMode::Gcm, _) => {}
            Cipher::Aes(mode, _) => {
                check_iv(mode, &self.iv)?;
                if mode == AesMode::Cbc && self.plaintext.is_empty() {
                    return Err(Error::invalid("plaintext", "the plaintext is empty"));
                }
            }
        }
        target.0.usable_for(KeyOperation::Encrypt, now)
    }

    async fn execute(mut self, target: Version, cx: &Cx) -> Result<Done<Encrypted>> {
        let binding = cx.admit_mode(&target.0, ModeFamily::of_encryption(self.algorithm))?;
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
                    // The service fills up the last block with zeros: Azure's SDK for Python records it
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
