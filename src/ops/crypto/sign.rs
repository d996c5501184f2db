//! Signs digests in the token; with the HS algorithms, computes MACs.

use super::batch::Batch;
use super::input::{Begun, Input, Single, names};
use crate::model::Result;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::ops::{Cx, OperationNames};
use crate::token::{Answer, Call};

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

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type(), &self.digest)
    }

    fn begin(self, version: &KeyVersion, _: &Cx) -> Result<Begun<Vec<u8>>> {
        let (object, key_type) = (version.version, version.material.key_type());
        let call = Call::Sign { object, key_type, algorithm: self.algorithm, digest: self.digest };
        Ok(Begun::in_token(call, Answer::into_bytes))
    }
}
