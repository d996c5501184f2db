//! Transactions: the preconditions of each change, and the uncommitted changes of a group.

mod deletion;

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::case_insensitive::to_lowercase;
use super::change_set::ChangeSet;
use super::commit::Rules;
use super::hsms::PhaseBegun;
use super::memory::Memory;
use super::objects::StoredObject;
use super::resources::Resources;
use super::roles::Roles;
use crate::model::aes_modes::{ModeFamily, check_family};
use crate::model::change::{Change, Intent, VersionOrigin};
use crate::model::container::{Container, ContainerId};
use crate::model::container_id::KeyId;
use crate::model::due::{Notice, Notices};
use crate::model::event::{EventPayload, LifecycleEvent};
use crate::model::hsm::ManagedHsm;
use crate::model::key::{Key, KeyVersion};
use crate::model::lifetime::Phase;
use crate::model::limit::{self, Limit};
use crate::model::local_rbac::HierarchicalScope as _;
use crate::model::location::normalize;
use crate::model::name::{HsmName, KeyName, VaultName, VersionId};
use crate::model::resource::SubscriptionId;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::vault::Vault;
use crate::model::{Error, Result, Timestamp};

/// The store as seen by one commit: memory, overlaid by the changes of its group, overlaid by its own.
pub(super) struct Transaction<'a> {
    memory: &'a Memory,
    group: &'a ChangeSet,
    changes: ChangeSet,
    rules: Rules,
}

impl<'a> Transaction<'a> {
    /// A transaction without changes.
    pub(super) fn new(memory: &'a Memory, group: &'a ChangeSet) -> Self {
        Self { memory, group, changes: ChangeSet::default(), rules: Rules::All }
    }

    /// Sets the rules that the changes must satisfy.
    pub(super) fn under(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// The committed state.
    pub(super) const fn memory(&self) -> &'a Memory {
        self.memory
    }

    /// The changes of the commit.
    pub(super) fn into_changes(self) -> ChangeSet {
        self.changes
    }

    /// Appends lifecycle events, with the next sequence numbers.
    pub(super) fn add_events(&mut self, at: Timestamp, happened: Vec<(SubscriptionId, EventPayload)>) {
        for (subscription, what) in happened {
            let before = self.changes.events.last().or(self.group.events.last());
            let sequence = before.map_or_else(|| self.memory.event_head(), |event| event.sequence) + 1;
            self.changes.events.push(Arc::new(LifecycleEvent { sequence, at, subscription, what }));
        }
    }

    /// Adds an opened intent.
    pub(super) fn open(&mut self, intent: Intent) {
        self.changes.opened.push(intent);
    }

    /// Adds a closed intent.
    pub(super) fn close(&mut self, id: Uuid) {
        self.changes.closed.push(id);
    }

    /// The HSM, live or deleted. Errors with `HsmNotFound` if there is none.
    pub(super) fn hsm(&self, name: &HsmName) -> Result<Arc<ManagedHsm>> {
        let container = self.container(&name.into())?;
        container.managed_hsm().cloned().ok_or_else(|| Error::NotFound(name.into()))
    }

    /// The vault, live or deleted.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) fn vault(&self, name: &VaultName) -> Result<Arc<Vault>> {
        let container = self.container(&name.into())?;
        container.vault().cloned().ok_or_else(|| Error::NotFound(name.into()))
    }

    /// The HSM, which must be live: a deleted HSM cannot be changed.
    fn live_hsm(&self, name: &HsmName) -> Result<Arc<ManagedHsm>> {
        let hsm = self.hsm(name)?;
        hsm.check_live()?;
        Ok(hsm)
    }

    /// The container, live or deleted.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) fn container(&self, id: &ContainerId) -> Result<Container> {
        let folded = to_lowercase(id.as_stored());
        let changes = (&self.changes.containers, &self.group.containers);
        let staged = match changes.0.get(&*folded).or_else(|| changes.1.get(&*folded)) {
            Some(staged) => staged.clone(),
            None => self.memory.container(id),
        };
        staged.ok_or_else(|| Error::NotFound(id.into()))
    }

    /// The container, whose contents must be changeable: it is live, and no restore replaces them. A call that was admitted
    /// before the restore began is refused here.
    fn writable_container(&self, id: &ContainerId) -> Result<Container> {
        let container = self.container(id)?;
        container.check_live()?;
        container.check_not_restoring()?;
        Ok(container)
    }

    /// The last lifetime phase that this commit began.
    pub(super) fn phase_begun(&self) -> Option<&PhaseBegun> {
        self.changes.phases.last()
    }

    /// The key, live or deleted.
    pub(super) fn key(&self, container: &ContainerId, name: &KeyName) -> Option<Arc<Key>> {
        self.object(container, name.as_str())
    }

    /// The object of this name, live or deleted.
    pub(super) fn object<T: StoredObject>(&self, container: &ContainerId, name: &str) -> Option<Arc<T>> {
        let id = (container.to_case_insensitive(), name.to_ascii_lowercase());
        match T::staged(&self.changes).get(&id).or_else(|| T::staged(self.group).get(&id)) {
            Some(staged) => staged.clone(),
            None => self.memory.object(container, name),
        }
    }

    /// The lower-case names of all keys of a container, live and deleted.
    fn key_names(&self, container: &ContainerId) -> Vec<String> {
        let folded = container.to_case_insensitive();
        let known = self.memory.key_names(container).into_iter().map(|name| (name, true));
        let mut names: BTreeMap<String, bool> = known.collect();
        for changes in [self.group, &self.changes] {
            let from = (folded.clone(), String::new());
            let here = changes.keys.range(from..).take_while(|((of, _), _)| *of == folded);
            names.extend(here.map(|((_, name), key)| (name.clone(), key.is_some())));
        }
        names.into_iter().filter_map(|(name, exists)| exists.then_some(name)).collect()
    }

    /// The number of live and deleted objects of a kind in a container.
    fn count<T: StoredObject>(&self, container: &ContainerId) -> usize {
        let folded = container.to_case_insensitive();
        let mut staged: BTreeMap<&str, bool> = BTreeMap::new();
        for changes in [self.group, &self.changes] {
            let from = (folded.clone(), String::new());
            let here = T::staged(changes).range(from..).take_while(|((of, _), _)| *of == folded);
            staged.extend(here.map(|((_, name), object)| (name.as_str(), object.is_some())));
        }
        let known = |name: &&str| self.memory.object::<T>(container, name).is_some();
        let before = staged.keys().filter(|name| known(name)).count();
        let after = staged.values().filter(|is| **is).count();
        (self.memory.count::<T>(container) + after).saturating_sub(before)
    }

    /// Checks that the limit allows one more, unless the rules of the commit exempt it from limits.
    fn check_limit(&self, limit: Limit, count: impl FnOnce() -> usize) -> Result<()> {
        match self.rules {
            Rules::All => limit.check_capacity(count()),
            Rules::Configured => Ok(()),
        }
    }

    /// The state of the control plane.
    pub(super) fn resources(&self) -> Arc<Resources> {
        let staged = self.changes.resources.as_ref().or(self.group.resources.as_ref()).cloned();
        staged.unwrap_or_else(|| self.memory.resources())
    }

    /// All containers; those of a kind by name.
    fn containers(&self) -> Vec<Container> {
        let known = self.memory.containers().into_iter();
        let mut containers: BTreeMap<String, Option<Container>> =
            known.map(|container| (container.id().to_case_insensitive(), Some(container))).collect();
        containers.extend(self.group.containers.clone());
        containers.extend(self.changes.containers.clone());
        containers.into_values().flatten().collect()
    }

    /// Stages the new state of a container.
    fn set_container(&mut self, container: Container) {
        self.changes.containers.insert(container.id().to_case_insensitive(), Some(container));
    }

    fn roles(&self, hsm: &HsmName) -> Result<Roles> {
        let folded = to_lowercase(hsm.as_str());
        let staged = self.changes.roles.get(&*folded).or_else(|| self.group.roles.get(&*folded)).cloned();
        match staged.or_else(|| self.memory.roles(hsm)) {
            Some(roles) => Ok(Roles::clone(&roles)),
            None => Err(Error::NotFound(hsm.into())),
        }
    }

    /// Adds one change. Errors with the violated precondition, if any; the commit must then be discarded.
    pub(super) fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::InsertHsm(hsm, assignments) => self.insert_hsm(hsm, assignments),
            Change::ReplaceHsm(hsm) => self.replace_hsm(hsm),
            Change::InsertVault(vault) => self.insert_vault(vault),
            Change::ReplaceVault(vault) => self.replace_vault(vault),
            Change::InsertVersion(version, origin) => self.insert_version(version, *origin),
            Change::RestoreKey(key) => self.restore_key(key),
            Change::ReplaceContents(contents) => self.replace_contents(contents),
            Change::PutBackupJob(hsm, job) => self.put_backup_job(hsm, job),
            Change::ReplaceVersion(version) => self.replace_version(version),
            Change::BindModes(hsm, name, version, family) => self.bind_modes(hsm, name, *version, *family),
            Change::PutRotationPolicy(hsm, name, policy) => {
                self.check_unmanaged(hsm, name.as_str(), ResourceKind::Key, "setrotationpolicy")?;
                let mut key = self.live_key(hsm, name)?;
                key.rotation = policy.clone();
                update_notices(&mut key, |notices| notices.without(Notice::NotRotated));
                self.set(key);
                Ok(())
            }
            Change::RecordNotice(hsm, name, notice) => {
                let mut key = self.live_key(hsm, name)?;
                update_notices(&mut key, |notices| notices.with(*notice));
                self.set(key);
                Ok(())
            }
            Change::InsertSecretVersion(version) => self.insert_secret_version(version),
            Change::ReplaceSecretVersion(version) => self.replace_secret_version(version),
            Change::RestoreSecret(secret) => self.restore_secret(secret),
            Change::PutCertificate(update) => self.put_certificate(update),
            Change::RestoreCertificate(restored) => self.restore_certificate(restored),
            Change::RecordCertificateNotice(vault, name, notice) => {
                self.record_certificate_notice(vault, name, *notice)
            }
            Change::RecordRenewalFailure(vault, name, at) => self.record_renewal_failure(vault, name, *at),
            Change::PutCertificateSettings(vault, settings) => self.put_certificate_settings(vault, settings),
            Change::Transition(resource, transition) => self.transition(resource, *transition),
            Change::PutRoleDefinition(hsm, definition) => self.change_roles(hsm, |roles| {
                let check_limit = |known: &[_]| limit::DEFINITIONS.check_capacity(known.len());
                roles.put_definition(Arc::clone(definition), check_limit)
            }),
            Change::DeleteRoleDefinition(hsm, id) => {
                self.change_roles(hsm, |roles| roles.delete_definition(*id))
            }
            Change::InsertRoleAssignment(hsm, assignment) => {
                let limited = self.rules == Rules::All;
                self.change_roles(hsm, |roles| {
                    let count = roles.count(|scope| scope.is_same_as(&assignment.scope));
                    roles.insert_assignment(Arc::clone(assignment))?;
                    if roles.definition(assignment.role_definition).is_none() {
                        return Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)));
                    }
                    if limited {
                        limit::assignments_at(&assignment.scope).check_capacity(count)
                    } else {
                        Ok(())
                    }
                })
            }
            Change::DeleteRoleAssignment(hsm, id) => {
                self.change_roles(hsm, |roles| roles.delete_assignment(*id))
            }
            Change::Control(change) => {
                let mut resources = Resources::clone(&self.resources());
                resources.apply(change, &self.containers(), self.rules)?;
                self.changes.resources = Some(Arc::new(resources));
                Ok(())
            }
            Change::PutAuditKey(key) => {
                self.changes.audit_keys.push(key.clone());
                Ok(())
            }
            Change::SetClock(setting) => {
                self.changes.clock = Some(*setting);
                Ok(())
            }
            Change::ReleaseClock => {
                self.changes.released = true;
                Ok(())
            }
        }
    }

    fn change_roles(&mut self, hsm: &HsmName, change: impl FnOnce(&mut Roles) -> Result<()>) -> Result<()> {
        self.writable_container(&hsm.into())?;
        let mut roles = self.roles(hsm)?;
        change(&mut roles)?;
        self.changes.roles.insert(hsm.to_case_insensitive(), Arc::new(roles));
        Ok(())
    }

    fn insert_hsm(
        &mut self,
        hsm: &ManagedHsm,
        assignments: &[crate::model::local_rbac::RoleAssignment],
    ) -> Result<()> {
        if let Ok(known) = self.hsm(&hsm.name) {
            return Err(Error::Exists { resource: (&known.name).into(), deleted: known.deletion.is_some() });
        }
        self.resources().check_parents(hsm.subscription, &hsm.resource_group)?;
        let same_location = |other: &Container| {
            other.managed_hsm().is_some_and(|other| {
                other.subscription == hsm.subscription
                    && normalize(&other.location) == normalize(&hsm.location)
            })
        };
        self.check_limit(limit::HSMS, || self.containers().into_iter().filter(same_location).count())?;
        let mut roles = Roles::new(self.memory.built_in(), Vec::new(), Vec::new());
        for assignment in assignments {
            roles.insert_assignment(Arc::new(assignment.clone()))?;
        }
        self.begin_phase(Container::ManagedHsm(Arc::new(hsm.clone())), hsm.created, Phase::Running);
        self.changes.roles.insert(hsm.name.to_case_insensitive(), Arc::new(roles));
        Ok(())
    }

    fn replace_hsm(&mut self, hsm: &ManagedHsm) -> Result<()> {
        let known = self.live_hsm(&hsm.name)?;
        if !known.may_become(hsm) {
            return Err(Error::internal(format!("immutable properties of HSM {} cannot change", hsm.name)));
        }
        if known.settings != hsm.settings {
            known.check_not_restoring()?;
        }
        // A job may have begun or ended since `hsm` was read.
        let hsm = ManagedHsm { backup_jobs: known.backup_jobs.clone(), ..hsm.clone() };
        self.set_container(Container::ManagedHsm(Arc::new(hsm)));
        Ok(())
    }

    fn insert_vault(&mut self, vault: &Vault) -> Result<()> {
        if let Ok(known) = self.vault(&vault.name) {
            return Err(Error::Exists { resource: (&known.name).into(), deleted: known.deletion.is_some() });
        }
        self.resources().check_parents(vault.subscription, &vault.resource_group)?;
        let in_subscription =
            |other: &Container| other.vault().is_some_and(|other| other.subscription == vault.subscription);
        self.check_limit(limit::VAULTS, || self.containers().into_iter().filter(in_subscription).count())?;
        self.begin_phase(Container::Vault(Arc::new(vault.clone())), vault.created, Phase::Running);
        Ok(())
    }

    fn replace_vault(&mut self, vault: &Vault) -> Result<()> {
        let known = self.vault(&vault.name)?;
        known.check_live()?;
        if !known.may_become(vault) {
            return Err(Error::internal(format!(
                "immutable properties of vault {} cannot change",
                vault.name
            )));
        }
        self.set_container(Container::Vault(Arc::new(vault.clone())));
        Ok(())
    }

    fn begin_phase(&mut self, container: Container, at: Timestamp, phase: Phase) {
        self.changes.phases.push(PhaseBegun { container: container.clone(), at, phase });
        self.set_container(container);
    }

    fn insert_version(&mut self, version: &KeyVersion, origin: VersionOrigin) -> Result<()> {
        let container = self.writable_container(&version.container)?.id();
        self.check_unmanaged(&container, version.name.as_str(), ResourceKind::Key, origin.verb())?;
        let known = self.key(&version.container, &version.name);
        if let Some((key, deletion)) = known.as_ref().and_then(|key| Some((key, key.deletion?))) {
            return Err(Error::deleted(Resource::key(&version.container, &key.name), deletion));
        }
        let mut key = match known {
            Some(key) if key.version(Some(version.version)).is_some() => {
                return Err(Error::Conflict { what: id(version).to_string() });
            }
            Some(key) => {
                self.check_limit(container.kind().limits().versions, || key.versions.len())?;
                Key::clone(&key)
            }
            None => {
                self.check_limit(container.kind().limits().keys, || self.count::<Key>(&container))?;
                Key {
                    container,
                    name: version.name.clone(),
                    versions: Vec::with_capacity(1),
                    deletion: None,
                    rotation: None,
                    managed: false,
                }
            }
        };
        key.versions.push(Arc::new(with_names_of(version, &key)));
        self.set(key);
        Ok(())
    }

    fn replace_version(&mut self, version: &KeyVersion) -> Result<()> {
        self.writable_container(&version.container)?;
        self.check_unmanaged(&version.container, version.name.as_str(), ResourceKind::Key, "update")?;
        let mut key = Key::clone(&*self.live(&version.container, &version.name, Some(version.version))?);
        let mut new = with_names_of(version, &key);
        match key.versions.iter_mut().find(|known| known.version == version.version) {
            Some(known) if known.material == version.material => {
                // A use may have bound the version without the key's lock, after this value was read.
                new.mode_family = known.mode_family;
                *known = Arc::new(new);
            }
            Some(_) => return Err(Error::internal("the material of a key version cannot change")),
            None => return Err(Error::Conflict { what: id(version).to_string() }),
        }
        self.set(key);
        Ok(())
    }

    fn bind_modes(
        &mut self,
        container: &ContainerId,
        name: &KeyName,
        version: VersionId,
        family: ModeFamily,
    ) -> Result<()> {
        self.writable_container(container)?;
        let found = self.live(container, name, Some(version))?;
        let missing = || Error::NotFound(Resource::version(container, name, Some(version)));
        let known = found.version(Some(version)).ok_or_else(missing)?;
        match known.mode_family {
            Some(bound) => check_family(known, bound, family),
            None => {
                let mut key = Key::clone(&found);
                for known in key.versions.iter_mut().filter(|known| known.version == version) {
                    *known = Arc::new(KeyVersion { mode_family: Some(family), ..KeyVersion::clone(known) });
                }
                self.set(key);
                Ok(())
            }
        }
    }

    fn live_key(&self, container: &ContainerId, name: &KeyName) -> Result<Key> {
        self.container(container)?.check_not_restoring()?;
        self.live(container, name, None).map(|key| Key::clone(&key))
    }

    fn live(&self, container: &ContainerId, name: &KeyName, version: Option<VersionId>) -> Result<Arc<Key>> {
        let key = self.key(container, name).filter(|key| key.deletion.is_none());
        key.ok_or_else(|| Error::NotFound(Resource::version(container, name, version)))
    }

    fn set<T: StoredObject>(&mut self, object: T) {
        let id = (object.folded_container(), object.name().as_ref().to_ascii_lowercase());
        T::staged_mut(&mut self.changes).insert(id, Some(Arc::new(object)));
    }
}

fn id(version: &KeyVersion) -> KeyId {
    KeyId { container: version.container.clone(), name: version.name.clone(), version: Some(version.version) }
}

/// Changes the notices of the current version.
fn update_notices(key: &mut Key, change: impl FnOnce(Notices) -> Notices) {
    if let Some(current) = key.versions.last_mut() {
        let notices = change(current.notices);
        if notices != current.notices {
            *current = Arc::new(KeyVersion { notices, ..KeyVersion::clone(current) });
        }
    }
}

/// The version with the names of its key: in their original case, and sharing their allocation.
fn with_names_of(version: &KeyVersion, key: &Key) -> KeyVersion {
    KeyVersion { container: key.container.clone(), name: key.name.clone(), ..version.clone() }
}

mod certificates;
mod restore;
mod secrets;
#[cfg(test)]
pub(super) mod tests;
