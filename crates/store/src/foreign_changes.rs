//! What other instances of a shared database have changed, and since when: whether a call was decided by a state that has changed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::commit::Commit;
use crate::model::change::Change;

/// The groups in which other instances have changed the state last.
#[derive(Default)]
pub(super) struct ForeignChanges {
    /// The number of the last group that is applied completely.
    applied: AtomicU64,
    last: Mutex<LastChanges>,
}

/// What a group has changed.
#[derive(Default)]
pub(super) struct Touched {
    /// Whether subscriptions, resource groups, roles of the control plane or the virtual clock are among it.
    pub(super) all: bool,
    /// Containers by their stored identifier in lower case, their roles and settings.
    pub(super) containers: Vec<String>,
    /// Whether containers themselves are among it: they are created, changed or purged.
    pub(super) records: bool,
    /// Objects by container and name, both in lower case.
    pub(super) objects: Vec<(String, String)>,
}

/// The maximum number of objects of a container of which the last change is known.
const OBJECTS: usize = 4_096;

/// The numbers of the last groups with changes.
#[derive(Default)]
struct LastChanges {
    /// Of anything.
    any: u64,
    /// Of subscriptions, resource groups, or roles of the control plane, which concern all containers.
    resources: u64,
    /// Of the record of any container, without its roles and settings.
    records: u64,
    /// Of containers, by the stored identifier in lower case.
    containers: BTreeMap<String, LastOfContainer>,
}

/// The numbers of the last groups with changes of a container.
#[derive(Default)]
struct LastOfContainer {
    /// Of its properties, its roles and its settings.
    itself: u64,
    /// Of any of its objects.
    objects: u64,
    /// Of an object, by the name in lower case. A key, a secret and a certificate of one name count as one object.
    object: BTreeMap<String, u64>,
    /// Of the objects that `object` does not have any more.
    forgotten: u64,
}

impl LastChanges {
    fn container(&mut self, stored: &str) -> &mut LastOfContainer {
        self.containers.entry(stored.to_owned()).or_default()
    }
}

impl LastOfContainer {
    fn change_object(&mut self, name: &str, number: u64) {
        self.objects = number;
        if self.object.len() >= OBJECTS && !self.object.contains_key(name) {
            self.object.clear();
            self.forgotten = number;
        }
        self.object.insert(name.to_owned(), number);
    }

    /// The last change of what a commit was decided by.
    fn of(&self, object: Option<&str>) -> u64 {
        self.itself.max(match object {
            Some(name) => self.object.get(name).copied().unwrap_or(self.forgotten),
            None => self.objects,
        })
    }
}

impl ForeignChanges {
    /// The number of the last group that readers see.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Begins to apply a group.
    pub(super) fn begin(&self, touched: &Touched, number: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if touched.all {
            last.resources = number;
            last.any = number;
        }
        if touched.records {
            last.records = number;
        }
        for container in &touched.containers {
            last.container(container).itself = number;
            last.any = number;
        }
        for (container, name) in &touched.objects {
            last.container(container).change_object(name, number);
            last.any = number;
        }
    }

    /// Ends it: readers see all of the group.
    pub(super) fn end(&self, number: u64) {
        self.applied.store(number, Ordering::Release);
    }

    /// Whether the state by which a commit was decided has changed since then.
    pub(super) fn outdate(&self, commit: &Commit) -> bool {
        let Some(decided_by) = &commit.decided_by else { return false };
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match commit.record.as_ref().and_then(|record| record.container.as_ref()) {
            Some(container) => {
                let found = last.containers.get(&container.to_case_insensitive());
                let found = found.map(|found| found.of(decided_by.object.as_deref()));
                // A new container takes what no other one has, such as a token of the pool.
                let creates =
                    |change: &Change| matches!(change, Change::InsertHsm(..) | Change::InsertVault(..));
                let records = if commit.changes.iter().any(creates) { last.records } else { 0 };
                last.resources.max(records).max(found.unwrap_or_default())
            }
            None => last.any,
        };
        changed > decided_by.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::{AuditRecord, DecidedBy};
    use crate::model::Timestamp;
    use crate::model::audit_entry::Meter;

    fn commit(container: Option<&str>, object: Option<&str>, position: u64) -> Commit {
        let record = AuditRecord {
            at: Timestamp::UNIX_EPOCH,
            container: container.map(|container| container.parse().unwrap()),
            event: "Test",
            meter: Meter::Free,
            count: 1,
            version: None,
            body: String::new(),
        };
        let decided_by = Some(DecidedBy { position, object: object.map(str::to_owned) });
        Commit { record: Some(record), decided_by, ..Commit::default() }
    }

    #[test]
    fn a_change_concerns_its_container_and_calls_without_one() {
        let changes = ForeignChanges::default();
        changes.begin(&Touched { containers: vec!["pay".to_owned()], ..Touched::default() }, 5);
        let outdated = |container, object, position| changes.outdate(&commit(container, object, position));
        assert!(
            outdated(Some("Pay"), None, 4) && outdated(Some("Pay"), Some("a"), 4) && outdated(None, None, 4)
        );
        assert!(!outdated(Some("other"), None, 4));
        assert!(!outdated(Some("pay"), None, 5), "it was decided by the state after the change");
        let independent = Commit { decided_by: None, ..commit(Some("pay"), None, 4) };
        assert!(!changes.outdate(&independent), "it does not depend on the state");
        changes.begin(&Touched { all: true, ..Touched::default() }, 6);
        assert!(outdated(Some("other"), None, 5));
        changes.begin(&Touched::default(), 7);
        assert!(!outdated(None, None, 6), "a group that writes usage only changes nothing");
    }

    #[test]
    fn a_change_of_a_container_concerns_the_creation_of_others() {
        let changes = ForeignChanges::default();
        let creation = |position| {
            let created = crate::transaction::tests::vaults::vault("new", uuid::Uuid::nil());
            Commit {
                changes: vec![Change::InsertVault(created)],
                ..commit(Some("new"), Some("new"), position)
            }
        };
        let containers = || vec!["pay".to_owned()];
        changes.begin(&Touched { containers: containers(), ..Touched::default() }, 5);
        assert!(!changes.outdate(&creation(4)), "its roles do not concern others");
        changes.begin(&Touched { containers: containers(), records: true, ..Touched::default() }, 6);
        assert!(changes.outdate(&creation(5)) && !changes.outdate(&creation(6)));
        assert!(!changes.outdate(&commit(Some("new"), Some("new"), 5)), "it creates no container");
    }

    #[test]
    fn a_change_of_an_object_concerns_no_other_object() {
        let changes = ForeignChanges::default();
        let change = |name: &str, number| {
            let objects = vec![("pay".to_owned(), name.to_owned())];
            changes.begin(&Touched { objects, ..Touched::default() }, number);
        };
        change("a", 5);
        let outdated = |object, position| changes.outdate(&commit(Some("pay"), object, position));
        assert!(outdated(Some("a"), 4) && outdated(None, 4) && !outdated(Some("b"), 4));
        for number in 0..OBJECTS {
            change(&format!("other-{number}"), 6);
        }
        assert!(outdated(Some("a"), 5), "its last change is forgotten");
        assert!(!outdated(Some("a"), 6));
    }
}
