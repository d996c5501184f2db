//! The objects of containers in memory: keys, secrets and certificates, by name, live and soft-deleted ones apart.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::Listing;
use super::case_insensitive::{CaseInsensitive, CaseInsensitiveName, LowercaseObjectId};
use super::change_set::ChangeSet;
use super::memory::ContainerState;
use crate::model::Timestamp;
use crate::model::certificate::Certificate;
use crate::model::container::ContainerId;
use crate::model::key::Key;
use crate::model::secret::Secret;
use crate::model::time::ScheduledWork;

/// Uncommitted changes of objects of one kind; `None` if the object was purged.
pub(super) type Staged<T> = BTreeMap<LowercaseObjectId, Option<Arc<T>>>;

/// A kind of object that containers hold under names of their own.
pub(super) trait StoredObject: Sized + Send + Sync + 'static {
    /// The stored identifier of its container, in lower case.
    fn folded_container(&self) -> String;

    /// The name, in its original spelling.
    fn shared_name(&self) -> Arc<str>;

    /// Whether it is soft-deleted.
    fn is_deleted(&self) -> bool;

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

/// Implements [`StoredObject`] for a record with the fields `name` and `deletion`.
macro_rules! stored_object {
    ($kind:ty, $field:ident, $container:expr) => {
        impl StoredObject for $kind {
            fn folded_container(&self) -> String {
                let container: fn(&Self) -> String = $container;
                container(self)
            }

            fn shared_name(&self) -> Arc<str> {
                self.name.shared()
            }

            fn is_deleted(&self) -> bool {
                self.deletion.is_some()
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

stored_object!(Key, keys, |key| key.container.to_case_insensitive());
stored_object!(Certificate, certificates, |certificate| ContainerId::from(&certificate.vault)
    .to_case_insensitive());
stored_object!(Secret, secrets, |secret| ContainerId::from(&secret.vault).to_case_insensitive());

/// The objects of one kind in one container. Live and deleted ones are in separate maps, so that listing a few live ones
/// does not iterate over a million deleted ones. A name is in at most one of the two.
pub(super) struct Objects<T> {
    live: BTreeMap<CaseInsensitiveName, Arc<T>>,
    deleted: BTreeMap<CaseInsensitiveName, Arc<T>>,
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self { live: BTreeMap::new(), deleted: BTreeMap::new() }
    }
}

impl<T: StoredObject> Objects<T> {
    /// The object of this name, live or deleted.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<T>> {
        let name: &dyn CaseInsensitive = &name;
        self.live.get(name).or_else(|| self.deleted.get(name))
    }

    /// At most `limit` objects after the name `after`, in case-insensitive order.
    pub(super) fn list(&self, listing: Listing, after: Option<&str>, limit: usize) -> Vec<Arc<T>> {
        let objects = match listing {
            Listing::Live => &self.live,
            Listing::Deleted => &self.deleted,
        };
        let start = match &after {
            Some(after) => Bound::Excluded(after as &dyn CaseInsensitive),
            None => Bound::Unbounded,
        };
        let range = objects.range::<dyn CaseInsensitive, _>((start, Bound::Unbounded));
        range.take(limit).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// All objects, the live ones first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.live.values().chain(self.deleted.values())
    }

    /// The number of objects, live and deleted.
    pub(super) fn len(&self) -> usize {
        self.live.len() + self.deleted.len()
    }

    /// Inserts an object into the map of its state, or removes it if `None`. Returns the previous object.
    pub(super) fn set(&mut self, folded: &str, object: Option<Arc<T>>) -> Option<Arc<T>> {
        let name: &dyn CaseInsensitive = &folded;
        let (target, other) = match &object {
            Some(object) if object.is_deleted() => (&mut self.deleted, &mut self.live),
            _ => (&mut self.live, &mut self.deleted),
        };
        let moved = other.remove(name);
        let replaced = match object {
            Some(object) => target.insert(CaseInsensitiveName(object.shared_name()), object),
            None => target.remove(name),
        };
        replaced.or(moved)
    }
}
