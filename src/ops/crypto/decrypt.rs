//! Decrypts in the token. All invalid ciphertexts return the same error, which prevents padding oracles.

use std::sync::Arc;

use super::{MAX_CIPHERTEXT_LEN, MAX_LEN, PlaintextResult, check_iv, check_length, check_rsa_ciphertext};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{AesMode, Cipher, EncryptionAlgorithm};
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::key::KeyOperation;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

/// Decrypts a ciphertext (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
#[derive(Clone, Debug)]
pub struct Decrypt {
    /// The key version.
    pub key: KeyId,
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

impl Operation for Decrypt {
    const NAME: &'static str = "Decrypt";
    const EVENT: &'static str = "KeyDecrypt";
    const ACTION: DataAction = DataAction::KeyDecrypt;
    const METER: Meter = Meter::Cryptographic;
    type Target = LiveKeyVersion;
    type Reply = PlaintextResult;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        CallClass::using(version.material.key_type(), version.protection)
    }

    fn check(&self, target: &LiveKeyVersion, now: Timestamp) -> Result<()> {
        self.algorithm.check(target.0.material.key_type())?;
        check_length(Field::Ciphertext, &self.ciphertext, MAX_CIPHERTEXT_LEN)?;
        check_length(Field::AdditionalAuthenticatedData, &self.additional, MAX_LEN)?;
        match self.algorithm.primitive() {
            Cipher::Rsa(_) => check_rsa_ciphertext(Field::Ciphertext, &target.0, &self.ciphertext)?,
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
        target.0.check_usable_for(KeyOperation::Decrypt, now)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<PlaintextResult>> {
        let binding = cx.bind_mode(&target.0, ModeFamily::of_encryption(self.algorithm))?;
        let cipher = self.algorithm.primitive();
        let value = cx
            .token
            .decrypt(target.0.version, cipher, self.ciphertext, self.iv, self.tag, self.additional)
            .await?;
        let version = Arc::clone(&target.0);
        Ok(Done::reply(PlaintextResult { version: target.0, algorithm: self.algorithm.as_str(), value })
            .used(version)
            .changing(binding))
    }
}
