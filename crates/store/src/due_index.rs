//! The index by time of the scheduled work on the objects of a container.

use std::collections::BTreeSet;

use super::micros::Micros;
use crate::model::Timestamp;
use crate::model::container::ContainerId;
use crate::model::deletion::Deletable;
use crate::model::name::{CertificateName, KeyName, SecretName};
use crate::model::time::{CertificateWork, DueWork, ScheduledWork};

/// The scheduled work on the objects of a container, ordered like [`DueWork`]. Every soft-deleted object has an entry, so entries are
/// small: they leave out the container, and share the text of the object's name.
pub(super) struct DueIndex {
    container: ContainerId,
    entries: BTreeSet<DueEntry>,
}

/// [`DueWork`] on an object of a known container, in the same order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DueEntry {
    at: Micros,
    work: ObjectWork,
}

/// [`ScheduledWork`] on an object of a known container, in the same order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum ObjectWork {
    PurgeCertificate(CertificateName),
    PurgeKey(KeyName),
    PurgeSecret(SecretName),
    RotateKey(KeyName),
    EmitNearExpiry(KeyName),
    Certificate(CertificateWork, CertificateName),
}

impl ObjectWork {
    /// Leaves out the container; `None` for work on a container or on the control plane.
    fn of(work: ScheduledWork) -> Option<Self> {
        match work {
            ScheduledWork::Purge(Deletable::Certificate(_, name)) => Some(Self::PurgeCertificate(name)),
            ScheduledWork::Purge(Deletable::Key(_, name)) => Some(Self::PurgeKey(name)),
            ScheduledWork::Purge(Deletable::Secret(_, name)) => Some(Self::PurgeSecret(name)),
            ScheduledWork::RotateKey(_, name) => Some(Self::RotateKey(name)),
            ScheduledWork::EmitNearExpiry(_, name) => Some(Self::EmitNearExpiry(name)),
            ScheduledWork::Certificate(work, _, name) => Some(Self::Certificate(work, name)),
            ScheduledWork::Purge(Deletable::ManagedHsm(_) | Deletable::Vault(_))
            | ScheduledWork::EmitBudgetReached(..) => None,
        }
    }

    /// Adds the container; `None` for a secret or a certificate that is not in a vault.
    fn in_container(&self, container: &ContainerId) -> Option<ScheduledWork> {
        let vault = || container.vault().cloned();
        Some(match self {
            Self::PurgeCertificate(name) => {
                ScheduledWork::Purge(Deletable::Certificate(vault()?, name.clone()))
            }
            Self::PurgeKey(name) => ScheduledWork::Purge(Deletable::Key(container.clone(), name.clone())),
            Self::PurgeSecret(name) => ScheduledWork::Purge(Deletable::Secret(vault()?, name.clone())),
            Self::RotateKey(name) => ScheduledWork::RotateKey(container.clone(), name.clone()),
            Self::EmitNearExpiry(name) => ScheduledWork::EmitNearExpiry(container.clone(), name.clone()),
            Self::Certificate(work, name) => ScheduledWork::Certificate(*work, vault()?, name.clone()),
        })
    }
}

impl DueEntry {
    /// The entry of this work; `None` for work on a container or on the control plane.
    pub(super) fn of((at, work): (Timestamp, ScheduledWork)) -> Option<Self> {
        Some(Self { at: at.into(), work: ObjectWork::of(work)? })
    }

    fn in_container(&self, container: &ContainerId) -> Option<DueWork> {
        Some(DueWork { at: self.at.into(), work: self.work.in_container(container)? })
    }
}

impl DueIndex {
    /// An index without work in a container.
    pub(super) const fn new(container: ContainerId) -> Self {
        Self { container, entries: BTreeSet::new() }
    }

    /// Adds much work at once, which is faster, and takes less memory, than to add one after the other.
    pub(super) fn load(&mut self, entries: Vec<DueEntry>) {
        self.entries.append(&mut entries.into_iter().collect());
    }

    /// Replaces the work on an object.
    pub(super) fn replace(
        &mut self,
        before: Vec<(Timestamp, ScheduledWork)>,
        after: Vec<(Timestamp, ScheduledWork)>,
    ) {
        if before != after {
            for entry in before.into_iter().filter_map(DueEntry::of) {
                self.entries.remove(&entry);
            }
            self.entries.extend(after.into_iter().filter_map(DueEntry::of));
        }
    }

    /// Whether this work is scheduled.
    pub(super) fn contains(&self, due: DueWork) -> bool {
        DueEntry::of((due.at, due.work)).is_some_and(|entry| self.entries.contains(&entry))
    }

    /// The work, the earliest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = DueWork> {
        self.entries.iter().filter_map(|entry| entry.in_container(&self.container))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All kinds of work on objects of a vault, in the order of [`ScheduledWork`], each at two times.
    fn works(vault: &ContainerId) -> Vec<(Timestamp, ScheduledWork)> {
        let name = vault.vault().unwrap();
        let certificate = |text: &str| text.parse::<CertificateName>().unwrap();
        let key = |text: &str| text.parse::<KeyName>().unwrap();
        let kinds = |text: &str| {
            [
                ScheduledWork::Purge(Deletable::Certificate(name.clone(), certificate(text))),
                ScheduledWork::Purge(Deletable::Key(vault.clone(), key(text))),
                ScheduledWork::Purge(Deletable::Secret(name.clone(), text.parse().unwrap())),
                ScheduledWork::RotateKey(vault.clone(), key(text)),
                ScheduledWork::EmitNearExpiry(vault.clone(), key(text)),
                ScheduledWork::Certificate(CertificateWork::Issue, name.clone(), certificate(text)),
                ScheduledWork::Certificate(CertificateWork::EmitExpired, name.clone(), certificate(text)),
            ]
        };
        let at = |micros| Timestamp::from_microsecond(micros).unwrap();
        let names = ["b", "B", "a"].into_iter().flat_map(kinds);
        names.flat_map(|work| [(at(2), work.clone()), (at(1), work)]).collect()
    }

    #[test]
    fn work_is_ordered_like_due_work() {
        let vault: ContainerId = "vaults/payroll".parse().unwrap();
        let mut sorted: Vec<DueWork> =
            works(&vault).into_iter().map(|(at, work)| DueWork { at, work }).collect();
        sorted.sort();
        let mut index = DueIndex::new(vault.clone());
        index.load(works(&vault).into_iter().filter_map(DueEntry::of).collect());
        assert!(index.iter().eq(sorted.iter().cloned()));
        assert!(sorted.iter().all(|due| index.contains(due.clone())));
        let later = Timestamp::from_microsecond(3).unwrap();
        assert!(!sorted.iter().any(|due| index.contains(DueWork { at: later, ..due.clone() })));

        let mut grown = DueIndex::new(vault.clone());
        grown.replace(Vec::new(), works(&vault));
        assert!(grown.iter().eq(sorted));
        grown.replace(works(&vault), Vec::new());
        assert_eq!(grown.iter().next(), None);
    }
}
