//! Signs a digest in the token; with the HS algorithms, computes a MAC.

use std::sync::Arc;

use super::CryptoResult;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::key::KeyOperation;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

/// Signs a digest (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
#[derive(Clone, Debug)]
pub struct Sign {
    /// The key version.
    pub key: KeyId,
    /// The algorithm.
    pub algorithm: SignatureAlgorithm,
    /// The digest, of the length of the algorithm's hash.
    pub digest: Vec<u8>,
}

impl Operation for Sign {
    const NAME: &'static str = "Sign";
    const EVENT: &'static str = "KeySign";
    const ACTION: DataAction = DataAction::KeySign;
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
        self.algorithm.check(target.0.material.key_type(), &self.digest)?;
        target.0.check_usable_for(KeyOperation::Sign, now)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<CryptoResult>> {
        let (version, key_type) = (target.0.version, target.0.material.key_type());
        let value = cx.token.sign(version, key_type, self.algorithm, self.digest).await?;
        let version = Arc::clone(&target.0);
        Ok(Done::reply(CryptoResult { version: target.0, algorithm: self.algorithm.as_str(), value })
            .used(version))
    }
}
