//! The in-memory state of the store, for readers that neither run SQL nor wait for writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;
use uuid::Uuid;

use super::Listing;
use super::case_insensitive::to_lowercase;
use super::change_set::ChangeSet;
use super::due_index::DueIndex;
use super::event_log::EventLog;
use super::foreign_changes::ForeignChanges;
use super::hsms::Lifetimes;
use super::objects::{LoadedObjects, Objects, Staged, StoredObject};
use super::resources::Resources;
use super::roles::Roles;
use super::usage::Usage;
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::model::audit_key::AuditKey;
use crate::model::certificate::{Certificate, CertificateSettings};
use crate::model::change::Intent;
use crate::model::container::{Container, ContainerId};
use crate::model::hsm::ManagedHsm;
use crate::model::key::Key;
use crate::model::lifetime::ContainerLifetime;
use crate::model::local_rbac::RoleDefinition;
use crate::model::name::HsmName;
use crate::model::secret::Secret;
use crate::model::time::DueWork;

/// The state of one container.
pub(super) struct ContainerState {
    container: Container,
    pub(super) keys: Objects<Key>,
    pub(super) secrets: Objects<Secret>,
    pub(super) certificates: Objects<Certificate>,
    pub(super) certificate_settings: Arc<CertificateSettings>,
    roles: Arc<Roles>,
    due: DueIndex,
}

/// The in-memory state. Only the ledger writes it, after the database.
pub(super) struct Memory {
    built_in: Arc<[Arc<RoleDefinition>]>,
    built_in_control: Arc<[Arc<RoleDefinition>]>,
    states: RwLock<BTreeMap<String, RwLock<ContainerState>>>,
    lifetimes: RwLock<Lifetimes>,
    resources: RwLock<Arc<Resources>>,
    intents: RwLock<BTreeMap<Uuid, Intent>>,
    usage: Mutex<Usage>,
    events: RwLock<EventLog>,
    audit_keys: RwLock<Vec<AuditKey>>,
    /// The sequence number of the newest event, for those who wait for events.
    newest_event: watch::Sender<u64>,
    /// The number of applied groups, for those who wait for changes.
    applied: watch::Sender<u64>,
    /// What other instances have changed.
    foreign: ForeignChanges,
    /// The instances that do not run, as far as this one knows.
    dead_instances: Mutex<Vec<String>>,
    /// The number of instances that run.
    instances: AtomicUsize,
    /// The intents that another instance has taken over, because this one seemed not to run.
    lost_intents: Mutex<BTreeSet<Uuid>>,
    clock: Clock,
}

// Poisoning is ignored: each change under a lock is one insertion or removal, which a panic does not leave
// half done.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// An empty state with the built-in roles of HSMs and of the control plane.
    pub(super) fn new(
        built_in: Vec<RoleDefinition>,
        built_in_control: Vec<RoleDefinition>,
        clock: Clock,
    ) -> Self {
        let shared = |roles: Vec<RoleDefinition>| roles.into_iter().map(Arc::new).collect();
        let built_in_control: Arc<[_]> = shared(built_in_control);
        Self {
            built_in: shared(built_in),
            resources: RwLock::new(Arc::new(Resources::new(Arc::clone(&built_in_control)))),
            built_in_control,
            states: RwLock::default(),
            lifetimes: RwLock::default(),
            intents: RwLock::default(),
            usage: Mutex::default(),
            events: RwLock::new(EventLog::new(1)),
            audit_keys: RwLock::default(),
            newest_event: watch::Sender::new(0),
            applied: watch::Sender::new(0),
            foreign: ForeignChanges::default(),
            dead_instances: Mutex::default(),
            instances: AtomicUsize::new(1),
            lost_intents: Mutex::default(),
            clock,
        }
    }

    /// The built-in roles of every HSM.
    pub(super) fn built_in(&self) -> Arc<[Arc<RoleDefinition>]> {
        Arc::clone(&self.built_in)
    }

    /// The built-in roles of the control plane.
    pub(super) fn built_in_control(&self) -> Arc<[Arc<RoleDefinition>]> {
        Arc::clone(&self.built_in_control)
    }

    /// The state of the control plane: subscriptions, resource groups, budgets and role assignments.
    pub(super) fn resources(&self) -> Arc<Resources> {
        Arc::clone(&read(&self.resources))
    }

    /// The usage counted for billing.
    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that sign the audit log, in order of creation.
    pub(super) fn audit_keys(&self) -> Vec<AuditKey> {
        read(&self.audit_keys).clone()
    }

    /// The log of lifecycle events.
    pub(super) fn events(&self) -> RwLockReadGuard<'_, EventLog> {
        read(&self.events)
    }

    /// Replaces the event log by the one loaded from the database.
    pub(super) fn replace_events(&self, log: EventLog) {
        self.newest_event.send_replace(log.head());
        *write(&self.events) = log;
    }

    /// The sequence number of the newest event.
    pub(super) fn event_head(&self) -> u64 {
        *self.newest_event.borrow()
    }

    /// Returns a receiver that is notified when events are added.
    pub(super) fn watch_events(&self) -> watch::Receiver<u64> {
        self.newest_event.subscribe()
    }

    /// The clock that commits may set, or the guarded machine clock.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The current time of the clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn with<T>(&self, container: &str, view: impl FnOnce(&ContainerState) -> T) -> Option<T> {
        let states = read(&self.states);
        let state = read(states.get(&*to_lowercase(container))?);
        Some(view(&state))
    }

    pub(super) fn containers(&self) -> Vec<Container> {
        read(&self.states).values().map(|state| read(state).container.clone()).collect()
    }

    pub(super) fn container(&self, id: &ContainerId) -> Option<Container> {
        self.with(id.as_stored(), |state| state.container.clone())
    }

    pub(super) fn hsm(&self, name: &HsmName) -> Option<Arc<ManagedHsm>> {
        self.with(name.as_str(), |state| state.container.managed_hsm().cloned()).flatten()
    }

    pub(super) fn lifetimes(&self) -> Vec<ContainerLifetime> {
        read(&self.lifetimes).all()
    }

    /// Replaces the lifetimes by those loaded from the database.
    pub(super) fn replace_lifetimes(&self, lifetimes: Lifetimes) {
        *write(&self.lifetimes) = lifetimes;
    }

    /// The object of this name, live or deleted.
    pub(super) fn object<T: StoredObject>(&self, container: &ContainerId, name: &str) -> Option<Arc<T>> {
        self.with(container.as_stored(), |state| T::of(state).get(name)).flatten()
    }

    /// At most `limit` objects after the name `after`, in case-insensitive order.
    pub(super) fn objects<T: StoredObject>(
        &self,
        container: &ContainerId,
        listing: Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<T>> {
        self.with(container.as_stored(), |state| T::of(state).list(listing, after, limit)).unwrap_or_default()
    }

    /// The number of objects, live and deleted.
    pub(super) fn count<T: StoredObject>(&self, container: &ContainerId) -> usize {
        self.with(container.as_stored(), |state| T::of(state).len()).unwrap_or_default()
    }

    /// The lower-case names of all keys of a container, live and deleted.
    pub(super) fn key_names(&self, container: &ContainerId) -> Vec<String> {
        let names = |state: &ContainerState| state.keys.names().map(str::to_ascii_lowercase).collect();
        self.with(container.as_stored(), names).unwrap_or_default()
    }

    /// All keys of a container, live and deleted, and its roles, at one instant.
    pub(super) fn contents(&self, container: &ContainerId) -> Option<(Vec<Arc<Key>>, Arc<Roles>)> {
        self.with(container.as_stored(), |state| (state.keys.all().collect(), Arc::clone(&state.roles)))
    }

    /// The contacts and issuers of a vault.
    pub(super) fn certificate_settings(&self, vault: &ContainerId) -> Option<Arc<CertificateSettings>> {
        self.with(vault.as_stored(), |state| Arc::clone(&state.certificate_settings))
    }

    pub(super) fn roles(&self, hsm: &HsmName) -> Option<Arc<Roles>> {
        self.with(hsm.as_str(), |state| Arc::clone(&state.roles))
    }

    /// The earliest due work for which `except` returns `false`. Work in a deleted container waits for its recovery.
    pub(super) fn next_due(&self, except: impl Fn(&DueWork) -> bool) -> Option<DueWork> {
        let states = read(&self.states);
        let firsts = states.values().filter_map(|state| {
            let state = read(state);
            match state.container.scheduled_purge() {
                Some((at, purge)) => Some(DueWork { at, work: purge }).filter(|due| !except(due)),
                None => state.due.iter().find(|due| !except(due)),
            }
        });
        firsts.min_by_key(|due| due.at)
    }

    /// Whether this work is still scheduled.
    pub(super) fn is_due(&self, due: &DueWork) -> bool {
        let Some(container) = due.work.container() else { return false };
        let found = self.with(container.as_stored(), |state| match state.container.scheduled_purge() {
            Some((at, purge)) => (at, &purge) == (due.at, &due.work),
            None => state.due.contains(due.clone()),
        });
        found.unwrap_or(false)
    }

    /// Returns a receiver that is notified when changes are applied.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    pub(super) fn intents(&self) -> Vec<Intent> {
        read(&self.intents).values().cloned().collect()
    }

    /// Inserts or updates a container, or removes it with all its keys if `None`.
    fn set_container(
        &self,
        folded: String,
        container: Option<Container>,
        roles: &BTreeMap<String, Arc<Roles>>,
    ) {
        let Some(container) = container else {
            write(&self.states).remove(&folded);
            return;
        };
        if let Some(state) = read(&self.states).get(&folded)
            && read(state).container.unique_id() == container.unique_id()
        {
            write(state).container = container;
            return;
        }
        // Inserted together with its roles, so that no reader sees an HSM without its administrators.
        let roles = roles.get(&folded).cloned();
        let roles = roles.unwrap_or_else(|| Arc::new(Roles::new(self.built_in(), Vec::new(), Vec::new())));
        let id = container.id();
        let state = ContainerState {
            container,
            keys: Objects::new(id.clone()),
            secrets: Objects::new(id.clone()),
            certificates: Objects::new(id.clone()),
            certificate_settings: Arc::default(),
            roles,
            due: DueIndex::new(id),
        };
        write(&self.states).insert(folded, RwLock::new(state));
    }

    /// Sets the keys of a container to those loaded from the database.
    pub(super) fn set_loaded_keys(&self, folded: &str, loaded: LoadedObjects<Key>) {
        if let Some(state) = read(&self.states).get(folded) {
            let mut state = write(state);
            let (keys, due) = loaded.into_objects(state.container.id());
            state.keys = keys;
            state.due.load(due);
        }
    }

    /// What other instances have changed.
    pub(super) const fn foreign(&self) -> &ForeignChanges {
        &self.foreign
    }

    /// The instances that do not run, as far as this one knows.
    pub(super) fn dead_instances(&self) -> Vec<String> {
        self.dead_instances.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_dead_instances(&self, names: Vec<String>) {
        *self.dead_instances.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// The number of instances that run, this one included, as far as it knows.
    pub(super) fn instances(&self) -> usize {
        self.instances.load(Ordering::Relaxed)
    }

    pub(super) fn set_instances(&self, count: usize) {
        self.instances.store(count.max(1), Ordering::Relaxed);
    }

    /// Forgets an intent that another instance has taken over.
    pub(super) fn lose_intent(&self, id: Uuid) {
        self.lost_intents.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        write(&self.intents).remove(&id);
    }

    /// Whether another instance has taken over this intent. Returns this once.
    pub(super) fn take_lost_intent(&self, id: Uuid) -> bool {
        self.lost_intents.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Applies the changes of a group with this number, which another instance has committed.
    pub(super) fn apply_foreign(&self, changes: ChangeSet, number: u64) {
        // Marked first: a call that has read none of them, or some, is decided again.
        self.foreign.begin(&changes.touched(), number);
        self.apply(changes);
        self.foreign.end(number);
        metrics::counter!(strongroom_telemetry::CHANGE_LOG_APPLIED).increment(1);
    }

    /// Applies committed changes, which makes them visible to readers.
    pub(super) fn apply(&self, changes: ChangeSet) {
        if changes.is_empty() {
            return;
        }
        if let Some(resources) = changes.resources {
            *write(&self.resources) = resources;
        }
        // Existing containers are updated after their contents: a restore ends when all of them are visible.
        let is_update = |(folded, container): &(String, Option<Container>)| {
            let states = read(&self.states);
            let known = states.get(folded).map(|state| read(state).container.unique_id());
            known.is_some() && known == container.as_ref().map(Container::unique_id)
        };
        let (updated, created): (Vec<_>, Vec<_>) = changes.containers.into_iter().partition(is_update);
        for (folded, container) in created {
            self.set_container(folded, container, &changes.roles);
        }
        {
            let mut lifetimes = write(&self.lifetimes);
            changes.phases.iter().for_each(|begun| lifetimes.add(begun));
        }
        for (folded, roles) in changes.roles {
            if let Some(state) = read(&self.states).get(&folded) {
                write(state).roles = roles;
            }
        }
        self.apply_objects(changes.keys);
        self.apply_objects(changes.secrets);
        self.apply_objects(changes.certificates);
        for (folded, settings) in changes.certificate_settings {
            if let Some(state) = read(&self.states).get(&folded) {
                write(state).certificate_settings = settings;
            }
        }
        for (folded, container) in updated {
            self.set_container(folded, container, &BTreeMap::new());
        }
        if !changes.opened.is_empty() || !changes.closed.is_empty() {
            let mut intents = write(&self.intents);
            intents.extend(changes.opened.into_iter().map(|intent| (intent.id, intent)));
            for id in changes.closed {
                intents.remove(&id);
            }
        }
        if !changes.audit_keys.is_empty() {
            let mut known = write(&self.audit_keys);
            for key in changes.audit_keys {
                match known.iter_mut().find(|known| known.version == key.version) {
                    Some(known) => *known = key,
                    None => known.push(key),
                }
            }
        }
        if let Some(setting) = changes.clock {
            self.clock.set(setting);
        }
        if changes.released {
            self.clock.release();
        }
        if let Some(newest) = changes.events.last().map(|event| event.sequence) {
            write(&self.events).append(changes.events);
            self.newest_event.send_replace(newest);
        }
        self.applied.send_modify(|count| *count += 1);
    }

    fn apply_objects<T: StoredObject>(&self, changed: Staged<T>) {
        for ((container, folded), object) in changed {
            if let Some(state) = read(&self.states).get(&container) {
                let mut state = write(state);
                let after = object.as_deref().map(T::scheduled_work).unwrap_or_default();
                let replaced = T::of_mut(&mut state).set(&folded, object);
                let before = replaced.as_deref().map(T::scheduled_work).unwrap_or_default();
                state.due.replace(before, after);
            }
        }
    }
}
