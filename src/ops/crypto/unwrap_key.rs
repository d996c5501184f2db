//! Unwraps a symmetric key and returns it to the caller.

use std::sync::Arc;

use super::{PlaintextResult, WRAPPED_KEY, check_key_wrap, check_rsa_ciphertext};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{Cipher, Wrap, WrapAlgorithm};
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::key::KeyOperation;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Field, Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

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
    const ACTION: DataAction = DataAction::KeyUnwrap;
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
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => check_key_wrap(Field::WrappedKey, &self.value, WRAPPED_KEY)?,
            Wrap::Rsa(_) => check_rsa_ciphertext(Field::WrappedKey, &target.0, &self.value)?,
        }
        target.0.check_usable_for(KeyOperation::UnwrapKey, now)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<PlaintextResult>> {
        let binding = cx.bind_mode(&target.0, ModeFamily::of_wrap(self.algorithm))?;
        let object = target.0.version;
        let value = match self.algorithm.primitive() {
            Wrap::AesKw(_) => cx.token.unwrap(object, self.value).await?,
            Wrap::Rsa(padding) => {
                let none = Vec::new;
                cx.token.decrypt(object, Cipher::Rsa(padding), self.value, none(), none(), none()).await?
            }
        };
        let version = Arc::clone(&target.0);
        Ok(Done::reply(PlaintextResult { version: target.0, algorithm: self.algorithm.as_str(), value })
            .used(version)
            .changing(binding))
    }
}
