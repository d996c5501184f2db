//! Groups without changes in a database that other instances may change, and the changes of these.
//!
//! The records of such a group are written to the database on condition that no other instance has changed anything since this one
//! has read the log of changes. So an answered call was decided by the state of the moment in which its record was written: what was
//! acknowledged before the call began, anywhere, is in it. Otherwise this instance applies the changes first; calls that they concern
//! are decided again, and their records are not written.

use std::time::Instant;

use super::{AmbiguousCommit, Call, Ledger, fault};
use crate::audit_records;
use crate::change_log::{self, FollowError, Follower};
use crate::commit::{AuditRecord, Committed};
use crate::database::is_of_statement;
use crate::group::Group;
use crate::ledger_metrics::GroupKind;
use crate::ledger_position::LedgerPosition;
use crate::model::storage_failure::{Outcome, StoragePart};
use crate::model::{Error, Result};

/// The number of attempts to write records, after which the group waits until no other instance writes changes.
const ATTEMPTS: usize = 4;

impl Ledger {
    /// Writes the records of a group without changes to the database, and answers its callers.
    pub(super) async fn append_shared(&mut self, mut calls: Vec<Call>) {
        // While the connection is lost, other instances may change the state, unknown to this one.
        if let Some(fault) = self.faults.of(StoragePart::Database) {
            return self.answer_failed(StoragePart::Database, fault, Outcome::NotDone, calls);
        }
        let started = Instant::now();
        for _ in 0..ATTEMPTS {
            calls = self.answer_outdated(calls);
            let mut group =
                Group::after(LedgerPosition { groups: self.database.groups, head: self.head.clone() });
            let records = calls.iter().filter_map(|(commit, _)| commit.record.as_ref());
            let records: Vec<&AuditRecord> = self.carried.iter().chain(records).collect();
            group.record(&self.memory, &records);
            let results = calls.iter().map(|_| Ok(Committed::Done)).collect();
            let Some(records) = &group.records else { return self.apply(group, calls, results) };
            let groups = self.database.groups;
            let written =
                audit_records::write_unless_changed(&mut self.db, &self.instance, records, groups).await;
            match written.and_then(|written| fault().map(|()| written)) {
                Ok(true) => {
                    let count = group.position.head.seq - self.head.seq;
                    self.metrics.written(GroupKind::Append, count, started);
                    return self.apply_appended(group, calls, results);
                }
                Ok(false) => {
                    if let Err(error) = self.follow().await {
                        return self.fail(StoragePart::Database, &error, Outcome::NotDone, calls);
                    }
                }
                Err(error) if is_of_statement(&error) => {
                    return self.fail(StoragePart::Database, &error, Outcome::NotDone, calls);
                }
                Err(error) => {
                    let doubt = AmbiguousCommit { group, calls, results };
                    return self.begin_ambiguous(&error, doubt).await;
                }
            }
        }
        let time = self.memory.clock().guard_state();
        self.commit_group(calls, time).await;
    }

    /// Applies a group whose records are in the database, and which has no changes.
    pub(super) fn apply_appended(&mut self, group: Group, calls: Vec<Call>, results: Vec<Result<Committed>>) {
        self.unsaved.add(group.usage.clone());
        self.complete_and_apply(group, calls, results);
    }

    /// Answers the calls that must be decided again, and returns the others.
    fn answer_outdated(&self, calls: Vec<Call>) -> Vec<Call> {
        let (outdated, current): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|(commit, _)| self.memory.foreign().outdate(commit));
        let replies = outdated.into_iter().filter_map(|(_, reply)| reply);
        self.answers.send(replies.map(|reply| (reply, Ok(Committed::Outdated))).collect());
        current
    }

    /// Applies the changes that other instances have made since.
    async fn follow(&mut self) -> Result<()> {
        let known = &mut self.database.groups;
        let (unsaved, last_entry) = (&mut self.unsaved, &mut self.last_entry);
        let follower = Follower { memory: &self.memory, unsaved, last_entry };
        change_log::follow(&mut self.db, known, &self.instance, follower).await.map_err(not_applied)
    }

    /// As [`follow`](Self::follow), while no call arrives.
    pub(super) async fn follow_idle(&mut self) {
        if let Err(error) = self.follow().await {
            self.faults.begin(StoragePart::Database, &error);
        }
    }

    /// Connects again, and applies the changes that other instances have made meanwhile.
    pub(super) async fn reconnect_and_follow(&mut self) -> Result<()> {
        self.location.reconnect(&mut self.db, &self.instance).await?;
        let known = self.database.groups;
        let unchanged = change_log::check_unchanged(&mut self.db, known, self.last_entry).await;
        // Nothing is written by a session whose database has lost changes.
        unchanged.inspect_err(|_| self.db.abandon()).map_err(not_applied)?;
        self.follow().await?;
        self.find_intents().await
    }
}

fn not_applied(error: FollowError) -> Error {
    Error::internal_caused_by("the changes of other instances cannot be applied", error)
}
