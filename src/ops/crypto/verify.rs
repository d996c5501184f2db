//! Verifies signatures of digests.

use subtle::ConstantTimeEq;

use super::batch::Batch;
use super::input::{Begun, Input, Single, names};
use crate::model::Result;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::key::{KeyOperation, KeyType, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::ops::{Cx, OperationNames};
use crate::token::{Answer, Call};

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

    fn check(&self, version: &KeyVersion) -> Result<()> {
        self.algorithm.check(version.material.key_type(), &self.digest)
    }

    fn begin(self, version: &KeyVersion, cx: &Cx) -> Result<Begun<bool>> {
        let Self { algorithm, digest, signature } = self;
        let (object, key_type) = (version.version, version.material.key_type());
        // A MAC is verified by computing it again, which requires the secret key in the token.
        if matches!(key_type, KeyType::Oct { .. }) {
            let call = Call::Sign { object, key_type, algorithm, digest };
            let matches = move |answer: Answer| Ok(bool::from(answer.into_bytes()?.ct_eq(&signature)));
            return Ok(Begun::in_token(call, matches));
        }
        Ok(Begun::Computed(cx.public_keys.of(version)?.verify(algorithm, &digest, &signature)?))
    }
}
