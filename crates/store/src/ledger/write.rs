//! Writes a group of commits in one transaction of the database.

use std::time::Instant;

use super::{Call, Ledger, fault};
use crate::ambiguous_commit::{self, CommitFailure};
use crate::audit_records;
use crate::change_log::{self, Entry, Follower};
use crate::commit::{AuditRecord, Committed};
use crate::event_log;
use crate::failure::Failure;
use crate::group::Group;
use crate::high_water_mark;
use crate::ledger_metrics::GroupKind;
use crate::ledger_position::LedgerPosition;
use crate::model::Result;
use crate::model::time_guard::{ClockStatusChange, GuardState};
use crate::stage;
use crate::usage_statements;

impl Ledger {
    /// Writes a group in one transaction of the database. Adds one result per call to `results`. The log has all earlier records.
    pub(super) async fn write(
        &mut self,
        calls: &[Call],
        results: &mut Vec<Result<Committed>>,
        time: Option<(GuardState, Vec<ClockStatusChange>)>,
    ) -> std::result::Result<Group, CommitFailure<Group>> {
        let written = self.write_transaction(calls, results, time).await;
        if matches!(written, Err(CommitFailure::NotWritten(_))) {
            self.db.roll_back_abandoned().await;
        }
        written
    }

    /// Writes a group with the usage that is not written yet and the high-water mark of a guarded clock, because the database does
    /// not keep the records that show a later time.
    async fn write_transaction(
        &mut self,
        calls: &[Call],
        results: &mut Vec<Result<Committed>>,
        time: Option<(GuardState, Vec<ClockStatusChange>)>,
    ) -> std::result::Result<Group, CommitFailure<Group>> {
        let started = Instant::now();
        let (memory, instance) = (&self.memory, &self.instance);
        let mut db = self.db.begin().await?;
        if db.is_shared() {
            change_log::lock(&mut db).await?;
            let known = &mut self.database.groups;
            let (unsaved, last_entry) = (&mut self.unsaved, &mut self.last_entry);
            let follower = Follower { memory, unsaved, last_entry };
            change_log::follow(&mut db, known, instance, follower).await?;
        }
        let groups = self.database.groups + 1;
        let mut group = Group::after(LedgerPosition { groups, head: self.head.clone() });
        for (commit, _) in calls {
            if memory.foreign().outdate(commit) {
                results.push(Ok(Committed::Outdated));
                continue;
            }
            let staged = match commit.is_record_only() {
                true => Ok(()),
                false => stage::stage(&mut db, memory, &mut group.changes, (commit, instance)).await,
            };
            results.push(match staged {
                Ok(()) => Ok(Committed::Done),
                Err(Failure::Refused(error)) => Err(error),
                Err(Failure::Database(error)) => return Err(error.into()),
            });
        }
        let accepted = || calls.iter().zip(&*results).filter(|(_, result)| **result == Ok(Committed::Done));
        let records = accepted().filter_map(|((commit, _), _)| commit.record.as_ref());
        let records: Vec<&AuditRecord> = self.carried.iter().chain(records).collect();
        group.record(memory, &records);
        audit_records::write(&mut db, instance, group.records.as_ref()).await?;
        usage_statements::add_usage(&mut db, &self.unsaved.usage).await?;
        usage_statements::add_usage(&mut db, &group.usage).await?;
        if let Some((kept, turns)) = time {
            group.add_clock_events(&self.memory, &turns);
            let kept =
                self.memory.clock().state_if_released().filter(|_| group.changes.released).unwrap_or(kept);
            high_water_mark::write(&mut db, &kept).await?;
            group.time = Some((kept, turns.len()));
        }
        ambiguous_commit::write(&mut db, instance, &group.position).await?;
        if db.is_shared() {
            let mut entry = Entry::default();
            accepted().for_each(|((commit, _), _)| entry.add(commit));
            let written = [&self.unsaved.usage, &group.usage];
            let events = &group.changes.events;
            group.entry = Some(entry.write(&mut db, (groups, instance), events, written).await?);
        }
        if let Some(newest) = group.changes.events.last() {
            let trimmed = self.memory.events().trimmed(newest.sequence);
            event_log::write(&mut db, &group.changes.events, trimmed).await?;
        }
        match db.commit().await.and_then(|()| fault()) {
            Ok(()) => {
                let records = group.position.head.seq - self.head.seq;
                self.metrics.written(GroupKind::Transaction, records, started);
                Ok(group)
            }
            Err(error) => Err(CommitFailure::Ambiguous(error, group)),
        }
    }
}
