//! What a commit would make of the store, and whether it may: the guards of every change.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::folded::fold;
use super::memory::Memory;
use super::resources::Resources;
use super::roles::Roles;
use crate::model::change::{Change, Intent};
use crate::model::due::{Notice, Notices};
use crate::model::hsm::ManagedHsm;
use crate::model::key::{Key, KeyVersion};
use crate::model::name::{HsmName, KeyId, KeyName, VersionId};
use crate::model::retention::Deletion;
use crate::model::time::ClockSetting;
use crate::model::{Error, Result};

/// The outcome of changes that memory does not have yet. Names are folded.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) hsms: BTreeMap<String, Arc<ManagedHsm>>,
    /// `None` where the key was purged.
    pub(super) keys: BTreeMap<(String, String), Option<Arc<Key>>>,
    pub(super) roles: BTreeMap<String, Arc<Roles>>,
    pub(super) opened: Vec<Intent>,
    pub(super) closed: Vec<Uuid>,
    pub(super) clock: Option<ClockSetting>,
    pub(super) resources: Option<Arc<Resources>>,
}

impl Draft {
    /// Whether nothing changes: a group of records alone.
    pub(super) fn is_empty(&self) -> bool {
        let Self { hsms, keys, roles, opened, closed, clock, resources } = self;
        hsms.is_empty()
            && keys.is_empty()
            && roles.is_empty()
            && opened.is_empty()
            && closed.is_empty()
            && clock.is_none()
            && resources.is_none()
    }

    /// Adds what a later commit made of it.
    pub(super) fn absorb(&mut self, later: Self) {
        self.hsms.extend(later.hsms);
        self.keys.extend(later.keys);
        self.roles.extend(later.roles);
        self.opened.extend(later.opened);
        self.closed.extend(later.closed);
        self.clock = later.clock.or(self.clock);
        self.resources = later.resources.or(self.resources.take());
    }
}

/// The store as one commit sees it: memory, under what its group has done, under its own changes.
pub(super) struct View<'a> {
    memory: &'a Memory,
    group: &'a Draft,
    own: Draft,
}

impl<'a> View<'a> {
    /// The view of a commit that has changed nothing yet.
    pub(super) fn new(memory: &'a Memory, group: &'a Draft) -> Self {
        Self { memory, group, own: Draft::default() }
    }

    /// What the commit did.
    pub(super) fn into_own(self) -> Draft {
        self.own
    }

    /// Notes an intent that is opened.
    pub(super) fn open(&mut self, intent: Intent) {
        self.own.opened.push(intent);
    }

    /// Notes an intent that is concluded.
    pub(super) fn close(&mut self, id: Uuid) {
        self.own.closed.push(id);
    }

    /// The HSM, or why not.
    pub(super) fn hsm(&self, name: &HsmName) -> Result<Arc<ManagedHsm>> {
        let folded = fold(name.as_str());
        let staged = self.own.hsms.get(&*folded).or_else(|| self.group.hsms.get(&*folded)).cloned();
        staged.or_else(|| self.memory.hsm(name)).ok_or_else(|| Error::HsmNotFound { hsm: name.clone() })
    }

    /// The key, live or deleted.
    pub(super) fn key(&self, hsm: &HsmName, name: &KeyName) -> Option<Arc<Key>> {
        let place = (hsm.folded(), name.folded());
        match self.own.keys.get(&place).or_else(|| self.group.keys.get(&place)) {
            Some(staged) => staged.clone(),
            None => self.memory.key(hsm, name),
        }
    }

    /// What holds the HSMs.
    pub(super) fn resources(&self) -> Arc<Resources> {
        let staged = self.own.resources.as_ref().or(self.group.resources.as_ref()).cloned();
        staged.unwrap_or_else(|| self.memory.resources())
    }

    /// All HSMs, by name.
    fn hsms(&self) -> Vec<Arc<ManagedHsm>> {
        let known = self.memory.hsms().into_iter().map(|hsm| (hsm.name.folded(), hsm));
        let mut hsms: BTreeMap<String, Arc<ManagedHsm>> = known.collect();
        hsms.extend(self.group.hsms.clone());
        hsms.extend(self.own.hsms.clone());
        hsms.into_values().collect()
    }

    fn roles(&self, hsm: &HsmName) -> Result<Roles> {
        let folded = fold(hsm.as_str());
        let staged = self.own.roles.get(&*folded).or_else(|| self.group.roles.get(&*folded)).cloned();
        match staged.or_else(|| self.memory.roles(hsm)) {
            Some(roles) => Ok(Roles::clone(&roles)),
            None => Err(Error::HsmNotFound { hsm: hsm.clone() }),
        }
    }

    /// Makes one change, if it is allowed.
    ///
    /// # Errors
    /// Why it is not; then nothing of the commit may be kept.
    pub(super) fn plan(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::InsertHsm(hsm, assignments) => self.insert_hsm(hsm, assignments),
            Change::InsertVersion(version, _) => self.insert_version(version),
            Change::ReplaceVersion(version) => self.replace_version(version),
            Change::PutRotationPolicy(hsm, name, policy) => {
                let mut key = self.live_key(hsm, name)?;
                key.rotation = policy.clone();
                say(&mut key, |notices| notices.without(Notice::NotRotated));
                self.set(key);
                Ok(())
            }
            Change::Note(hsm, name, notice) => {
                let mut key = self.live_key(hsm, name)?;
                say(&mut key, |notices| notices.with(*notice));
                self.set(key);
                Ok(())
            }
            Change::SoftDelete(hsm, name, deletion) => {
                self.hsm(hsm)?;
                let key = self.live(hsm, name, None)?;
                self.set_deletion(&key, Some(*deletion));
                Ok(())
            }
            Change::Recover(hsm, name) => {
                let key = self.deleted(hsm, name)?;
                self.set_deletion(&key, None);
                Ok(())
            }
            Change::Purge(hsm, name) => {
                self.deleted(hsm, name)?;
                self.own.keys.insert((hsm.folded(), name.folded()), None);
                Ok(())
            }
            Change::PutRoleDefinition(hsm, definition) => {
                self.change_roles(hsm, |roles| roles.put_definition(Arc::clone(definition)))
            }
            Change::DeleteRoleDefinition(hsm, id) => {
                self.change_roles(hsm, |roles| roles.delete_definition(*id))
            }
            Change::InsertRoleAssignment(hsm, assignment) => {
                self.change_roles(hsm, |roles| roles.insert_assignment(Arc::clone(assignment)))
            }
            Change::DeleteRoleAssignment(hsm, id) => {
                self.change_roles(hsm, |roles| roles.delete_assignment(*id))
            }
            Change::Control(change) => {
                let mut resources = Resources::clone(&self.resources());
                resources.apply(change, &self.hsms())?;
                self.own.resources = Some(Arc::new(resources));
                Ok(())
            }
            Change::SetClock(setting) => {
                self.own.clock = Some(*setting);
                Ok(())
            }
        }
    }

    fn change_roles(&mut self, hsm: &HsmName, change: impl FnOnce(&mut Roles) -> Result<()>) -> Result<()> {
        let mut roles = self.roles(hsm)?;
        change(&mut roles)?;
        self.own.roles.insert(hsm.folded(), Arc::new(roles));
        Ok(())
    }

    fn insert_hsm(
        &mut self,
        hsm: &ManagedHsm,
        assignments: &[crate::model::rbac::RoleAssignment],
    ) -> Result<()> {
        if self.hsm(&hsm.name).is_ok() {
            return Err(Error::Conflict { what: format!("hsms/{}", hsm.name) });
        }
        self.resources().check_place(hsm)?;
        let mut roles = Roles::new(self.memory.built_in(), Vec::new(), Vec::new());
        for assignment in assignments {
            roles.insert_assignment(Arc::new(assignment.clone()))?;
        }
        self.own.hsms.insert(hsm.name.folded(), Arc::new(hsm.clone()));
        self.own.roles.insert(hsm.name.folded(), Arc::new(roles));
        Ok(())
    }

    fn insert_version(&mut self, version: &KeyVersion) -> Result<()> {
        let hsm = self.hsm(&version.hsm)?;
        let mut key = match self.key(&version.hsm, &version.name) {
            Some(key) if key.deletion.is_some() => {
                return Err(Error::KeyDeleted { name: key.name.clone() });
            }
            Some(key) if key.version(Some(version.version)).is_some() => {
                return Err(Error::Conflict { what: id(version).to_string() });
            }
            Some(key) => Key::clone(&key),
            None => Key {
                hsm: hsm.name.clone(),
                name: version.name.clone(),
                versions: Vec::with_capacity(1),
                deletion: None,
                rotation: None,
            },
        };
        key.versions.push(Arc::new(named_after(version, &key)));
        self.set(key);
        Ok(())
    }

    fn replace_version(&mut self, version: &KeyVersion) -> Result<()> {
        self.hsm(&version.hsm)?;
        let mut key = Key::clone(&*self.live(&version.hsm, &version.name, Some(version.version))?);
        let new = Arc::new(named_after(version, &key));
        match key.versions.iter_mut().find(|known| known.version == version.version) {
            Some(known) if known.material == version.material => *known = new,
            Some(_) => return Err(Error::internal("the material of a key version never changes")),
            None => return Err(Error::Conflict { what: id(version).to_string() }),
        }
        self.set(key);
        Ok(())
    }

    fn live_key(&self, hsm: &HsmName, name: &KeyName) -> Result<Key> {
        self.hsm(hsm)?;
        self.live(hsm, name, None).map(|key| Key::clone(&key))
    }

    fn live(&self, hsm: &HsmName, name: &KeyName, version: Option<VersionId>) -> Result<Arc<Key>> {
        self.key(hsm, name).filter(|key| key.deletion.is_none()).ok_or_else(|| Error::KeyNotFound {
            key: KeyId { hsm: hsm.clone(), name: name.clone(), version },
        })
    }

    fn deleted(&self, hsm: &HsmName, name: &KeyName) -> Result<Arc<Key>> {
        self.hsm(hsm)?;
        let key = self.key(hsm, name).filter(|key| key.deletion.is_some());
        key.ok_or_else(|| Error::DeletedKeyNotFound { hsm: hsm.clone(), name: name.clone() })
    }

    fn set_deletion(&mut self, key: &Key, deletion: Option<Deletion>) {
        self.set(Key { deletion, ..key.clone() });
    }

    fn set(&mut self, key: Key) {
        self.own.keys.insert((key.hsm.folded(), key.name.folded()), Some(Arc::new(key)));
    }
}

fn id(version: &KeyVersion) -> KeyId {
    KeyId { hsm: version.hsm.clone(), name: version.name.clone(), version: Some(version.version) }
}

/// Changes what has been said of the current version.
fn say(key: &mut Key, change: impl FnOnce(Notices) -> Notices) {
    if let Some(current) = key.versions.last_mut() {
        let notices = change(current.notices);
        if notices != current.notices {
            *current = Arc::new(KeyVersion { notices, ..KeyVersion::clone(current) });
        }
    }
}

/// The version, sharing its key's names: as they were first written, and held once.
fn named_after(version: &KeyVersion, key: &Key) -> KeyVersion {
    KeyVersion { hsm: key.hsm.clone(), name: key.name.clone(), ..version.clone() }
}

#[cfg(test)]
mod tests;
