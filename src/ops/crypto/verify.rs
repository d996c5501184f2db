//! Verifies a signature of a digest.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::model::algorithm::SignatureAlgorithm;
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::key::{KeyOperation, KeyType, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

/// Verifies a signature (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>). An invalid signature
/// is a result, not an error.
#[derive(Clone, Debug)]
pub struct Verify {
    /// The key version.
    pub key: KeyId,
    /// The algorithm of the signature.
    pub algorithm: SignatureAlgorithm,
    /// The digest.
    pub digest: Vec<u8>,
    /// The signature, in the format of JWS.
    pub signature: Vec<u8>,
}

/// The result of a verification.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The key version that was used.
    pub version: Arc<KeyVersion>,
    /// The name of the algorithm on the wire.
    pub algorithm: &'static str,
    /// Whether the signature is valid.
    pub valid: bool,
}

impl Operation for Verify {
    const NAME: &'static str = "Verify";
    const EVENT: &'static str = "KeyVerify";
    const ACTION: DataAction = DataAction::KeyVerify;
    const METER: Meter = Meter::Cryptographic;
    type Target = LiveKeyVersion;
    type Reply = Verified;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        CallClass::using(version.material.key_type(), version.protection)
    }

    fn check(&self, target: &LiveKeyVersion, now: Timestamp) -> Result<()> {
        self.algorithm.check(target.0.material.key_type(), &self.digest)?;
        target.0.check_usable_for(KeyOperation::Verify, now)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<Verified>> {
        let key_type = target.0.material.key_type();
        let valid = if let KeyType::Oct { .. } = key_type {
            // A MAC is verified by computing it again, which requires the secret key in the token.
            let mac = cx.token.sign(target.0.version, key_type, self.algorithm, self.digest).await?;
            bool::from(mac.ct_eq(&self.signature))
        } else {
            cx.public_keys.of(&target.0)?.verify(self.algorithm, &self.digest, &self.signature)?
        };
        let version = Arc::clone(&target.0);
        Ok(Done::reply(Verified { version: target.0, algorithm: self.algorithm.as_str(), valid })
            .used(version))
    }
}
