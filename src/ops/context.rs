//! What an operation may use while it runs.

use std::sync::Arc;

use uuid::Uuid;

use super::intents::Intents;
use super::{PublicKeys, Tokens};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::model::aes_modes::{AesModes, ModeFamily};
use crate::model::billing::Pricing;
use crate::model::change::{Change, IntentVerb};
use crate::model::hsm::ManagedHsm;
use crate::model::key::KeyVersion;
use crate::model::location::Locations;
use crate::model::name::{PrincipalId, VersionId};
use crate::model::resource::Subscription;
use crate::model::retention::RecoveryLevel;
use crate::model::{Result, Timestamp};
use crate::store::Store;
use crate::token::{Supply, Token};

/// What an operation may use while it runs: the token of its HSM, the read side of the store, and
/// the present. Writing is the engine's, but for intents.
pub struct Cx {
    /// The HSM the operation was addressed to.
    pub hsm: Arc<ManagedHsm>,
    /// The token that holds its keys.
    pub token: Token,
    /// What is known. Operations read only.
    pub store: Store,
    /// Parsed public keys.
    pub public_keys: Arc<PublicKeys>,
    /// Makes identifiers.
    pub ids: Ids,
    /// When the call arrived.
    pub now: Timestamp,
    /// The caller and its groups; none where the service itself acts.
    pub asker: Vec<PrincipalId>,
    /// The latest time of which it is sure that it has come: see [`Clock::sure`].
    pub sure: Timestamp,
    /// What the operation has declared.
    pub intents: Intents,
    /// Whether AES key versions serve all modes of operation, or one family of them.
    pub aes_modes: AesModes,
}

/// What an operation of the control plane may use.
pub struct ControlCx {
    /// The subscription it was addressed to.
    pub subscription: Arc<Subscription>,
    /// What is known. Operations read only.
    pub store: Store,
    /// Where resources can be.
    pub locations: Arc<Locations>,
    /// What things cost.
    pub pricing: Arc<Pricing>,
    /// Makes identifiers.
    pub ids: Ids,
    /// When the call arrived.
    pub now: Timestamp,
    /// The latest time of which it is sure that it has come: see [`Clock::sure`].
    pub sure: Timestamp,
    /// Who called; `None` where the service itself acts.
    pub caller: Option<PrincipalId>,
    /// The tokens that new HSMs can have.
    pub supply: Supply,
    /// The tokens that HSMs have.
    pub tokens: Tokens,
    /// What the operation has declared.
    pub intents: Intents,
}

/// What an operation above subscriptions may use.
pub struct DirectoryCx {
    /// What is known. Operations read only.
    pub store: Store,
    /// The caller's tenant.
    pub tenant: Uuid,
    /// The caller and its groups.
    pub principals: Vec<PrincipalId>,
}

/// What an operation on the clock may use.
pub struct ClockCx {
    /// The clock.
    pub clock: Clock,
    /// When the call arrived.
    pub now: Timestamp,
}

impl Cx {
    /// What deletion means in this HSM.
    pub fn recovery_level(&self) -> RecoveryLevel {
        let subscription = self.store.subscription(self.hsm.subscription);
        self.hsm.recovery_level(subscription.is_some_and(|subscription| subscription.undeletable))
    }

    /// Whether a version may be used in a family of AES modes, and what is to be written with the record of its use: the
    /// first use binds it, in the same transaction, so that no result is answered of a use that another has excluded.
    ///
    /// # Errors
    /// `ModeFamilyMismatch`.
    pub fn admit_mode(&self, version: &KeyVersion, family: Option<ModeFamily>) -> Result<Vec<Change>> {
        let binds = self.aes_modes.admit(version, family)?;
        let bind = |family| {
            let (hsm, name) = (version.hsm.clone(), version.name.clone());
            Change::BindModes(hsm, name, version.version, family)
        };
        Ok(binds.map(bind).into_iter().collect())
    }

    /// Declares, durably, that objects are about to be made or destroyed in the HSM's token.
    ///
    /// # Errors
    /// As [`Intents::declare`].
    pub async fn intend(&self, verb: IntentVerb, objects: Vec<VersionId>) -> Result<()> {
        self.intents.declare(&self.hsm.name, verb, objects).await
    }
}
