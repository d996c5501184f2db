//! Unwraps symmetric keys and returns them to the caller.

use zeroize::Zeroizing;

use super::batch::Batch;
use super::input::{Input, Single, names};
use super::{WRAPPED_KEY, check_key_wrap, check_rsa_ciphertext};
use crate::model::aes_modes::ModeFamily;
use crate::model::algorithm::{Cipher, Wrap, WrapAlgorithm};
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::{Field, Result};
use crate::ops::{Cx, OperationNames};

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

    fn uses_token(&self, _: &KeyVersion) -> bool {
        true
    }

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type())?;
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => check_key_wrap(Field::WrappedKey, &self.value, WRAPPED_KEY),
            Wrap::Rsa(_) => check_rsa_ciphertext(Field::WrappedKey, version, &self.value),
        }
    }

    async fn run(self, version: &KeyVersion, cx: &Cx) -> Result<Zeroizing<Vec<u8>>> {
        let object = version.version;
        match self.algorithm.primitive() {
            Wrap::AesKw(_) => cx.token.unwrap(object, self.value).await,
            Wrap::Rsa(padding) => {
                let none = Vec::new;
                cx.token.decrypt(object, Cipher::Rsa(padding), self.value, none(), none(), none()).await
            }
        }
    }
}
