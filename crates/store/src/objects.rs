//! The objects of containers in memory: keys, secrets and certificates, by name, live and soft-deleted ones apart.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::Listing;
use super::case_insensitive::{CaseInsensitive, CaseInsensitiveName, LowercaseObjectId};
use super::change_set::ChangeSet;
use super::deleted_key::DeletedKey;
use super::due_index::DueEntry;
use super::memory::ContainerState;
use crate::model::Timestamp;
use crate::model::certificate::Certificate;
use crate::model::container::ContainerId;
use crate::model::key::Key;
use crate::model::name::{CertificateName, KeyName, SecretName};
use crate::model::retention::Deletion;
use crate::model::secret::Secret;
use crate::model::time::ScheduledWork;

/// Uncommitted changes of objects of one kind; `None` if the object was purged.
pub(super) type Staged<T> = BTreeMap<LowercaseObjectId, Option<Arc<T>>>;

/// A kind of object that containers hold under names of their own.
pub(super) trait StoredObject: Sized + Send + Sync + 'static {
    /// The type of the name.
    type Name: AsRef<str> + Clone + Send + Sync;

    /// What is kept in memory of soft-deleted ones.
    type Deleted: DeletedForm<Self>;

    /// The stored identifier of its container, in lower case.
    fn folded_container(&self) -> String;

    /// The name, in its original spelling.
    fn name(&self) -> &Self::Name;

    /// The dates of its deletion; `None` while it is live.
    fn deletion(&self) -> Option<Deletion>;

    /// The scheduled work on it.
    fn scheduled_work(&self) -> Vec<(Timestamp, ScheduledWork)>;

    /// The objects of a container.
    fn of(state: &ContainerState) -> &Objects<Self>;

    /// The objects of a container.
    fn of_mut(state: &mut ContainerState) -> &mut Objects<Self>;

    /// The uncommitted changes.
    fn staged(changes: &ChangeSet) -> &Staged<Self>;

    /// The uncommitted changes.
    fn staged_mut(changes: &mut ChangeSet) -> &mut Staged<Self>;
}

/// A form of soft-deleted objects, from which the object can be made again, given its container and its name.
pub(super) trait DeletedForm<T: StoredObject>: Send + Sync {
    /// Makes the form of an object with these dates of its deletion.
    fn of(object: Arc<T>, deletion: Deletion) -> Self;

    /// Makes the object.
    fn object(&self, container: &ContainerId, name: &T::Name) -> Arc<T>;
}

impl<T: StoredObject> DeletedForm<T> for Arc<T> {
    fn of(object: Self, _: Deletion) -> Self {
        object
    }

    fn object(&self, _: &ContainerId, _: &T::Name) -> Self {
        Arc::clone(self)
    }
}

/// Implements [`StoredObject`] for a record with the fields `name` and `deletion`.
macro_rules! stored_object {
    ($kind:ty, $name:ty, $deleted:ty, $field:ident, $container:expr) => {
        impl StoredObject for $kind {
            type Name = $name;
            type Deleted = $deleted;

            fn folded_container(&self) -> String {
                let container: fn(&Self) -> String = $container;
                container(self)
            }

            fn name(&self) -> &Self::Name {
                &self.name
            }

            fn deletion(&self) -> Option<Deletion> {
                self.deletion
            }

            fn scheduled_work(&self) -> Vec<(Timestamp, ScheduledWork)> {
                <$kind>::scheduled_work(self)
            }

            fn of(state: &ContainerState) -> &Objects<Self> {
                &state.$field
            }

            fn of_mut(state: &mut ContainerState) -> &mut Objects<Self> {
                &mut state.$field
            }

            fn staged(changes: &ChangeSet) -> &Staged<Self> {
                &changes.$field
            }

            fn staged_mut(changes: &mut ChangeSet) -> &mut Staged<Self> {
                &mut changes.$field
            }
        }
    };
}

stored_object!(Key, KeyName, DeletedKey, keys, |key| key.container.to_case_insensitive());
stored_object!(Certificate, CertificateName, Arc<Self>, certificates, |certificate| {
    ContainerId::from(&certificate.vault).to_case_insensitive()
});
stored_object!(Secret, SecretName, Arc<Self>, secrets, |secret| {
    ContainerId::from(&secret.vault).to_case_insensitive()
});

/// The objects of one kind in one container. Live and deleted ones are in separate maps, so that listing a few live ones
/// does not iterate over a million deleted ones. A name is in at most one of the two.
pub(super) struct Objects<T: StoredObject> {
    container: ContainerId,
    live: BTreeMap<CaseInsensitiveName<T::Name>, Arc<T>>,
    deleted: BTreeMap<CaseInsensitiveName<T::Name>, T::Deleted>,
}

impl<T: StoredObject> Objects<T> {
    /// No objects of a container.
    pub(super) fn new(container: ContainerId) -> Self {
        Self { container, live: BTreeMap::new(), deleted: BTreeMap::new() }
    }

    /// The object of this name, live or deleted.
    pub(super) fn get(&self, name: &str) -> Option<Arc<T>> {
        let name: &dyn CaseInsensitive = &name;
        match self.live.get(name) {
            Some(live) => Some(Arc::clone(live)),
            None => self.deleted.get_key_value(name).map(|entry| self.deleted_object(entry)),
        }
    }

    /// At most `limit` objects after the name `after`, in case-insensitive order.
    pub(super) fn list(&self, listing: Listing, after: Option<&str>, limit: usize) -> Vec<Arc<T>> {
        let start = match &after {
            Some(after) => Bound::Excluded(after as &dyn CaseInsensitive),
            None => Bound::Unbounded,
        };
        let names = (start, Bound::Unbounded);
        match listing {
            Listing::Live => {
                let live = self.live.range::<dyn CaseInsensitive, _>(names);
                live.take(limit).map(|(_, object)| Arc::clone(object)).collect()
            }
            Listing::Deleted => {
                let deleted = self.deleted.range::<dyn CaseInsensitive, _>(names);
                deleted.take(limit).map(|entry| self.deleted_object(entry)).collect()
            }
        }
    }

    /// All objects, the live ones first.
    pub(super) fn all(&self) -> impl Iterator<Item = Arc<T>> {
        let deleted = self.deleted.iter().map(|entry| self.deleted_object(entry));
        self.live.values().cloned().chain(deleted)
    }

    /// The names of all objects, in no particular order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.live.keys().chain(self.deleted.keys()).map(CaseInsensitive::text)
    }

    /// The number of objects, live and deleted.
    pub(super) fn len(&self) -> usize {
        self.live.len() + self.deleted.len()
    }

    /// Inserts an object into the map of its state, or removes it if `None`. Returns the previous object.
    pub(super) fn set(&mut self, folded: &str, object: Option<Arc<T>>) -> Option<Arc<T>> {
        let name: &dyn CaseInsensitive = &folded;
        let live = self.live.remove(name);
        let deleted = self.deleted.remove_entry(name);
        if let Some(object) = object {
            let name = CaseInsensitiveName(object.name().clone());
            match object.deletion() {
                Some(deletion) => drop(self.deleted.insert(name, T::Deleted::of(object, deletion))),
                None => drop(self.live.insert(name, object)),
            }
        }
        live.or_else(|| deleted.map(|(name, deleted)| self.deleted_object((&name, &deleted))))
    }

    fn deleted_object(&self, (name, deleted): (&CaseInsensitiveName<T::Name>, &T::Deleted)) -> Arc<T> {
        deleted.object(&self.container, &name.0)
    }
}

/// The objects of one kind in one container while they are loaded. Maps are built from sorted entries at once, which fills their
/// nodes: those of maps that grow in this order are half empty.
pub(super) struct LoadedObjects<T: StoredObject> {
    live: Vec<(CaseInsensitiveName<T::Name>, Arc<T>)>,
    deleted: Vec<(CaseInsensitiveName<T::Name>, T::Deleted)>,
    due: Vec<DueEntry>,
}

impl<T: StoredObject> Default for LoadedObjects<T> {
    fn default() -> Self {
        Self { live: Vec::new(), deleted: Vec::new(), due: Vec::new() }
    }
}

impl<T: StoredObject> LoadedObjects<T> {
    /// Adds an object.
    pub(super) fn push(&mut self, object: T) {
        self.due.extend(object.scheduled_work().into_iter().filter_map(DueEntry::of));
        let name = CaseInsensitiveName(object.name().clone());
        match object.deletion() {
            Some(deletion) => self.deleted.push((name, T::Deleted::of(Arc::new(object), deletion))),
            None => self.live.push((name, Arc::new(object))),
        }
    }

    /// The objects of a container, and the scheduled work on them.
    pub(super) fn into_objects(self, container: ContainerId) -> (Objects<T>, Vec<DueEntry>) {
        let (live, deleted) = (self.live.into_iter().collect(), self.deleted.into_iter().collect());
        (Objects { container, live, deleted }, self.due)
    }
}
