//! Signs a digest in the token; with the HS algorithms, computes a MAC.

use std::sync::Arc;

use super::Outcome;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::entry::Meter;
use crate::model::key::KeyOperation;
use crate::model::name::KeyId;
use crate::model::rbac::Action;
use crate::model::{Result, Timestamp};
use crate::ops::{Cx, Done, Operation, Version};

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
    const ACTION: Action = Action::KeySign;
    const METER: Meter = Meter::Cryptographic;
    type Target = Version;
    type Reply = Outcome;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn check(&self, target: &Version, now: Timestamp) -> Result<()> {
        self.algorithm.check(target.0.material.key_type(), &self.digest)?;
        target.0.usable_for(KeyOperation::Sign, now)
    }

    async fn execute(self, target: Version, cx: &Cx) -> Result<Done<Outcome>> {
        let (version, key_type) = (target.0.version, target.0.material.key_type());
        let value = cx.token.sign(version, key_type, self.algorithm, self.digest).await?;
        let version = Arc::clone(&target.0);
        Ok(Done::reply(Outcome { version: target.0, algorithm: self.algorithm.as_str(), value })
            .used(version))
    }
}
