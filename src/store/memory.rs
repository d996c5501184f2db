//! Everything the store knows, held for readers that wait for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;
use uuid::Uuid;

use super::Listing;
use super::draft::Draft;
use super::events::Log;
use super::folded::{ByName, Folded, fold};
use super::hsms::Lifetimes;
use super::resources::Resources;
use super::roles::Roles;
use super::usage::Usage;
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::model::audit_key::AuditKey;
use crate::model::change::Intent;
use crate::model::hsm::ManagedHsm;
use crate::model::key::Key;
use crate::model::lifetime::HsmLifetime;
use crate::model::name::{HsmName, KeyName};
use crate::model::rbac::RoleDefinition;
use crate::model::time::{Due, Work};

/// The keys of one HSM. Live and deleted ones are kept apart, so that listing a few live keys does
/// not walk past a million deleted ones. A name is in one of the two.
#[derive(Default)]
struct Keys {
    live: BTreeMap<ByName, Arc<Key>>,
    deleted: BTreeMap<ByName, Arc<Key>>,
}

/// What belongs to one HSM.
struct Pool {
    hsm: Arc<ManagedHsm>,
    keys: Keys,
    roles: Arc<Roles>,
    /// What comes due in it: found without looking at the rest.
    due: BTreeSet<(Timestamp, Work)>,
}

/// The read side. Written by the ledger alone, after the database.
pub(super) struct Memory {
    built_in: Arc<[Arc<RoleDefinition>]>,
    built_in_control: Arc<[Arc<RoleDefinition>]>,
    pools: RwLock<BTreeMap<String, RwLock<Pool>>>,
    lifetimes: RwLock<Lifetimes>,
    resources: RwLock<Arc<Resources>>,
    intents: RwLock<BTreeMap<Uuid, Intent>>,
    usage: Mutex<Usage>,
    events: RwLock<Log>,
    audit_keys: RwLock<Vec<AuditKey>>,
    /// The number of the newest event; whoever waits for events watches it.
    told: watch::Sender<u64>,
    /// Counts what was applied; whoever waits for changes watches it.
    applied: watch::Sender<u64>,
    clock: Clock,
}

// A panic while a lock is held cannot leave half a change behind that matters more than serving on:
// each change is one insertion or removal. So poisoning is ignored.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// An empty store that knows the built-in roles, those of HSMs and those of the control plane.
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
            pools: RwLock::default(),
            lifetimes: RwLock::default(),
            intents: RwLock::default(),
            usage: Mutex::default(),
            events: RwLock::new(Log::new(1)),
            audit_keys: RwLock::default(),
            told: watch::Sender::new(0),
            applied: watch::Sender::new(0),
            clock,
        }
    }

    /// The roles every HSM has.
    pub(super) fn built_in(&self) -> Arc<[Arc<RoleDefinition>]> {
        Arc::clone(&self.built_in)
    }

    /// The roles of the control plane.
    pub(super) fn built_in_control(&self) -> Arc<[Arc<RoleDefinition>]> {
        Arc::clone(&self.built_in_control)
    }

    /// What holds the HSMs, and who may manage it.
    pub(super) fn resources(&self) -> Arc<Resources> {
        Arc::clone(&read(&self.resources))
    }

    /// What was counted.
    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that signed the audit log, in the order in which they were made.
    pub(super) fn audit_keys(&self) -> Vec<AuditKey> {
        read(&self.audit_keys).clone()
    }

    /// What happened lately.
    pub(super) fn events(&self) -> RwLockReadGuard<'_, Log> {
        read(&self.events)
    }

    /// Takes over what the database has of events.
    pub(super) fn keep_events(&self, log: Log) {
        self.told.send_replace(log.head());
        *write(&self.events) = log;
    }

    /// The number of the newest event.
    pub(super) fn event_head(&self) -> u64 {
        *self.told.borrow()
    }

    /// Tells when an event was added.
    pub(super) fn watch_events(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// The clock that commits may set, or that is under guard.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the clock shows.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn with<T>(&self, hsm: &str, view: impl FnOnce(&Pool) -> T) -> Option<T> {
        let pools = read(&self.pools);
        let pool = read(pools.get(&*fold(hsm))?);
        Some(view(&pool))
    }

    pub(super) fn hsms(&self) -> Vec<Arc<ManagedHsm>> {
        read(&self.pools).values().map(|pool| Arc::clone(&read(pool).hsm)).collect()
    }

    pub(super) fn hsm(&self, name: &HsmName) -> Option<Arc<ManagedHsm>> {
        self.with(name.as_str(), |pool| Arc::clone(&pool.hsm))
    }

    pub(super) fn lifetimes(&self) -> Vec<HsmLifetime> {
        read(&self.lifetimes).all()
    }

    /// Takes over what the database has of lives.
    pub(super) fn keep_lifetimes(&self, lifetimes: Lifetimes) {
        *write(&self.lifetimes) = lifetimes;
    }

    pub(super) fn key(&self, hsm: &HsmName, name: &KeyName) -> Option<Arc<Key>> {
        let name = name.as_str();
        let name: &dyn Folded = &name;
        self.with(hsm.as_str(), |pool| {
            pool.keys.live.get(name).or_else(|| pool.keys.deleted.get(name)).cloned()
        })
        .flatten()
    }

    pub(super) fn keys(
        &self,
        hsm: &HsmName,
        listing: Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<Key>> {
        self.with(hsm.as_str(), |pool| {
            let keys = match listing {
                Listing::Live => &pool.keys.live,
                Listing::Deleted => &pool.keys.deleted,
            };
            let start = match &after {
                Some(after) => Bound::Excluded(after as &dyn Folded),
                None => Bound::Unbounded,
            };
            let range = keys.range::<dyn Folded, _>((start, Bound::Unbounded));
            range.take(limit).map(|(_, key)| Arc::clone(key)).collect()
        })
        .unwrap_or_default()
    }

    /// Whether there is a key of this folded name, live or deleted.
    pub(super) fn has_key(&self, hsm: &HsmName, folded: &str) -> bool {
        let name: &dyn Folded = &folded;
        let has = |pool: &Pool| pool.keys.live.contains_key(name) || pool.keys.deleted.contains_key(name);
        self.with(hsm.as_str(), has).unwrap_or(false)
    }

    pub(super) fn key_count(&self, hsm: &HsmName) -> usize {
        self.with(hsm.as_str(), |pool| pool.keys.live.len() + pool.keys.deleted.len()).unwrap_or_default()
    }

    pub(super) fn roles(&self, hsm: &HsmName) -> Option<Arc<Roles>> {
        self.with(hsm.as_str(), |pool| Arc::clone(&pool.roles))
    }

    /// What comes due first and is not excepted. What is in a deleted HSM waits for its recovery.
    pub(super) fn next_due(&self, except: impl Fn(&Due) -> bool) -> Option<Due> {
        let pools = read(&self.pools);
        let firsts = pools.values().filter_map(|pool| {
            let pool = read(pool);
            let due = |at, work| Due { at, hsm: pool.hsm.name.clone(), work };
            match pool.hsm.deletion {
                Some(deletion) => {
                    Some(due(deletion.scheduled_purge_at, Work::PurgeHsm)).filter(|due| !except(due))
                }
                None => pool.due.iter().map(|(at, work)| due(*at, work.clone())).find(|due| !except(due)),
            }
        });
        firsts.min_by_key(|due| due.at)
    }

    /// Whether this is still to be done, now or later.
    pub(super) fn is_due(&self, due: &Due) -> bool {
        let found = self.with(due.hsm.as_str(), |pool| match pool.hsm.deletion {
            Some(deletion) => (deletion.scheduled_purge_at, &Work::PurgeHsm) == (due.at, &due.work),
            None => pool.due.contains(&(due.at, due.work.clone())),
        });
        found.unwrap_or(false)
    }

    /// Tells when something was applied.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    pub(super) fn intents(&self) -> Vec<Intent> {
        read(&self.intents).values().cloned().collect()
    }

    /// Puts an HSM in its place, or takes it away with everything in it.
    fn set_hsm(&self, folded: String, hsm: Option<Arc<ManagedHsm>>, roles: &BTreeMap<String, Arc<Roles>>) {
        let Some(hsm) = hsm else {
            write(&self.pools).remove(&folded);
            return;
        };
        if let Some(pool) = read(&self.pools).get(&folded)
            && read(pool).hsm.id == hsm.id
        {
            write(pool).hsm = hsm;
            return;
        }
        // Without roles of its own it would be visible for a moment with nobody in charge.
        let roles = roles.get(&folded).cloned();
        let roles = roles.unwrap_or_else(|| Arc::new(Roles::new(self.built_in(), Vec::new(), Vec::new())));
        let pool = Pool { hsm, keys: Keys::default(), roles, due: BTreeSet::new() };
        write(&self.pools).insert(folded, RwLock::new(pool));
    }

    /// Makes visible what the database has.
    pub(super) fn apply(&self, draft: Draft) {
        if draft.is_empty() {
            return;
        }
        if let Some(resources) = draft.resources {
            *write(&self.resources) = resources;
        }
        for (folded, hsm) in draft.hsms {
            self.set_hsm(folded, hsm, &draft.roles);
        }
        {
            let mut lifetimes = write(&self.lifetimes);
            draft.phases.iter().for_each(|begun| lifetimes.add(begun));
        }
        for (folded, roles) in draft.roles {
            if let Some(pool) = read(&self.pools).get(&folded) {
                write(pool).roles = roles;
            }
        }
        for ((hsm, folded), key) in draft.keys {
            if let Some(pool) = read(&self.pools).get(&hsm) {
                let mut pool = write(pool);
                let after = key.as_deref().map(Key::due).unwrap_or_default();
                let before = pool.keys.set(&folded, key).as_deref().map(Key::due).unwrap_or_default();
                if before != after {
                    for work in &before {
                        pool.due.remove(work);
                    }
                    pool.due.extend(after);
                }
            }
        }
        if !draft.opened.is_empty() || !draft.closed.is_empty() {
            let mut intents = write(&self.intents);
            intents.extend(draft.opened.into_iter().map(|intent| (intent.id, intent)));
            for id in draft.closed {
                intents.remove(&id);
            }
        }
        if !draft.audit_keys.is_empty() {
            let mut known = write(&self.audit_keys);
            for key in draft.audit_keys {
                match known.iter_mut().find(|known| known.version == key.version) {
                    Some(known) => *known = key,
                    None => known.push(key),
                }
            }
        }
        if let Some(setting) = draft.clock {
            self.clock.set(setting);
        }
        if draft.released {
            self.clock.release();
        }
        if let Some(newest) = draft.events.last().map(|event| event.sequence) {
            write(&self.events).append(draft.events);
            self.told.send_replace(newest);
        }
        self.applied.send_modify(|count| *count += 1);
    }
}

impl Keys {
    /// Puts a key where its state says, or removes it; gives what was there.
    fn set(&mut self, folded: &str, key: Option<Arc<Key>>) -> Option<Arc<Key>> {
        let name: &dyn Folded = &folded;
        let (here, there) = match &key {
            Some(key) if key.deletion.is_some() => (&mut self.deleted, &mut self.live),
            _ => (&mut self.live, &mut self.deleted),
        };
        let moved = there.remove(name);
        let replaced = match key {
            Some(key) => here.insert(ByName(key.name.clone()), key),
            None => here.remove(name),
        };
        replaced.or(moved)
    }
}
