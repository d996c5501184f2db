//! The state of the service: read from memory, written through one ledger to SQLite or PostgreSQL.
//!
//! Reads are synchronous, run no SQL and do not wait for disk writes. All writes go through
//! [`Store::commit`] to the ledger, a thread, which commits in groups (see `ledger`). Audit records are
//! numbered and chained there (see `chain`) and appended to the log. Those of a group with changes are
//! written to an outbox in the transaction of the changes first. The log and the database are compared when
//! the store is opened (see `replay`), so each record is in the log, and counted, exactly once.
//!
//! Two processes must not open the same file, because each would read only its own memory: the caller of [`Store::open`] holds a lock
//! file. A database of a server can have several instances of the service. Each follows the log of changes (see `change_log`), and
//! writes no record of a call that was decided by an outdated state (see `ledger::shared`).

mod ambiguous_commit;
mod answers;
mod arm_roles;
mod audit_keys;
mod audit_records;
mod case_insensitive;
mod certificates;
mod chain;
mod change_log;
mod change_notices;
mod change_set;
mod check;
mod columns;
mod commit;
mod connection;
mod copy;
mod database;
mod deleted_key;
mod due_index;
mod event_log;
mod events;
mod events_of_certificates;
mod failure;
mod faults;
mod foreign_changes;
mod group;
mod high_water_mark;
mod hsms;
mod inspection;
mod instance;
mod keys;
mod lease;
mod ledger;
mod ledger_metrics;
mod ledger_position;
mod load;
mod location;
mod memory;
mod micros;
mod objects;
mod open;
mod opening_lock;
mod record_log;
mod record_member;
mod replay;
mod resource_statements;
mod resources;
mod roles;
mod rotation;
mod schema;
mod secrets;
mod snapshot;
mod stage;
mod statements;
mod store_writes;
mod table_digest;
mod tables;
#[cfg(test)]
#[path = "../tests/fixture/database.rs"]
mod test_database;
mod transaction;
mod unsaved;
mod usage;
mod usage_statements;
mod vaults;

use strongroom_environment::clock;
use strongroom_model as model;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub use commit::{AuditRecord, Commit, Committed, DecidedBy, Durability, Options, Rules};
pub use copy::copy;
pub use inspection::{Inspection, inspect, migrate};
pub use instance::{InstanceName, InvalidInstanceName};
pub use ledger_metrics::{SharedStatistics, Statistics};
pub use location::{Location, PostgresServer};
pub use opening_lock::OpeningLock;
pub use record_log::{RecordBatch, RecordLog};
pub use table_digest::TableDigest;

use chain::ChainHead;
use faults::Faults;
use lease::Lease;
use ledger::Message;
use memory::Memory;

use crate::model::arm_rbac::{ControlAssignment, ControlGrant};
use crate::model::audit_key::AuditKey;
use crate::model::billing::{Budget, Facts, MeterReading, Period, VersionUse, day_of};
use crate::model::certificate::{Certificate, CertificateSettings};
use crate::model::change::Intent;
use crate::model::container::{Container, ContainerId};
use crate::model::hsm::ManagedHsm;
use crate::model::hsm_contents::HsmContents;
use crate::model::key::Key;
use crate::model::lifetime::ContainerLifetime;
use crate::model::local_rbac::{Grant, RoleAssignment, RoleDefinition};
use crate::model::name::{BudgetName, CertificateName, HsmName, KeyName, PrincipalId, SecretName, VaultName};
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::secret::Secret;
use crate::model::storage_failure::StorageFailure;
use crate::model::time::DueWork;
use crate::model::vault::Vault;
use crate::model::vault_rbac::VaultGrant;
use crate::model::{Error, Result, Timestamp};

/// Selects the objects to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Live ones.
    Live,
    /// Soft-deleted ones.
    Deleted,
}

/// A handle to the state of the service. Cheap to clone; clones share the state.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    memory: Arc<Memory>,
    queue: mpsc::Sender<Message>,
    durability: Durability,
    /// `None` if no other instance may use the database.
    lease: Option<Arc<Lease>>,
    instance: InstanceName,
    faults: Arc<Faults>,
    /// The sequence number of the last record whose usage the database has counted.
    counted: Arc<AtomicU64>,
    /// The number of groups of the database that memory has.
    groups: Arc<AtomicU64>,
    /// The sequence number and link of the last record.
    head: Arc<Mutex<ChainHead>>,
    chain_break: Option<String>,
    restored: Option<(u64, u64)>,
    /// Set while a commit is ambiguous.
    is_ambiguous: Arc<AtomicBool>,
    no_grants: Arc<[Grant]>,
    no_control_grants: Arc<[ControlGrant]>,
    no_vault_grants: Arc<[VaultGrant]>,
}

impl Store {
    /// The earliest due work of all HSMs for which `except` returns `false`. `except` is called for the first few items
    /// of each HSM.
    pub fn next_due(&self, except: impl Fn(&DueWork) -> bool) -> Option<DueWork> {
        self.0.memory.next_due(except)
    }

    /// Whether this work is still scheduled.
    pub fn is_due(&self, due: &DueWork) -> bool {
        self.0.memory.is_due(due)
    }

    /// Returns a receiver that is notified of each commit.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.memory.watch()
    }

    /// All HSMs, by name.
    pub fn hsms(&self) -> Vec<Arc<ManagedHsm>> {
        let containers = self.containers();
        containers.iter().filter_map(|container| container.managed_hsm().cloned()).collect()
    }

    /// All vaults, by name.
    pub fn vaults(&self) -> Vec<Arc<Vault>> {
        self.containers().iter().filter_map(|container| container.vault().cloned()).collect()
    }

    /// The vault of this name, live or deleted. Names of vaults are case-insensitive.
    pub fn vault(&self, name: &VaultName) -> Option<Arc<Vault>> {
        self.container(&name.into())?.vault().cloned()
    }

    /// All containers, live and deleted; those of a kind by name.
    pub fn containers(&self) -> Vec<Container> {
        self.0.memory.containers()
    }

    /// The HSM of this name, live or deleted. Names of HSMs and keys are case-insensitive.
    pub fn hsm(&self, name: &HsmName) -> Option<Arc<ManagedHsm>> {
        self.0.memory.hsm(name)
    }

    /// The container, live or deleted.
    pub fn container(&self, id: &ContainerId) -> Option<Container> {
        self.0.memory.container(id)
    }

    /// The serial numbers of the tokens of all containers, deleted ones included.
    pub fn token_serials(&self) -> Vec<String> {
        self.containers().iter().map(|container| container.token_serial().to_owned()).collect()
    }

    /// The built-in role with this display name.
    ///
    /// # Errors
    /// `Internal` if there is none.
    pub fn built_in_role(&self, name: &str) -> Result<Arc<RoleDefinition>> {
        let roles = self.0.memory.built_in();
        let role = roles.iter().find(|role| role.role_name == name).cloned();
        role.ok_or_else(|| Error::internal(format!("{name} is not the name of a built-in role")))
    }

    /// The lifetimes of all containers, purged ones included, in order of creation.
    pub fn lifetimes(&self) -> Vec<ContainerLifetime> {
        self.0.memory.lifetimes()
    }

    /// The key of this name, live or deleted.
    pub fn key(&self, container: &ContainerId, name: &KeyName) -> Option<Arc<Key>> {
        self.0.memory.object(container, name.as_str())
    }

    /// At most `limit` keys after the name `after`, in case-insensitive order.
    pub fn keys(
        &self,
        container: &ContainerId,
        listing: Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<Key>> {
        self.0.memory.objects(container, listing, after, limit)
    }

    /// The secret of this name, live or deleted.
    pub fn secret(&self, vault: &VaultName, name: &SecretName) -> Option<Arc<Secret>> {
        self.0.memory.object(&vault.into(), name.as_str())
    }

    /// At most `limit` secrets after the name `after`, in case-insensitive order.
    pub fn secrets(
        &self,
        vault: &VaultName,
        listing: Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<Secret>> {
        self.0.memory.objects(&vault.into(), listing, after, limit)
    }

    /// The number of live and deleted secrets.
    pub fn secret_count(&self, vault: &VaultName) -> usize {
        self.0.memory.count::<Secret>(&vault.into())
    }

    /// The certificate of this name, live or deleted.
    pub fn certificate(&self, vault: &VaultName, name: &CertificateName) -> Option<Arc<Certificate>> {
        self.0.memory.object(&vault.into(), name.as_str())
    }

    /// At most `limit` certificates after the name `after`, in case-insensitive order.
    pub fn certificates(
        &self,
        vault: &VaultName,
        listing: Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<Certificate>> {
        self.0.memory.objects(&vault.into(), listing, after, limit)
    }

    /// The number of live and deleted certificates.
    pub fn certificate_count(&self, vault: &VaultName) -> usize {
        self.0.memory.count::<Certificate>(&vault.into())
    }

    /// The contacts and issuers of a vault.
    pub fn certificate_settings(&self, vault: &VaultName) -> Arc<CertificateSettings> {
        self.0.memory.certificate_settings(&vault.into()).unwrap_or_default()
    }

    /// Returns the contents of an HSM at one instant: keys, live and deleted, roles and settings.
    pub fn contents(&self, hsm: &HsmName) -> Option<HsmContents> {
        // The settings are read first: a change of them in between is the state of a later instant, for itself.
        let settings = self.hsm(hsm)?.settings;
        let (keys, roles) = self.0.memory.contents(&hsm.into())?;
        let (definitions, assignments) = (roles.custom_definitions(), roles.assignments());
        Some(HsmContents { hsm: hsm.clone(), keys, definitions, assignments, settings })
    }

    /// The number of live and deleted keys.
    pub fn key_count(&self, container: &ContainerId) -> usize {
        self.0.memory.count::<Key>(container)
    }

    /// Built-in role definitions in their fixed order, then custom ones in order of creation.
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

    /// The role assignments of a principal in an HSM, joined with their definitions. Assignments of deleted
    /// definitions are omitted.
    pub fn grants(&self, hsm: &HsmName, principal: PrincipalId) -> Arc<[Grant]> {
        let grants = self.0.memory.roles(hsm).and_then(|roles| roles.grants(principal));
        grants.unwrap_or_else(|| Arc::clone(&self.0.no_grants))
    }

    /// All subscriptions, by ID.
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

    /// One budget. Names are case-insensitive.
    pub fn budget(&self, subscription: SubscriptionId, name: &BudgetName) -> Option<Arc<Budget>> {
        self.0.memory.resources().budget(subscription, name)
    }

    /// One resource group. Names are case-insensitive.
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

    /// The role assignments of a principal on the control plane, joined with their definitions.
    pub fn control_grants(&self, principal: PrincipalId) -> Arc<[ControlGrant]> {
        let grants = self.0.memory.resources().roles.grants(principal);
        grants.unwrap_or_else(|| Arc::clone(&self.0.no_control_grants))
    }

    /// The role assignments of a principal on the control plane, joined with the data actions of their definitions in vaults.
    pub fn vault_grants(&self, principal: PrincipalId) -> Arc<[VaultGrant]> {
        let grants = self.0.memory.resources().roles.vault_grants(principal);
        grants.unwrap_or_else(|| Arc::clone(&self.0.no_vault_grants))
    }

    /// The open intents, oldest first if their IDs sort by time.
    pub fn intents(&self) -> Vec<Intent> {
        self.0.memory.intents()
    }

    /// The data from which the costs of a period are computed: of all HSMs, because names are reused, and of
    /// all calendar months that the period touches, because price tiers apply per month.
    pub fn facts(&self, period: Period) -> Facts {
        let last = Period { from: period.to, to: period.to };
        let months = Period { from: period.month().from, to: last.month().to };
        Facts { lifetimes: self.lifetimes(), readings: self.readings(months), uses: self.uses(months) }
    }

    /// Calls counted per HSM, event, meter and hour, for the hours that start in a period.
    pub fn readings(&self, period: Period) -> Vec<MeterReading> {
        // Hours start at full seconds: round up to exclude an hour that starts before the period.
        let first = |instant: Timestamp| instant.as_second() + i64::from(instant.subsec_nanosecond() > 0);
        self.0.memory.usage().readings(first(period.from), first(period.to))
    }

    /// The key versions, purged ones included, that count as used on a day that starts in a period.
    pub fn uses(&self, period: Period) -> Vec<VersionUse> {
        let from = day_of(period.from);
        self.0.memory.usage().uses(from, day_of(period.to).saturating_add(1))
    }

    /// The keys that sign the audit log, in order of creation.
    pub fn audit_keys(&self) -> Vec<AuditKey> {
        self.0.memory.audit_keys()
    }

    /// The sequence number and link of the last committed audit record; 0 and empty if there is none.
    pub fn audit_head(&self) -> (u64, String) {
        let head = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        (head.seq, head.chain.clone())
    }

    /// The state of the ledger.
    pub fn statistics(&self) -> Statistics {
        let counted = self.0.counted.load(Ordering::Relaxed);
        Statistics {
            waiting: self.0.queue.max_capacity() - self.0.queue.capacity(),
            is_failing: self.0.faults.any(),
            unsaved: self.audit_head().0.saturating_sub(counted),
            shared: self.0.lease.as_ref().map(|lease| SharedStatistics {
                has_lease: lease.is_held(),
                position: self.0.groups.load(Ordering::Relaxed),
            }),
        }
    }

    /// Why the log or the database cannot be written now, or that a check found the database damaged; `None` if all is well.
    pub fn storage_failure(&self) -> Option<StorageFailure> {
        self.0.faults.current()
    }

    /// The mismatch between the log and the database when the store was opened, if there was one.
    pub fn chain_break(&self) -> Option<&str> {
        self.0.chain_break.as_deref()
    }

    /// The first and the last record that the log lacked when the store was opened, and that were written to it again from the
    /// database.
    pub fn restored_records(&self) -> Option<(u64, u64)> {
        self.0.restored
    }
}
