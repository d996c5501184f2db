//! Verifies signatures of digests.

use subtle::ConstantTimeEq;

use super::batch::Batch;
use super::input::{Input, Single, names};
use crate::model::Result;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::key::{KeyOperation, KeyType, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::ops::{Cx, OperationNames};

/// Verifies a signature (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>). An invalid signature
/// is a result, not an error.
pub type Verify = Single<VerifyInput>;

/// Verifies signatures.
pub type BatchVerify = Batch<VerifyInput>;

/// What to verify.
#[derive(Clone, Debug)]
pub struct VerifyInput {
    /// The algorithm of the signature.
    pub algorithm: SignatureAlgorithm,
    /// The digest.
    pub digest: Vec<u8>,
    /// The signature, in the format of JWS.
    pub signature: Vec<u8>,
}

impl Input for VerifyInput {
    const SINGLE: OperationNames<DataAction> = names("Verify", "KeyVerify", DataAction::KeyVerify);
    const BATCH: OperationNames<DataAction> = names("BatchVerify", "KeyVerifyBatch", DataAction::KeyVerify);
    const KEY_OPERATION: KeyOperation = KeyOperation::Verify;
    /// Whether the signature is valid.
    type Output = bool;

    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    /// A MAC is verified by computing it again, which requires the secret key in the token.
    fn uses_token(&self, version: &KeyVersion) -> bool {
        matches!(version.material.key_type(), KeyType::Oct { .. })
    }

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type(), &self.digest)
    }

    async fn run(self, version: &KeyVersion, cx: &Cx) -> Result<bool> {
        if self.uses_token(version) {
            let key_type = version.material.key_type();
            let mac = cx.token.sign(version.version, key_type, self.algorithm, self.digest).await?;
            return Ok(bool::from(mac.ct_eq(&self.signature)));
        }
        cx.public_keys.of(version)?.verify(self.algorithm, &self.digest, &self.signature)
    }
}
