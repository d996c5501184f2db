//! A group of commits that is written together: its changes, its records and what they count.

use super::change_log::EntryDigest;
use super::change_set::ChangeSet;
use super::commit::AuditRecord;
use super::events;
use super::ledger_position::LedgerPosition;
use super::memory::Memory;
use super::record_log::RecordBatch;
use super::record_member;
use super::transaction::Transaction;
use super::usage::{Counter, Usage};
use crate::model::container::ContainerId;
use crate::model::time_guard::{ClockStatusChange, GuardState};

/// The maximum number of bytes that chaining usually adds to a record.
const ADDED: usize = 224;

/// The changes and records of a group.
pub(super) struct Group {
    pub(super) changes: ChangeSet,
    /// The position after the group: of the database if the group is written to it, otherwise of the log.
    pub(super) position: LedgerPosition,
    /// The records; `None` if there are none.
    pub(super) records: Option<RecordBatch>,
    pub(super) usage: Usage,
    /// The written high-water mark of the clock, and the number of clock events written with it.
    pub(super) time: Option<(GuardState, usize)>,
    /// The entry of the log of changes, if the database is shared.
    pub(super) entry: Option<EntryDigest>,
}

impl Group {
    /// An empty group after this position.
    pub(super) fn after(position: LedgerPosition) -> Self {
        let (changes, usage) = Default::default();
        Self { changes, position, records: None, usage, time: None, entry: None }
    }

    /// Chains the records of the group, and counts them for metering.
    pub(super) fn record<'a>(&mut self, memory: &Memory, records: &[&'a AuditRecord]) {
        let Some(begun) = records.first() else { return };
        let bytes = records.iter().map(|record| record.body.len() + ADDED).sum();
        let mut lines = String::with_capacity(bytes);
        let first = self.position.head.seq.saturating_add(1);
        let known = memory.usage();
        // Most records of a group name the same container.
        let mut canonical: Option<(&'a ContainerId, Option<ContainerId>)> = None;
        for record in records {
            let container = record.container.as_ref().and_then(|named| {
                if canonical.as_ref().is_none_or(|(last, _)| *last != named) {
                    canonical = Some((named, self.canonical(memory, named)));
                }
                canonical.as_ref().and_then(|(_, found)| found.clone())
            });
            let counter = Counter::of(container, record.event, record.meter, record.at);
            let used = record.version.as_deref();
            let used = used.and_then(|used| Some((used, self.usage.record_use(used, record.at, &known)?)));
            let state = self.position.groups;
            self.position.head.append(&mut lines, &record.body, |line| {
                record_member::write(line, state, (&counter, record.count), used);
            });
            self.usage.count(counter, record.count);
        }
        let head = &self.position.head;
        let (last, chain) = (head.seq, head.chain.clone());
        self.records = Some(RecordBatch { first, last, chain, at: begun.at, lines });
    }

    /// Adds the lifecycle events of the clock guard.
    pub(super) fn add_clock_events(&mut self, memory: &Memory, turns: &[ClockStatusChange]) {
        for turn in turns {
            let mut transaction = Transaction::new(memory, &self.changes);
            let events = events::clock_events(&transaction, *turn);
            transaction.add_events(memory.now(), events);
            let changes = transaction.into_changes();
            self.changes.absorb(changes);
        }
    }

    /// The container with its name in its original case, so that its calls share one counter; `None` if there is no such
    /// container, so that callers cannot create counters with invented names. A vault that the group purges counts as
    /// existing: its purge is billed.
    fn canonical(&self, memory: &Memory, container: &ContainerId) -> Option<ContainerId> {
        if let Ok(found) = Transaction::new(memory, &self.changes).container(container) {
            return Some(found.id());
        }
        let folded = container.to_case_insensitive();
        let ids = self.changes.phases.iter().rev().map(|begun| begun.container.id());
        ids.into_iter().find(|id| id.vault().is_some() && id.to_case_insensitive() == folded)
    }
}
