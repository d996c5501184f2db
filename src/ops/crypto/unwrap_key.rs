//! Unwraps a symmetric key and returns it to the caller.

use std::sync::Arc;

use super::{Revealed, WRAPPED_KEY, check_key_wrap, check_rsa_ciphertext};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{Cipher, Wrap, WrapAlgorithm};
use crate::model::entry::Meter;
use crate::model::key::KeyOperation;
use crate::model::name::KeyId;
use crate::model::rbac::Action;
use crate::model::{Result, Timestamp};
use crate::ops::{Cx, Done, Operation, Version};

/// Unwraps a key (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>; AES key wrap:
/// <https://www.rfc-editor.org/rfc/rfc3394>).
#[derive(Clone, Debug)]
pub struct UnwrapKey {
    /// The key version.
    pub key: KeyId,
    /// The algorithm with which the key was wrapped.
    pub algorithm: WrapAlgorithm,
    /// The wrapped key.
    pub value: Vec<u8>,
}

impl Operation for UnwrapKey {
    const NAME: &'static str = "UnwrapKey";
    const EVENT: &'static str = "KeyUnwrap";
    const ACTION: Action = Action::KeyUnwrap;
    const METER: Meter = Meter::Cryptographic;
    type Target = Version;
    type Reply = Revealed;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn check(&self, target: &Version, now: Timestamp) -> Result<()> {
        self.algorithm.check(target.0.material.key_type())?;
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => check_key_wrap("wrapped_key", &self.value, WRAPPED_KEY)?,
            Wrap::Rsa(_) => check_rsa_ciphertext("wrapped_key", &target.0, &self.value)?,
        }
        target.0.usable_for(KeyOperation::UnwrapKey, now)
    }

    async fn execute(self, target: Version, cx: &Cx) -> Result<Done<Revealed>> {
        let binding = cx.admit_mode(&target.0, ModeFamily::of_wrap(self.algorithm))?;
        let object = target.0.version;
        let value = match self.algorithm.primitive() {
            Wrap::AesKw(_) => cx.token.unwrap(object, self.value).await?,
            Wrap::Rsa(padding) => {
                let none = Vec::new;
                cx.token.decrypt(object, Cipher::Rsa(padding), self.value, none(), none(), none()).await?
            }
        };
        let version = Arc::clone(&target.0);
        Ok(Done::reply(Revealed { version: target.0, algorithm: self.algorithm.as_str(), value })
            .used(version)
            .changing(binding))
    }
}
