//! The call pipeline: authenticates, authorizes, executes, meters and audits every call of every surface.

mod audit_files;
mod audit_log;
mod audit_records;
mod backup_jobs;
mod call_metrics;
mod call_record;
mod container_access;
mod contents_access;
mod decision;
mod due_work;
mod event_log;
mod locks;
mod missing_material;
mod missing_tokens;
mod panics;
mod parts;
mod plane_access;
mod refusals;
mod status;
mod steps;
mod sweep;
mod throttling;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::clock::Clock;
use crate::identity::{Audience, Credential, Identity, VerifiedCredential};
use crate::ids::Ids;
use crate::model::audit_entry::{Meter, Origin};
use crate::model::billing::Pricing;
use crate::model::container_setting::KeyPolicies;
use crate::model::event::EventFilter;
use crate::model::hsm::ManagedHsm;
use crate::model::location::Locations;
use crate::model::name::{HsmName, PrincipalId, VaultName};
use crate::model::vault::Vault;
use crate::model::{Error, Result};
use crate::ops::{
    AttachedTokens, AuditReader, BackupQueue, Intents, Operation, Plane, PlaneOf, PublicKeyCache,
    RunningIntents, SecurityWorlds, TestIssuer,
};
use crate::storage;
use crate::store::{Commit, Store};
use crate::token::TokenPool;

pub use crate::audit::http_status;
pub use audit_files::AuditFiles;
pub use audit_log::{AuditLog, Signer};
use call_record::CallRecord;
use locks::Locks;
pub use panics::catch_panics;
use panics::catch_panics_sync;
pub use parts::EngineParts;
pub use plane_access::PlaneAccess;
pub use refusals::RefusalLimits;
use refusals::Refusals;
pub use status::{ContainerCounts, EngineHealth, ScheduleStatus, Status, TokenHealth};
use steps::{Steps, call_span};
use throttling::Throttle;

/// A handle to the call pipeline. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    identity: Identity,
    store: Store,
    tokens: AttachedTokens,
    supply: TokenPool,
    public_keys: Arc<PublicKeyCache>,
    security_worlds: SecurityWorlds,
    test_issuer: Option<TestIssuer>,
    locations: Arc<Locations>,
    pricing: Arc<Pricing>,
    key_policies: KeyPolicies,
    storage: Arc<storage::Policy>,
    backup_queue: BackupQueue,
    /// The tenant and object id of each principal that may release the clock without a role.
    clock_operators: Vec<(Uuid, PrincipalId)>,
    clock: Clock,
    locks: Locks,
    running_intents: RunningIntents,
    running: TaskTracker,
    refusals: Refusals,
    throttle: Throttle,
    soft_delete_opt_out: bool,
    audit_log: AuditLog,
    audit_reader: AuditReader,
    calls_in_progress: AtomicUsize,
    steps: Steps,
}

impl Engine {
    /// Creates an engine.
    pub fn new(parts: EngineParts) -> Self {
        let locations = Arc::new(parts.locations);
        Self(Arc::new(Inner {
            identity: parts.identity,
            store: parts.store,
            tokens: parts.tokens,
            supply: parts.token_pool,
            public_keys: Arc::default(),
            security_worlds: SecurityWorlds::new(parts.audit_log.token(), locations.clone()),
            test_issuer: parts.audit_log.token().filter(|_| parts.test_issuer).map(TestIssuer::new),
            locations,
            pricing: Arc::new(parts.pricing),
            key_policies: parts.key_policies,
            storage: Arc::new(parts.storage),
            backup_queue: BackupQueue::default(),
            clock_operators: parts.clock_operators,
            clock: parts.clock,
            locks: Locks::default(),
            running_intents: RunningIntents::default(),
            running: TaskTracker::new(),
            refusals: Refusals::new(parts.audit_log.refusals.clone()),
            throttle: Throttle::new(parts.rate_limits),
            soft_delete_opt_out: parts.soft_delete_opt_out,
            audit_reader: AuditReader::new(parts.audit_log.directory.clone()),
            audit_log: parts.audit_log,
            calls_in_progress: AtomicUsize::new(0),
            steps: Steps::new(),
        }))
    }

    /// Verifies the credential of a request before its body is read. The credential must be issued for one of
    /// `audiences`. Writes no audit record: [`call`](Self::call) or [`refuse`](Self::refuse) follows and writes it.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub async fn authenticate(
        &self,
        credential: Credential<'_>,
        audiences: &[Audience],
    ) -> Result<VerifiedCredential> {
        self.0.identity.verify(credential, audiences).await
    }

    /// Runs an operation for a caller. `request` is parsed only after the credential is verified.
    ///
    /// The changes, the meter reading and the audit record are committed together before the reply is
    /// returned. If that fails, the call fails.
    ///
    /// # Errors
    /// The error of the first step that fails: authentication, parsing, authorization, loading, execution, commit.
    pub async fn call<O: Operation>(
        &self,
        credential: Result<Credential<'_>>,
        origin: Origin,
        request: impl FnOnce() -> Result<O> + Send,
    ) -> Result<O::Reply>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let span = call_span(O::NAME, &origin);
        async {
            let mut pending = CallRecord::begin(self, O::EVENT, O::METER, origin);
            let parsed = catch_panics(O::NAME, self.parse_call(credential, request, &mut pending)).await;
            match parsed {
                Ok((operation, caller)) => self.decide(operation, Some(caller), pending).await,
                Err(error) => pending.refuse(error).await,
            }
        }
        .instrument(span)
        .await
    }

    /// As [`call`](Self::call), and renders the reply with `show`. The call is committed by then: if rendering panics, a
    /// second audit record with the same correlation id says so.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn answer<O: Operation, R>(
        &self,
        credential: Result<Credential<'_>>,
        origin: Origin,
        request: impl FnOnce() -> Result<O> + Send,
        show: impl FnOnce(O::Reply) -> R + Send,
    ) -> Result<R>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let again = match &credential {
            Ok(credential) => Ok(*credential),
            Err(error) => Err(error.clone()),
        };
        let reply = self.call::<O>(credential, origin.clone(), request).await?;
        match catch_panics_sync(O::NAME, || show(reply)) {
            Ok(shown) => Ok(shown),
            Err(error) => {
                let audiences = PlaneOf::<O>::AUDIENCES;
                Err(self.refuse((again, audiences), origin, (O::EVENT, Meter::Free), error).await)
            }
        }
    }

    /// Runs a due operation for the service itself: checked, metered and audited as a caller's, but without
    /// authentication and authorization. Only the scheduler calls this.
    ///
    /// # Errors
    /// `ClockNotTrusted` for an operation that destroys data permanently while the machine's clock is not trusted;
    /// otherwise those of [`call`](Self::call), from loading on.
    pub async fn run_due<O: Operation>(&self, operation: O) -> Result<O::Reply>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let origin = Origin {
            client_info: "strongroom-scheduler".to_owned(),
            correlation_id: Ids.guid(),
            operation_version: "v1".into(),
            ..Origin::default()
        };
        let span = call_span(O::NAME, &origin);
        self.run_due_call(operation, origin).instrument(span).await
    }

    async fn run_due_call<O: Operation>(&self, operation: O, origin: Origin) -> Result<O::Reply>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let pending = CallRecord::begin_internal(self, O::EVENT, O::METER, origin);
        self.decide(operation, None, pending).await
    }

    /// Records a call whose request could not be parsed, and returns the error to reply with: `error` for an
    /// authenticated caller, otherwise the authentication error. `audiences` are those of the planes that the request may
    /// address.
    pub async fn refuse(
        &self,
        (credential, audiences): (Result<Credential<'_>>, &[Audience]),
        origin: Origin,
        (event, meter): (&'static str, Meter),
        error: Error,
    ) -> Error {
        let mut pending = CallRecord::begin(self, event, meter, origin);
        let authenticated = match credential {
            Ok(credential) => self.0.identity.authenticate(credential, audiences).await,
            Err(error) => Err(error),
        };
        let error = match authenticated {
            Ok(caller) => {
                pending.set_caller(&caller);
                error
            }
            Err(unauthenticated) => unauthenticated,
        };
        match pending.refuse::<Infallible>(error).await {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    /// Returns an empty list of intents for one operation.
    fn intents(&self) -> Intents {
        Intents::new(self.0.store.clone(), self.0.running_intents.clone())
    }

    /// The service's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Writes the high-water mark of a guarded clock, if it is due.
    ///
    /// # Errors
    /// `Internal` where the database fails.
    pub async fn write_high_water_mark(&self) -> Result<()> {
        self.0.store.commit(Commit::default()).await
    }

    /// Returns an HSM, live or deleted.
    pub fn managed_hsm(&self, name: &HsmName) -> Option<Arc<ManagedHsm>> {
        self.0.store.hsm(name)
    }

    /// Returns a vault, live or deleted.
    pub fn vault(&self, name: &VaultName) -> Option<Arc<Vault>> {
        self.0.store.vault(name)
    }

    /// Returns a receiver that is notified of every committed change.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.store.watch()
    }

    /// Waits for a lifecycle event after `position` that matches `watched`. Returns the position from which to read the
    /// log: events that do not match are skipped here, without a call.
    pub async fn wait_for_event(&self, watched: EventFilter, mut position: u64) -> u64 {
        let mut newest = self.0.store.watch_events();
        loop {
            let last = *newest.borrow_and_update();
            if self.0.store.events_concern(watched, position) {
                return position;
            }
            position = last.max(position);
            if newest.changed().await.is_err() {
                // The store is closed: no further event can occur.
                return std::future::pending().await;
            }
        }
    }
}
