//! Wraps symmetric keys of the caller.

use zeroize::Zeroizing;

use super::batch::Batch;
use super::input::{Begun, Input, Single, names};
use super::{KEY_TO_WRAP, check_key_wrap};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{Wrap, WrapAlgorithm};
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Field, Result};
use crate::ops::{Cx, OperationNames};
use crate::token::{Answer, Call};

/// Wraps a key (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>; AES key wrap:
/// <https://www.rfc-editor.org/rfc/rfc3394>).
pub type WrapKey = Single<WrapInput>;

/// Wraps keys.
pub type BatchWrapKey = Batch<WrapInput>;

/// What to wrap.
#[derive(Clone)]
pub struct WrapInput {
    /// The algorithm.
    pub algorithm: WrapAlgorithm,
    /// The key to wrap.
    pub value: Zeroizing<Vec<u8>>,
}

impl Input for WrapInput {
    const SINGLE: OperationNames<DataAction> = names("WrapKey", "KeyWrap", DataAction::KeyWrap);
    const BATCH: OperationNames<DataAction> = names("BatchWrapKey", "KeyWrapBatch", DataAction::KeyWrap);
    const KEY_OPERATION: KeyOperation = KeyOperation::WrapKey;
    type Output = Vec<u8>;

    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    fn mode_family(&self) -> Option<ModeFamily> {
        ModeFamily::of_wrap(self.algorithm)
    }

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type())?;
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => check_key_wrap(Field::Key, &self.value, KEY_TO_WRAP),
            Wrap::Rsa(_) if self.value.is_empty() => Err(Error::invalid(Field::Key, "the key is empty")),
            Wrap::Rsa(_) => Ok(()),
        }
    }

    fn begin(self, version: &KeyVersion, cx: &Cx) -> Result<Begun<Vec<u8>>> {
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => {
                let call = Call::Wrap { object: version.version, key: self.value };
                Ok(Begun::in_token(call, Answer::into_bytes))
            }
            Wrap::Rsa(padding) => {
                let wrapped = cx.public_keys.of(version)?.encrypt(padding, &self.value);
                wrapped.map(Begun::Computed).map_err(|error| match error {
                    Error::Invalid { why, .. } => Error::Invalid { field: Field::Key, why },
                    other => other,
                })
            }
        }
    }
}
