//! Operation contexts: what an operation may use while it runs, for each plane.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::backup_queue::BackupQueue;
use super::intents::Intents;
use super::{AttachedTokens, AuditReader, PublicKeyCache, SecurityWorlds, TestIssuer};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::model::aes_modes::{AesModes, ModeFamily};
use crate::model::billing::Pricing;
use crate::model::change::{Change, IntentVerb};
use crate::model::container::Container;
use crate::model::hsm::ManagedHsm;
use crate::model::key::KeyVersion;
use crate::model::location::Locations;
use crate::model::name::{PrincipalId, VersionId};
use crate::model::resource::Subscription;
use crate::model::retention::RecoveryLevel;
use crate::model::vault::Vault;
use crate::model::wrapped_key::BackupPolicy;
use crate::model::{Error, Field, Result, Timestamp};
use crate::storage;
use crate::store::Store;
use crate::token::{Token, TokenPool};

/// The context of an operation of the data plane. Operations read the store and declare intents; the engine commits
/// their changes.
pub struct Cx {
    /// The addressed container.
    pub container: Container,
    /// See [`token`](Self::token).
    pub token: Result<Token>,
    /// The store, for reading.
    pub store: Store,
    /// The cache of parsed public keys.
    pub public_keys: Arc<PublicKeyCache>,
    /// Generates identifiers.
    pub ids: Ids,
    /// When the call arrived.
    pub now: Timestamp,
    /// The principal of the caller and its groups; empty for operations of the service itself.
    pub caller_principals: Vec<PrincipalId>,
    /// The latest time that has certainly been reached: see [`Clock::certain_time`].
    pub sure: Timestamp,
    /// The intents that the operation has declared.
    pub intents: Intents,
    /// Whether an AES key version may be used in all modes of operation, or in one family of modes.
    pub aes_modes: AesModes,
    /// Whether new keys may be wrapped for backups.
    pub backup: BackupPolicy,
    /// The jobs that were started.
    pub backup_queue: BackupQueue,
    /// The keys of backups of objects of vaults.
    pub security_worlds: SecurityWorlds,
    /// The test issuer of certificates, which simulators have.
    pub test_issuer: Option<TestIssuer>,
    /// Where full backups may be stored.
    pub storage: Arc<storage::Policy>,
    /// The clock of the service, for operations that take long.
    pub clock: Clock,
}

/// The context of an operation of the control plane.
pub struct ControlCx {
    /// The addressed subscription.
    pub subscription: Arc<Subscription>,
    /// The store, for reading.
    pub store: Store,
    /// The configured locations.
    pub locations: Arc<Locations>,
    /// The price list and plans.
    pub pricing: Arc<Pricing>,
    /// Generates identifiers.
    pub ids: Ids,
    /// When the call arrived.
    pub now: Timestamp,
    /// The latest time that has certainly been reached: see [`Clock::certain_time`].
    pub sure: Timestamp,
    /// Reads the audit log.
    pub audit_reader: AuditReader,
    /// Allocates tokens for new HSMs.
    pub token_pool: TokenPool,
    /// The tokens of existing HSMs.
    pub tokens: AttachedTokens,
    /// The intents that the operation has declared.
    pub intents: Intents,
    /// The principal of the caller and its groups; empty for operations of the service itself.
    pub caller_principals: Vec<PrincipalId>,
    /// Whether vaults without soft-delete may be created, before February 2025.
    pub soft_delete_opt_out: bool,
}

/// The context of an operation on the tenant, above subscriptions.
pub struct DirectoryCx {
    /// The store, for reading.
    pub store: Store,
    /// The caller's tenant.
    pub tenant: Uuid,
    /// The principal of the caller and its groups.
    pub principals: Vec<PrincipalId>,
}

/// The context of an operation on the clock.
pub struct ClockCx {
    /// The clock.
    pub clock: Clock,
}

/// What the contexts of several planes offer, for operations that are the same on each.
pub trait CommonCx: Send + Sync {
    /// Returns the store, for reading.
    fn store(&self) -> &Store;

    /// Returns the generator of identifiers.
    fn ids(&self) -> &Ids;

    /// Returns the principal of the caller and its groups; empty for operations of the service itself.
    fn caller_principals(&self) -> &[PrincipalId];

    /// Returns when the call arrived.
    fn now(&self) -> Timestamp;

    /// Returns the latest time that has certainly been reached: see [`Clock::certain_time`].
    fn sure(&self) -> Timestamp;

    /// Returns the intents that the operation has declared.
    fn intents(&self) -> &Intents;

    /// Returns the container whose data plane is addressed; `None` on the control plane.
    fn container(&self) -> Option<&Container>;
}

/// Implements [`CommonCx`] with the fields of the same names.
macro_rules! common_cx {
    ($($cx:ty => $container:expr),+) => {
        $(impl CommonCx for $cx {
            fn store(&self) -> &Store {
                &self.store
            }

            fn ids(&self) -> &Ids {
                &self.ids
            }

            fn caller_principals(&self) -> &[PrincipalId] {
                &self.caller_principals
            }

            fn now(&self) -> Timestamp {
                self.now
            }

            fn sure(&self) -> Timestamp {
                self.sure
            }

            fn intents(&self) -> &Intents {
                &self.intents
            }

            fn container(&self) -> Option<&Container> {
                let container: fn(&Self) -> Option<&Container> = $container;
                container(self)
            }
        })+
    };
}

common_cx!(Cx => |cx| Some(&cx.container), ControlCx => |_| None);

impl Cx {
    /// Returns the token that holds the keys of the addressed container.
    ///
    /// # Errors
    /// `TokenUnavailable` if it was unavailable when the service started, and still is.
    pub fn token(&self) -> Result<&Token> {
        self.token.as_ref().map_err(Clone::clone)
    }

    /// Has calls to the token that still wait for it at `deadline` fail.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.token = self.token.as_ref().map(|token| token.until(deadline)).map_err(Clone::clone);
    }

    /// Returns the addressed managed HSM, for operations that other containers do not have.
    ///
    /// # Errors
    /// `Internal` if it is another kind of container, which the targets of such operations exclude.
    pub fn managed_hsm(&self) -> Result<&Arc<ManagedHsm>> {
        let other = || Error::internal("an operation of managed HSMs addresses another container");
        self.container.managed_hsm().ok_or_else(other)
    }

    /// Returns the addressed vault, for operations that other containers do not have.
    ///
    /// # Errors
    /// `Internal` if it is another kind of container, which the targets of such operations exclude.
    pub fn vault(&self) -> Result<&Arc<Vault>> {
        let other = || Error::internal("an operation of vaults addresses another container");
        self.container.vault().ok_or_else(other)
    }

    /// Returns the test issuer of certificates.
    ///
    /// # Errors
    /// `Invalid` naming `field` if the service has none.
    pub fn test_issuer(&self, field: Field) -> Result<&TestIssuer> {
        let missing = || {
            Error::invalid(field, "only a simulator has the provider Test, which issues test certificates")
        };
        self.test_issuer.as_ref().ok_or_else(missing)
    }

    /// Returns the recovery level of the container and its contents.
    pub fn recovery_level(&self) -> RecoveryLevel {
        let subscription = self.store.subscription(self.container.subscription());
        self.container.recovery_level(subscription.is_some_and(|subscription| subscription.protected))
    }

    /// Checks that a key version may be used in a family of AES modes, and returns the changes to commit with the call.
    /// The first use binds the version to the family, in the transaction of that call: of two concurrent first uses in
    /// different families, only one succeeds.
    ///
    /// # Errors
    /// `ModeFamilyMismatch`.
    pub fn bind_mode(&self, version: &KeyVersion, family: Option<ModeFamily>) -> Result<Vec<Change>> {
        let binds = self.aes_modes.check_use(version, family)?;
        let bind = |family| {
            let (hsm, name) = (version.container.clone(), version.name.clone());
            Change::BindModes(hsm, name, version.version, family)
        };
        Ok(binds.map(bind).into_iter().collect())
    }

    /// Commits an intent to create or destroy objects in the token of the HSM.
    ///
    /// # Errors
    /// As [`Intents::declare`].
    pub async fn declare_intent(&self, verb: IntentVerb, objects: Vec<VersionId>) -> Result<()> {
        self.intents.declare(&self.container.id(), verb, objects).await
    }
}
