//! Signs digests in the token; with the HS algorithms, computes MACs.

use super::batch::Batch;
use super::input::{Input, Single, names};
use crate::model::Result;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::ops::{Cx, OperationNames};

/// Signs a digest (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
pub type Sign = Single<SignInput>;

/// Signs digests.
pub type BatchSign = Batch<SignInput>;

/// What to sign.
#[derive(Clone, Debug)]
pub struct SignInput {
    /// The algorithm.
    pub algorithm: SignatureAlgorithm,
    /// The digest, of the length of the algorithm's hash.
    pub digest: Vec<u8>,
}

impl Input for SignInput {
    const SINGLE: OperationNames<DataAction> = names("Sign", "KeySign", DataAction::KeySign);
    const BATCH: OperationNames<DataAction> = names("BatchSign", "KeySignBatch", DataAction::KeySign);
    const KEY_OPERATION: KeyOperation = KeyOperation::Sign;
    type Output = Vec<u8>;

    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    fn uses_token(&self, _: &KeyVersion) -> bool {
        true
    }

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type(), &self.digest)
    }

    async fn run(self, version: &KeyVersion, cx: &Cx) -> Result<Vec<u8>> {
        let key_type = version.material.key_type();
        cx.token.sign(version.version, key_type, self.algorithm, self.digest).await
    }
}
