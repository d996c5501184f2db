//! The state of the service: read from memory, written through one ledger to SQLite.
//!
//! Reading is synchronous, reads no SQL and waits for no writer's disk. All writing goes through
//! [`Store::commit`] to the ledger task, which commits in groups (see `ledger`). Audit records are
//! numbered and chained there (see `chain`), kept in an outbox in the same transaction as the
//! changes they tell of, and handed to the export afterwards, at least once and in order; the export
//! says when the store is opened which it has, so each arrives exactly once.
//!
//! Two processes must not open one database: each would believe its own memory. Whoever opens the
//! store holds a lock file.

mod audit_keys;
mod chain;
mod commit;
mod doubt;
mod draft;
mod events;
mod export;
mod folded;
mod hsms;
mod ledger;
mod load;
mod memory;
mod open;
mod outbox;
mod resource_statements;
mod resources;
mod resume;
mod roles;
mod rotation;
mod statements;
mod time_mark;
mod usage;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

pub use commit::{Commit, Durability, Options, Record, Rules};
pub use export::Export;
pub use outbox::ExportedRecord;

use chain::Head;
use ledger::Message;
use memory::Memory;

use crate::model::audit_key::AuditKey;
use crate::model::billing::{Budget, Facts, Period, Reading, VersionUse, day_of};
use crate::model::change::Intent;
use crate::model::control_plane::{ControlAssignment, ControlGrant};
use crate::model::event::{Batch, Since, Watched};
use crate::model::hsm::ManagedHsm;
use crate::model::key::Key;
use crate::model::lifetime::HsmLifetime;
use crate::model::name::{BudgetName, HsmName, KeyName, PrincipalId};
use crate::model::rbac::{Grant, RoleAssignment, RoleDefinition};
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::time::Due;
use crate::model::{Error, Result, Timestamp};

/// Which keys are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Live keys.
    Live,
    /// Soft-deleted keys.
    Deleted,
}

/// The state of the service. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    memory: Arc<Memory>,
    queue: mpsc::Sender<Message>,
    durability: Durability,
    failing: Arc<AtomicBool>,
    /// The number and the link of the last record.
    head: Arc<Mutex<Head>>,
    chain_break: Option<String>,
    resumed: Option<(u64, u64)>,
    /// Set while it is not known whether the last group was written.
    doubtful: Arc<AtomicBool>,
    nothing: Arc<[Grant]>,
    no_control: Arc<[ControlGrant]>,
}

impl Store {
    /// What comes due first, of all HSMs, but for what is excepted: asked about the first few of each HSM.
    pub fn next_due(&self, except: impl Fn(&Due) -> bool) -> Option<Due> {
        self.0.memory.next_due(except)
    }

    /// Whether this is still to be done, now or later.
    pub fn is_due(&self, due: &Due) -> bool {
        self.0.memory.is_due(due)
    }

    /// Tells when something was committed.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.memory.watch()
    }

    /// Tells when something happened to an HSM or a key: the number of the newest event.
    pub fn watch_events(&self) -> watch::Receiver<u64> {
        self.0.memory.watch_events()
    }

    /// At most `most` of the events that are shown to who watches this, from a place in the log on.
    ///
    /// # Errors
    /// `ResumeTokenExpired` where what came next is not kept any more, `Invalid` for a place that the log has not
    /// reached.
    pub fn events(&self, watched: Watched, since: Since, most: usize) -> Result<Batch> {
        self.0.memory.events().read(watched, since, most)
    }

    /// Whether who watches this must look at what happened after the event `after`.
    pub fn events_concern(&self, watched: Watched, after: u64) -> bool {
        self.0.memory.events().concerns(watched, after)
    }

    /// All HSMs, by name.
    pub fn hsms(&self) -> Vec<Arc<ManagedHsm>> {
        self.0.memory.hsms()
    }

    /// One HSM. Names of HSMs and keys are compared without regard to case.
    pub fn hsm(&self, name: &HsmName) -> Option<Arc<ManagedHsm>> {
        self.0.memory.hsm(name)
    }

    /// The serial numbers of the tokens that HSMs have, deleted ones included.
    pub fn token_serials(&self) -> Vec<String> {
        self.hsms().iter().map(|hsm| hsm.token_serial.clone()).collect()
    }

    /// A role every HSM has, by the name people know it by.
    ///
    /// # Errors
    /// `Internal` where there is none.
    pub fn built_in_role(&self, name: &str) -> Result<Arc<RoleDefinition>> {
        let roles = self.0.memory.built_in();
        let role = roles.iter().find(|role| role.role_name == name).cloned();
        role.ok_or_else(|| Error::internal(format!("{name} is not the name of a built-in role")))
    }

    /// The lives of all HSMs there were, in the order in which they began.
    pub fn lifetimes(&self) -> Vec<HsmLifetime> {
        self.0.memory.lifetimes()
    }

    /// One key, live or deleted.
    pub fn key(&self, hsm: &HsmName, name: &KeyName) -> Option<Arc<Key>> {
        self.0.memory.key(hsm, name)
    }

    /// At most `limit` keys in the order of their folded names, those after `after`.
    pub fn keys(&self, hsm: &HsmName, listing: Listing, after: Option<&str>, limit: usize) -> Vec<Arc<Key>> {
        self.0.memory.keys(hsm, listing, after, limit)
    }

    /// How many key names are taken, by live and deleted keys together.
    pub fn key_count(&self, hsm: &HsmName) -> usize {
        self.0.memory.key_count(hsm)
    }

    /// Built-in role definitions in their given order, then custom ones in order of creation.
    pub fn role_definitions(&self, hsm: &HsmName) -> Vec<Arc<RoleDefinition>> {
        self.0.memory.roles(hsm).map(|roles| roles.definitions()).unwrap_or_default()
    }

    /// One role definition of an HSM.
    pub fn role_definition(&self, hsm: &HsmName, id: Uuid) -> Option<Arc<RoleDefinition>> {
        self.0.memory.roles(hsm)?.definition(id)
    }

    /// Role assignments in order of creation.
    pub fn role_assignments(&self, hsm: &HsmName) -> Vec<Arc<RoleAssignment>> {
        self.0.memory.roles(hsm).map(|roles| roles.assignments()).unwrap_or_default()
    }

    /// What a principal was given in an HSM, joined with the roles. Assignments of roles that are gone
    /// are left out.
    pub fn grants(&self, hsm: &HsmName, principal: PrincipalId) -> Arc<[Grant]> {
        let grants = self.0.memory.roles(hsm).and_then(|roles| roles.grants(principal));
        grants.unwrap_or_else(|| Arc::clone(&self.0.nothing))
    }

    /// All subscriptions, by id.
    pub fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.0.memory.resources().subscriptions()
    }

    /// One subscription.
    pub fn subscription(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.0.memory.resources().subscription(id)
    }

    /// The resource groups of a subscription, by name.
    pub fn resource_groups(&self, subscription: SubscriptionId) -> Vec<Arc<ResourceGroup>> {
        self.0.memory.resources().groups(subscription)
    }

    /// All budgets, by subscription and name.
    pub fn budgets(&self) -> Vec<Arc<Budget>> {
        self.0.memory.resources().budgets()
    }

    /// One budget. Names are compared without regard to case.
    pub fn budget(&self, subscription: SubscriptionId, name: &BudgetName) -> Option<Arc<Budget>> {
        self.0.memory.resources().budget(subscription, name)
    }

    /// One resource group. Names are compared without regard to case.
    pub fn resource_group(
        &self,
        subscription: SubscriptionId,
        name: &ResourceGroupName,
    ) -> Option<Arc<ResourceGroup>> {
        self.0.memory.resources().group(subscription, name)
    }

    /// The role definitions of the control plane.
    pub fn control_definitions(&self) -> Vec<Arc<RoleDefinition>> {
        self.0.memory.resources().roles.definitions()
    }

    /// Role assignments of the control plane, of all subscriptions, in order of creation.
    pub fn control_assignments(&self) -> Vec<Arc<ControlAssignment>> {
        self.0.memory.resources().roles.assignments()
    }

    /// What a principal was given on the control plane, joined with the roles.
    pub fn control_grants(&self, principal: PrincipalId) -> Arc<[ControlGrant]> {
        let grants = self.0.memory.resources().roles.grants(principal);
        grants.unwrap_or_else(|| Arc::clone(&self.0.no_control))
    }

    /// Intents that were opened and not concluded, oldest first if their ids sort by time.
    pub fn intents(&self) -> Vec<Intent> {
        self.0.memory.intents()
    }

    /// What costs in a period are computed from: of all HSMs, since names go from one to another, and of
    /// the whole months that it touches, since tiers go by rank within a month.
    pub fn facts(&self, period: Period) -> Facts {
        let last = Period { from: period.to, to: period.to };
        let months = Period { from: period.month().from, to: last.month().to };
        Facts { lives: self.lifetimes(), readings: self.readings(months), uses: self.uses(months) }
    }

    /// Calls counted per HSM, event, meter and hour, of the hours that begin in a period.
    pub fn readings(&self, period: Period) -> Vec<Reading> {
        // An hour begins at a whole second: the first of them is not before the period's first instant.
        let first = |instant: Timestamp| instant.as_second() + i64::from(instant.subsec_nanosecond() > 0);
        self.0.memory.usage().readings(first(period.from), first(period.to))
    }

    /// The key versions that count as used on a day that begins in a period, purged ones too.
    pub fn uses(&self, period: Period) -> Vec<VersionUse> {
        let from = day_of(period.from);
        self.0.memory.usage().uses(from, day_of(period.to).saturating_add(1))
    }

    /// The keys that signed the audit log, in the order in which they were made.
    pub fn audit_keys(&self) -> Vec<AuditKey> {
        self.0.memory.audit_keys()
    }

    /// The end of the audit log's chain: number and link of the last record that is committed. 0 if there is none.
    pub fn audit_head(&self) -> (u64, String) {
        let head = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        (head.seq, head.chain.clone())
    }

    /// What was wrong with the end of the exported log when the store was opened.
    pub fn chain_break(&self) -> Option<&str> {
        self.0.chain_break.as_deref()
    }

    /// The first and the last record that the exported log did not have when the store was opened.
    pub fn resumed(&self) -> Option<(u64, u64)> {
        self.0.resumed
    }

    /// Writes what a call leaves behind. Changes and intents are durable and visible to readers when
    /// this returns; what only records is as durable as the store was told to be. Dropping the future
    /// does not withdraw a commit that has been queued.
    ///
    /// # Errors
    /// The one that says why a change is not possible; then nothing of the commit was written.
    /// `Internal` if the database fails or the store is closed.
    pub async fn commit(&self, commit: Commit) -> Result<()> {
        if commit.record.as_ref().is_some_and(|record| !chain::is_record(&record.body)) {
            return Err(Error::internal("an audit record is not one JSON object on one line"));
        }
        let closed = || Error::internal("the store is closed");
        let unattended = commit.is_record_only()
            && self.0.durability == Durability::Relaxed
            && !self.0.failing.load(Ordering::Relaxed);
        if unattended {
            return self.0.queue.send(Message::Commit(commit, None)).await.map_err(|_| closed());
        }
        let (reply, result) = oneshot::channel();
        self.0.queue.send(Message::Commit(commit, Some(reply))).await.map_err(|_| closed())?;
        result.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Waits until it is known which of the commits so far were written, where a failure left that open. Then readers
    /// see it: an intent that the store does not have was concluded by a commit, whatever its caller was told.
    ///
    /// # Errors
    /// `Internal` while it cannot be known: the database cannot be asked, or the store is closed. Nothing may be undone
    /// then, since a record may rely on it.
    pub async fn settle(&self) -> Result<()> {
        if !self.0.doubtful.load(Ordering::Acquire) && !self.0.queue.is_closed() {
            return Ok(());
        }
        let unknown = || Error::internal("it is not known whether the last changes were written");
        let (reply, settled) = oneshot::channel();
        self.0.queue.send(Message::Settle(reply)).await.map_err(|_| unknown())?;
        if settled.await == Ok(true) { Ok(()) } else { Err(unknown()) }
    }

    /// Writes and exports what is queued and closes the database. Commits fail from then on.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.0.queue.send(Message::Close(closed)).await.is_ok() {
            // An error means that the ledger ended before, which is what was asked for.
            let _ = done.await;
        }
    }
}
