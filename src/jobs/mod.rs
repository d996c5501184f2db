//! Timed work: purges at the end of retention intervals, rotations and renewals by policy, near-expiry and budget notifications.
//!
//! The scheduler sleeps until the earliest due time, is woken by committed changes and by the clock, and runs due work
//! through the engine, in order of due time. It has no state that a restart would lose: due work is derived from the
//! stored data.

mod backups;
mod certificates;
mod clock_monitor;
mod retry_queue;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use backups::run_backup_jobs;
pub use clock_monitor::monitor_clock;
use metrics::counter;
use retry_queue::RetryQueue;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::identity::Credential;
use crate::model::audit_entry::Origin;
use crate::model::certificate::CertificateId;
use crate::model::container_id::KeyId;
use crate::model::deletion::Deletable;
use crate::model::name::VersionId;
use crate::model::time::{DueWork, ScheduledWork};
use crate::model::{Error, Result, Timestamp};
use crate::ops::KeyPath;
use crate::ops::certificates::{CertificatePath, PurgeExpiredCertificate};
use crate::ops::clock::{AdvanceClock, AuthorizeAdvance, ClockState};
use crate::ops::deletion::SoftDeletable as _;
use crate::ops::hsms::{DeletedHsmPath, PurgeExpiredManagedHsm};
use crate::ops::keys::PurgeExpiredKey;
use crate::ops::keys::{NoteNearExpiry, RotateDueKey};
use crate::ops::secrets::{PurgeExpiredSecret, SecretPath};
use crate::ops::usage::{BudgetId, NoteBudgetReached};
use crate::ops::vaults::{DeletedVaultPath, PurgeExpiredVault};
use crate::telemetry;

/// How often it is checked whether this instance of the service does the scheduled work.
const LEASE_CHECK: Duration = Duration::from_millis(500);

/// The maximum number of events that an advance reports. All due work is done nevertheless.
const REPORTED: usize = 10_000;

/// Due work that was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimedEvent {
    /// The due time.
    pub at: Timestamp,
    /// The kind of work and its result.
    pub what: TimedEventKind,
}

/// The kind of due work and its result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimedEventKind {
    /// A deleted key was purged.
    PurgedKey(KeyPath),
    /// A deleted certificate was purged.
    PurgedCertificate(CertificatePath),
    /// A deleted secret was purged.
    PurgedSecret(SecretPath),
    /// A deleted HSM was purged.
    PurgedHsm(DeletedHsmPath),
    /// A deleted vault was purged.
    PurgedVault(DeletedVaultPath),
    /// A key was rotated to this version.
    RotatedKey(KeyId),
    /// A key could not be rotated. Rotation is not retried for its current version.
    NotRotatedKey(KeyPath),
    /// This version, the current one of a key, is near its expiry.
    NearExpiry(KeyId),
    /// This version of a certificate was issued by its lifetime action.
    RenewedCertificate(CertificateId),
    /// The renewal of a certificate failed. It is attempted again later.
    NotRenewedCertificate(CertificatePath),
    /// This version, the current one of a certificate, is near its expiry.
    CertificateNearExpiry(CertificateId),
    /// This version, the current one of a certificate, has expired.
    CertificateExpired(CertificateId),
    /// The lifetime action asks to notify the contacts of the expiry of this version.
    NotifiedContacts(CertificateId),
    /// The test issuer answered a request: a version was issued or refused.
    EndedCertificateOperation(CertificatePath),
    /// A renewal was requested from the test issuer, which has not answered yet.
    RequestedRenewal(CertificatePath),
    /// A budget was reached.
    ReachedBudget(BudgetId),
}

/// A handle to the scheduler of due work. Cheap to clone.
#[derive(Clone)]
pub struct Scheduler {
    engine: Engine,
    /// Locked while due work runs, so that it runs once and in order.
    working: Arc<Mutex<()>>,
}

impl Scheduler {
    /// Creates a scheduler for this engine; [`run`](Self::run) starts it.
    pub fn new(engine: Engine) -> Self {
        Self { engine, working: Arc::default() }
    }

    /// Runs due work until the store is closed or the future is dropped.
    pub async fn run(self) {
        let mut changes = self.engine.watch();
        let mut waiting = RetryQueue::default();
        loop {
            if !self.engine.does_scheduled_work() {
                // Another instance of the service does it.
                sleep_until(Some(Instant::now() + LEASE_CHECK)).await;
                if changes.has_changed().is_err() {
                    return;
                }
                continue;
            }
            {
                let _working = self.working.lock().await;
                self.run_due_work(&mut waiting).await;
            }
            // Read before the due work: a retry time that passes in between makes its work due again.
            let again = waiting.next_retry(Instant::now());
            let next = self.next_due(&waiting).await.map(|due| due.at);
            tokio::select! {
                () = self.clock().sleep_towards(next.unwrap_or(Timestamp::MAX)) => {}
                () = sleep_until(again) => {}
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Advances the virtual clock for a caller. Stops at each due time on the way and runs the work that is due there.
    /// Returns the work that was done, in order.
    ///
    /// # Errors
    /// Those of [`AdvanceClock`]; the first failure of due work, with the clock at that instant.
    pub async fn advance(
        &self,
        credential: Result<Credential<'_>>,
        origin: Origin,
        target: impl FnOnce(Timestamp) -> Result<Timestamp> + Send,
        force: bool,
    ) -> Result<(ClockState, Vec<TimedEvent>)> {
        let _working = self.working.lock().await;
        let mut happenings = Vec::new();
        // The last step is a call of the caller and is authorized and recorded as one. The caller is authorized before
        // the first step as well, so that a caller who is refused does not advance the clock.
        let authorized = self.engine.call(copy(&credential), origin.clone(), || Ok(AuthorizeAdvance));
        let now = authorized.await?;
        let to = target(now).and_then(|to| AdvanceClock::check_distance(now, to, force).map(|()| to));
        let to = match to {
            Ok(to) => to,
            // An invalid request is recorded like that of any other call.
            Err(error) => {
                let face = self.engine.call::<AdvanceClock>(credential, origin, || Err(error)).await?;
                return Ok((face, happenings));
            }
        };
        while let Some(due) = self.engine.next_due(|_| false).await.filter(|due| due.at <= to) {
            if due.at > self.clock().now() {
                self.engine.run_due(AdvanceClock { to: due.at }).await?;
            }
            report(&mut happenings, self.work(due.clone()).await?);
            if self.is_due(&due).await {
                return Err(Error::Conflict { what: "due work".to_owned() });
            }
        }
        let face = self.engine.call(credential, origin, || Ok(AdvanceClock { to })).await?;
        Ok((face, happenings))
    }

    /// Runs all work that is due now. Work that fails is scheduled for a retry, and the rest is run.
    async fn run_due_work(&self, waiting: &mut RetryQueue) {
        let now = self.clock().now();
        while self.engine.does_scheduled_work()
            && let Some(due) = self.next_due(waiting).await.filter(|due| due.at <= now)
        {
            let failed = match self.work(due.clone()).await {
                Ok(_) => self.is_due(&due).await.then(|| Error::Conflict { what: "due work".to_owned() }),
                Err(error) => Some(error),
            };
            let Some(error) = failed else {
                if waiting.clear(&due) {
                    tracing::info!(event = "job.recovered", ?due, "due work that had failed is done");
                }
                continue;
            };
            let (time, first) = waiting.schedule_retry(due.clone(), Instant::now());
            if first {
                tracing::error!(event = "job.failed", ?due, ?time, error = %error.with_causes(), "due work failed and is retried");
            } else {
                tracing::debug!(?due, ?time, error = %error.with_causes(), "due work failed again and is retried");
            }
        }
        if !waiting.is_empty() {
            let still_due = self.engine.still_due(waiting.works()).await;
            waiting.retain(|due| still_due.contains(due));
        }
    }

    /// Returns the earliest due work that is neither waiting for a retry nor withheld.
    async fn next_due(&self, waiting: &RetryQueue) -> Option<DueWork> {
        let now = Instant::now();
        self.engine.next_due(|due| waiting.is_delayed(due, now) || self.withholds(due)).await
    }

    /// Whether this work is still scheduled.
    async fn is_due(&self, due: &DueWork) -> bool {
        !self.engine.still_due(vec![due.clone()]).await.is_empty()
    }

    /// Whether this work is withheld: it destroys data permanently and the clock is not trusted. Other work does not
    /// wait for it. The engine refuses it as well.
    fn withholds(&self, due: &DueWork) -> bool {
        due.work.destroys() && self.clock().check_trusted().is_err()
    }

    /// Runs one piece of due work, and counts it. Returns `None` if it is no longer due.
    async fn work(&self, due: DueWork) -> Result<Option<TimedEvent>> {
        let kind = due.work.kind();
        let done = self.run_work(due).await;
        let result = match &done {
            Ok(Some(_)) => "done",
            Ok(None) => "not_due",
            Err(_) => "failed",
        };
        counter!(telemetry::SCHEDULED_RUNS, "work" => kind, "result" => result).increment(1);
        done
    }

    async fn run_work(&self, due: DueWork) -> Result<Option<TimedEvent>> {
        let DueWork { at, work } = due;
        let done = match &work {
            ScheduledWork::Purge(resource) => self.purge(resource).await,
            ScheduledWork::RotateKey(container, name) => {
                let key = KeyPath { container: container.clone(), name: name.clone() };
                match self.engine.run_due(RotateDueKey { key: key.clone() }).await {
                    Ok(made) => Ok(TimedEventKind::RotatedKey(version_of(key, made.version.version))),
                    Err(error) if RotateDueKey::is_permanent_failure(&error) => {
                        tracing::error!(%container, key = %name, due = %at, error = %error.with_causes(), "a key could not be rotated by its policy");
                        Ok(TimedEventKind::NotRotatedKey(key))
                    }
                    Err(error) => Err(error),
                }
            }
            ScheduledWork::Certificate(work, vault, name) => {
                let certificate = CertificatePath { vault: vault.clone(), name: name.clone() };
                certificates::run(&self.engine, *work, certificate, at).await
            }
            ScheduledWork::EmitBudgetReached(subscription, name) => {
                let id = BudgetId { subscription: *subscription, name: name.clone() };
                let noted = self.engine.run_due(NoteBudgetReached { id: id.clone() }).await;
                noted.map(|budget| {
                    tracing::warn!(budget = %budget.name, scope = %budget.scope, amount = %budget.amount, "a budget is reached");
                    TimedEventKind::ReachedBudget(id)
                })
            }
            ScheduledWork::EmitNearExpiry(container, name) => {
                let key = KeyPath { container: container.clone(), name: name.clone() };
                let noted = self.engine.run_due(NoteNearExpiry { key: key.clone() }).await;
                noted.map(|version| TimedEventKind::NearExpiry(version_of(key, version)))
            }
        };
        match done {
            Ok(what) => {
                tracing::info!(event = "job.done", due = %at, ?what, "due work is done");
                Ok(Some(TimedEvent { at, what }))
            }
            // A concurrent change: the work is no longer due.
            Err(Error::NotFound(_) | Error::Conflict { .. } | Error::Deleted { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn purge(&self, resource: &Deletable) -> Result<TimedEventKind> {
        match resource {
            Deletable::Key(container, name) => {
                let id = KeyPath { container: container.clone(), name: name.clone() };
                self.engine.run_due(PurgeExpiredKey { id: id.clone() }).await?;
                Ok(TimedEventKind::PurgedKey(id))
            }
            Deletable::Certificate(vault, name) => {
                let id = CertificatePath { vault: vault.clone(), name: name.clone() };
                self.engine.run_due(PurgeExpiredCertificate { id: id.clone() }).await?;
                Ok(TimedEventKind::PurgedCertificate(id))
            }
            Deletable::Secret(vault, name) => {
                let id = SecretPath { vault: vault.clone(), name: name.clone() };
                self.engine.run_due(PurgeExpiredSecret { id: id.clone() }).await?;
                Ok(TimedEventKind::PurgedSecret(id))
            }
            Deletable::ManagedHsm(name) => {
                let not_found = || Error::NotFound(resource.deleted());
                let id = self.engine.managed_hsm(name).ok_or_else(not_found)?.deleted_path();
                self.engine.run_due(PurgeExpiredManagedHsm { id: id.clone() }).await?;
                Ok(TimedEventKind::PurgedHsm(id))
            }
            Deletable::Vault(name) => {
                let not_found = || Error::NotFound(resource.deleted());
                let id = self.engine.vault(name).ok_or_else(not_found)?.deleted_path();
                self.engine.run_due(PurgeExpiredVault { id: id.clone() }).await?;
                Ok(TimedEventKind::PurgedVault(id))
            }
        }
    }

    fn clock(&self) -> &Clock {
        self.engine.clock()
    }
}

fn version_of(KeyPath { container, name }: KeyPath, version: VersionId) -> KeyId {
    KeyId { container, name, version: Some(version) }
}

/// Sleeps until an instant of monotonic time; forever if there is none.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

/// Adds an event to a report, up to [`REPORTED`].
fn report(happenings: &mut Vec<TimedEvent>, happening: Option<TimedEvent>) {
    if happenings.len() < REPORTED {
        happenings.extend(happening);
    }
}

fn copy<'a>(credential: &Result<Credential<'a>>) -> Result<Credential<'a>> {
    match credential {
        Ok(credential) => Ok(*credential),
        Err(error) => Err(error.clone()),
    }
}
