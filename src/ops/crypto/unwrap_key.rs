//! Unwraps symmetric keys and returns them to the caller.

use zeroize::Zeroizing;

use super::batch::Batch;
use super::input::{Begun, Input, Single, names};
use super::{WRAPPED_KEY, check_key_wrap, check_rsa_ciphertext};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{Cipher, Wrap, WrapAlgorithm};
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::{Field, Result};
use crate::ops::{Cx, OperationNames};
use crate::token::{Answer, Call};

/// Unwraps a key (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>; AES key wrap:
/// <https://www.rfc-editor.org/rfc/rfc3394>).
pub type UnwrapKey = Single<UnwrapInput>;

/// Unwraps keys.
pub type BatchUnwrapKey = Batch<UnwrapInput>;

/// What to unwrap.
#[derive(Clone, Debug)]
pub struct UnwrapInput {
    /// The algorithm with which the key was wrapped.
    pub algorithm: WrapAlgorithm,
    /// The wrapped key.
    pub value: Vec<u8>,
}

impl Input for UnwrapInput {
    const SINGLE: OperationNames<DataAction> = names("UnwrapKey", "KeyUnwrap", DataAction::KeyUnwrap);
    const BATCH: OperationNames<DataAction> =
        names("BatchUnwrapKey", "KeyUnwrapBatch", DataAction::KeyUnwrap);
    const KEY_OPERATION: KeyOperation = KeyOperation::UnwrapKey;
    type Output = Zeroizing<Vec<u8>>;

    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    fn mode_family(&self) -> Option<ModeFamily> {
        ModeFamily::of_wrap(self.algorithm)
    }

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type())?;
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => check_key_wrap(Field::WrappedKey, &self.value, WRAPPED_KEY),
            Wrap::Rsa(_) => check_rsa_ciphertext(Field::WrappedKey, version, &self.value),
        }
    }

    fn begin(self, version: &KeyVersion, _: &Cx) -> Result<Begun<Zeroizing<Vec<u8>>>> {
        let (object, wrapped) = (version.version, self.value);
        let call = match self.algorithm.primitive() {
            Wrap::AesKw(_) => Call::Unwrap { object, wrapped },
            Wrap::Rsa(padding) => Call::Decrypt {
                object,
                cipher: Cipher::Rsa(padding),
                ciphertext: wrapped,
                iv: Vec::new(),
                tag: Vec::new(),
                aad: Vec::new(),
            },
        };
        Ok(Begun::in_token(call, Answer::into_secret))
    }
}
