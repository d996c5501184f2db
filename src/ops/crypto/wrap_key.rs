//! Wraps a symmetric key of the caller.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{CryptoResult, KEY_TO_WRAP, check_key_wrap};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{Wrap, WrapAlgorithm};
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::key::KeyOperation;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

/// Wraps a key (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>; AES key wrap:
/// <https://www.rfc-editor.org/rfc/rfc3394>).
pub struct WrapKey {
    /// The key version.
    pub key: KeyId,
    /// The algorithm.
    pub algorithm: WrapAlgorithm,
    /// The key to wrap.
    pub value: Zeroizing<Vec<u8>>,
}

impl Operation for WrapKey {
    const NAME: &'static str = "WrapKey";
    const EVENT: &'static str = "KeyWrap";
    const ACTION: DataAction = DataAction::KeyWrap;
    const METER: Meter = Meter::Cryptographic;
    type Target = LiveKeyVersion;
    type Reply = CryptoResult;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        CallClass::using(version.material.key_type(), version.protection)
    }

    fn check(&self, target: &LiveKeyVersion, now: Timestamp) -> Result<()> {
        self.algorithm.check(target.0.material.key_type())?;
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => check_key_wrap(Field::Key, &self.value, KEY_TO_WRAP)?,
            Wrap::Rsa(_) if self.value.is_empty() => {
                return Err(Error::invalid(Field::Key, "the key is empty"));
            }
            Wrap::Rsa(_) => {}
        }
        target.0.check_usable_for(KeyOperation::WrapKey, now)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<CryptoResult>> {
        let binding = cx.bind_mode(&target.0, ModeFamily::of_wrap(self.algorithm))?;
        let value = match self.algorithm.primitive() {
            Wrap::AesKw(_) => cx.token.wrap(target.0.version, self.value).await?,
            Wrap::Rsa(padding) => {
                cx.public_keys.of(&target.0)?.encrypt(padding, &self.value).map_err(|error| match error {
                    Error::Invalid { why, .. } => Error::Invalid { field: Field::Key, why },
                    other => other,
                })?
            }
        };
        let version = Arc::clone(&target.0);
        Ok(Done::reply(CryptoResult { version: target.0, algorithm: self.algorithm.as_str(), value })
            .used(version)
            .changing(binding))
    }
}
