//! Restores keys and whole HSMs, and records the jobs that do so.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Transaction, with_names_of};
use crate::model::backup_job::{BackupJob, KEPT_JOBS};
use crate::model::container::{Container, ContainerId};
use crate::model::hsm::ManagedHsm;
use crate::model::hsm_contents::HsmContents;
use crate::model::key::Key;
use crate::model::name::HsmName;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::roles::Roles;

impl Transaction<'_> {
    /// Adds a key from a backup, under a name that no key has.
    pub(super) fn restore_key(&mut self, key: &Key) -> Result<()> {
        let container = self.writable_container(&key.container)?.id();
        self.check_unmanaged(&container, key.name.as_str(), ResourceKind::Key, "restore")?;
        if let Some(known) = self.key(&key.container, &key.name) {
            let resource = Resource::key(&key.container, &known.name);
            return Err(match known.deletion {
                Some(deletion) => Error::deleted(resource, deletion),
                None => Error::Exists { resource, deleted: false },
            });
        }
        let limits = container.kind().limits();
        self.check_limit(limits.keys, || self.count::<Key>(&container))?;
        // One less, because the limit is checked before each version is added.
        self.check_limit(limits.versions, || key.versions.len().saturating_sub(1))?;
        self.set(in_container(key, &container));
        Ok(())
    }

    /// Replaces all keys, roles and settings of an HSM.
    pub(super) fn replace_contents(&mut self, contents: &HsmContents) -> Result<()> {
        let hsm = self.live_hsm(&contents.hsm)?;
        let container = ContainerId::from(&hsm.name);
        let limits = container.kind().limits();
        self.check_limit(limits.keys, || contents.keys.len().saturating_sub(1))?;
        let restored: BTreeSet<_> = contents.keys.iter().map(|key| key.name.to_case_insensitive()).collect();
        if restored.len() != contents.keys.len() {
            return Err(Error::internal("a backup contains a key twice"));
        }
        let folded = container.to_case_insensitive();
        for name in self.key_names(&container).into_iter().filter(|name| !restored.contains(name)) {
            self.changes.keys.insert((folded.clone(), name), None);
        }
        for key in &contents.keys {
            self.check_limit(limits.versions, || key.versions.len().saturating_sub(1))?;
            self.set(in_container(key, &container));
        }
        let roles =
            Roles::new(self.memory.built_in(), contents.definitions.clone(), contents.assignments.clone());
        self.changes.roles.insert(folded, Arc::new(roles));
        let changed = ManagedHsm { settings: contents.settings, ..hsm.as_ref().clone() };
        self.set_container(Container::ManagedHsm(Arc::new(changed)));
        Ok(())
    }

    /// Records a new job, if none runs, or the result of a job.
    pub(super) fn put_backup_job(&mut self, hsm: &HsmName, job: &BackupJob) -> Result<()> {
        let known = self.hsm(hsm)?;
        let mut changed = known.as_ref().clone();
        match changed.backup_jobs.iter_mut().find(|known| known.id == job.id) {
            Some(known) if known.is_running() => known.clone_from(job),
            Some(_) => return Err(Error::internal("a job has ended already")),
            None => {
                known.check_live()?;
                if changed.backup_jobs.iter().any(BackupJob::is_running) {
                    return Err(Error::BackupJobRunning { hsm: known.name.clone() });
                }
                let surplus = (changed.backup_jobs.len() + 1).saturating_sub(KEPT_JOBS);
                changed.backup_jobs.drain(..surplus);
                changed.backup_jobs.push(job.clone());
            }
        }
        self.set_container(Container::ManagedHsm(Arc::new(changed)));
        Ok(())
    }
}

/// The key with the container's name, which its versions share.
fn in_container(key: &Key, container: &ContainerId) -> Key {
    let mut key = Key { container: container.clone(), ..key.clone() };
    key.versions = key.versions.iter().map(|version| Arc::new(with_names_of(version, &key))).collect();
    key
}
