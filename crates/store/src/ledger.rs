//! The single writer of the database: commits queued calls in groups, in order of arrival.
//!
//! A group is one transaction (group commit). Its audit records, readings and changes become durable
//! together, or every call of the group fails. A rejected change fails only its own commit. Memory is
//! updated after the database, and callers are answered after memory is updated.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Acquire as _, Connection as _, Sqlite, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::ambiguous_commit::{self, CommitFailure, DatabasePath, LedgerPosition};
use super::chain::ChainHead;
use super::change_set::ChangeSet;
use super::commit::{AuditRecord, Commit};
use super::event_log;
use super::events;
use super::export::Exporter;
use super::failure::Failure;
use super::high_water_mark;
use super::memory::Memory;
use super::outbox::{self, ExportedRecord};
use super::statements;
use super::transaction::Transaction;
use super::usage::Usage;
use crate::model::container::ContainerId;
use crate::model::time_guard::{ClockStatusChange, GuardState};
use crate::model::{Error, Result, Timestamp};

/// The maximum number of commits in a group.
pub(super) const GROUP: usize = 512;

/// The time for which a group without waiting callers is collected.
const GATHER: Duration = Duration::from_millis(2);

/// The interval of retries after the database failed, for records whose callers have been answered.
const RETRY: Duration = Duration::from_secs(1);

/// The number of exported records at which they are removed from the outbox, instead of with every group.
const TRIM: u64 = 256;

/// A message to the ledger task.
#[expect(clippy::large_enum_variant, reason = "all messages but one are commits")]
pub(super) enum Message {
    /// A commit, and the channel of its caller if the caller waits.
    Commit(Commit, Option<oneshot::Sender<Result<()>>>),
    /// Resolve an ambiguous commit, and answer whether none is left.
    ResolveAmbiguous(oneshot::Sender<bool>),
    /// Finish the earlier messages and stop.
    Close(oneshot::Sender<()>),
}

type Call = (Commit, Option<oneshot::Sender<Result<()>>>);

/// The changes and records of a group.
#[derive(Default)]
pub(super) struct Group {
    changes: ChangeSet,
    /// The position of the database after the group.
    position: LedgerPosition,
    records: Vec<ExportedRecord>,
    usage: Usage,
    /// The sequence number up to which the group removes records from the outbox.
    trimmed: Option<u64>,
    /// The written high-water mark of the clock, and the number of clock events written with it.
    time: Option<(GuardState, usize)>,
}

/// A group whose COMMIT failed but may have been written, and its calls.
pub(super) struct AmbiguousCommit {
    group: Group,
    calls: Vec<Call>,
    results: Vec<Result<()>>,
}

/// The state of the ledger task.
pub(super) struct Ledger {
    pub(super) db: SqliteConnection,
    pub(super) memory: Arc<Memory>,
    /// The last record, for readers.
    pub(super) shown_head: Arc<Mutex<ChainHead>>,
    /// The database that is queried after an ambiguous commit.
    pub(super) source: DatabasePath,
    /// The last known position of the database.
    pub(super) position: LedgerPosition,
    pub(super) exporter: Exporter,
    /// Set while the database fails: all callers then wait for their commit, whatever the durability.
    pub(super) failing: Arc<AtomicBool>,
    /// Set while a commit is ambiguous.
    pub(super) is_ambiguous: Arc<AtomicBool>,
    /// The ambiguous commit. No other group is written until it is resolved.
    pub(super) ambiguous: Option<AmbiguousCommit>,
    /// Records of calls that were answered before their group failed.
    pub(super) carried: Vec<AuditRecord>,
    /// The sequence number up to which records have been removed from the outbox.
    pub(super) trimmed: u64,
    /// The last written high-water mark of the clock.
    pub(super) high_water_mark: Option<GuardState>,
}

impl Ledger {
    /// Runs until it receives `Close` or all senders are dropped.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(GROUP);
        let mut closing = Vec::new();
        while closing.is_empty() {
            let open = tokio::select! {
                biased;
                count = queue.recv_many(&mut messages, GROUP) => count > 0,
                () = self.exporter.ready(), if self.exporter.is_busy() => {
                    self.exporter.step(&mut self.db).await;
                    continue;
                }
                () = pause(RETRY), if !self.carried.is_empty() || self.ambiguous.is_some() => true,
            };
            if !open {
                break;
            }
            if messages.iter().all(is_unattended) && !messages.is_empty() {
                pause(GATHER).await;
                gather(&mut queue, &mut messages);
            } else {
                // The cost of a group hardly depends on its size: runnable callers may join it, and a
                // single caller does not wait.
                loop {
                    tokio::task::yield_now().await;
                    if !gather(&mut queue, &mut messages) {
                        break;
                    }
                }
            }
            self.process(&mut messages, &mut closing).await;
        }
        queue.close();
        while queue.recv_many(&mut messages, GROUP).await > 0 {
            self.process(&mut messages, &mut closing).await;
        }
        self.commit(Vec::new()).await;
        self.exporter.finish(&mut self.db).await;
        if let Err(error) = self.db.close().await {
            tracing::error!(%error, "the database did not close cleanly");
        }
        for closed in closing {
            let _ = closed.send(());
        }
    }

    async fn process(&mut self, messages: &mut Vec<Message>, closing: &mut Vec<oneshot::Sender<()>>) {
        let mut calls = Vec::with_capacity(messages.len());
        let mut resolving = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Commit(commit, reply) => calls.push((commit, reply)),
                Message::ResolveAmbiguous(reply) => resolving.push(reply),
                Message::Close(closed) => closing.push(closed),
            }
        }
        self.commit(calls).await;
        for reply in resolving {
            let _ = reply.send(self.ambiguous.is_none());
        }
        self.exporter.step(&mut self.db).await;
    }

    /// Commits a group and answers its callers.
    async fn commit(&mut self, calls: Vec<Call>) {
        if let Err(error) = self.resolve_ambiguous().await {
            return self.fail(&error.with_causes(), calls);
        }
        if calls.is_empty() && self.carried.is_empty() && self.memory.clock().guard_state().is_none() {
            return;
        }
        let mut results = Vec::with_capacity(calls.len());
        match self.write(&calls, &mut results).await {
            Ok(group) => self.apply(group, calls, results),
            Err(CommitFailure::NotWritten(error)) => self.fail(&error, calls),
            Err(CommitFailure::Ambiguous(error, group)) => {
                tracing::error!(%error, "a COMMIT failed; querying the database whether it was written");
                self.ambiguous = Some(AmbiguousCommit { group, calls, results });
                self.is_ambiguous.store(true, Ordering::Release);
                if let Err(error) = self.resolve_ambiguous().await {
                    self.report_ambiguous(&error);
                }
            }
        }
    }

    /// Queries whether the group of the ambiguous commit was written, and applies it or fails its calls.
    async fn resolve_ambiguous(&mut self) -> Result<()> {
        if self.ambiguous.is_none() {
            return Ok(());
        }
        let found = self.source.query_position(&mut self.db).await?;
        let Some(AmbiguousCommit { group, calls, results }) = self.ambiguous.take() else { return Ok(()) };
        if found == group.position {
            tracing::warn!("the group whose COMMIT failed was written to the database");
            self.apply(group, calls, results);
        } else if found == self.position {
            self.fail(&"the group whose COMMIT failed was not written to the database", calls);
        } else {
            self.ambiguous = Some(AmbiguousCommit { group, calls, results });
            return Err(Error::internal("another process changed the database"));
        }
        self.is_ambiguous.store(false, Ordering::Release);
        Ok(())
    }

    /// Applies a written group to memory, and answers its callers.
    fn apply(&mut self, group: Group, calls: Vec<Call>, results: Vec<Result<()>>) {
        self.failing.store(false, Ordering::Relaxed);
        self.carried.clear();
        self.position = group.position;
        self.shown_head.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.position.head);
        self.trimmed = group.trimmed.unwrap_or(self.trimmed);
        if let Some((kept, turns)) = group.time {
            self.high_water_mark = Some(kept);
            self.memory.clock().acknowledge_changes(turns);
        }
        self.memory.apply(group.changes);
        self.memory.usage().add(group.usage);
        for ((_, reply), result) in calls.into_iter().zip(results) {
            match (reply, result) {
                // Sending fails only if the caller was dropped.
                (Some(reply), result) => drop(reply.send(result)),
                (None, Ok(())) => {}
                (None, Err(error)) => {
                    tracing::error!(error = %error.with_causes(), "an audit record was rejected")
                }
            }
        }
        self.exporter.offer(group.records);
    }

    /// Fails the calls of a group that was not written.
    fn fail(&mut self, error: &dyn std::fmt::Display, calls: Vec<Call>) {
        tracing::error!(%error, "the database failed; calls fail until it recovers");
        self.failing.store(true, Ordering::Relaxed);
        for (commit, reply) in calls {
            match reply {
                Some(reply) => drop(reply.send(Err(Error::internal("the record could not be written")))),
                None => self.carried.extend(commit.record),
            }
        }
    }

    /// Answers the callers of the ambiguous commit while it cannot be resolved.
    fn report_ambiguous(&mut self, error: &Error) {
        tracing::error!(error = %error.with_causes(), "it is unknown whether the last calls were recorded; the query is retried");
        self.failing.store(true, Ordering::Relaxed);
        let Some(doubt) = &mut self.ambiguous else { return };
        for (commit, reply) in &mut doubt.calls {
            if let Some(reply) = reply.take() {
                // The caller receives an error: if the record was not written, it must not be written later.
                commit.record = None;
                drop(reply.send(Err(Error::internal("it is unknown whether the record was written"))));
            }
        }
    }

    /// Writes a group in one transaction. Adds one result per call to `results`.
    async fn write(
        &mut self,
        calls: &[Call],
        results: &mut Vec<Result<()>>,
    ) -> std::result::Result<Group, CommitFailure<Group>> {
        let exported = self.exporter.exported();
        let trim = exported >= self.trimmed + TRIM;
        let mut group = Group { position: self.position.clone(), ..Group::default() };
        let time = self.memory.clock().guard_state();
        let time_is_due = time.as_ref().is_some_and(|(kept, turns)| {
            !turns.is_empty() || high_water_mark::is_due(self.high_water_mark.as_ref(), kept)
        });
        if !trim && !time_is_due && calls.iter().all(|(commit, _)| commit.is_record_only()) {
            // A single statement is a transaction of its own, and avoids the round trips to SQLite's thread
            // for BEGIN, the group counter and COMMIT.
            results.extend(calls.iter().map(|_| Ok(())));
            let records = calls.iter().filter_map(|(commit, _)| commit.record.as_ref());
            group.record(&self.memory, self.carried.iter().chain(records));
            let inserted =
                outbox::insert(&mut self.db, &group.records, &group.position.head, &group.usage).await;
            return match inserted.and_then(|()| fault()) {
                Ok(()) => Ok(group),
                Err(error) => Err(CommitFailure::Ambiguous(error, group)),
            };
        }
        let mut db = self.db.begin_with("BEGIN IMMEDIATE").await?;
        for (commit, _) in calls {
            let staged = match commit.is_record_only() {
                true => Ok(()),
                false => stage(&mut db, &self.memory, &mut group.changes, commit).await,
            };
            results.push(match staged {
                Ok(()) => Ok(()),
                Err(Failure::Refused(error)) => Err(error),
                Err(Failure::Database(error)) => return Err(error.into()),
            });
        }
        let accepted = calls.iter().zip(&*results).filter(|(_, result)| result.is_ok());
        let records = accepted.filter_map(|((commit, _), _)| commit.record.as_ref());
        group.record(&self.memory, self.carried.iter().chain(records));
        let trim = trim && !group.records.is_empty();
        if trim {
            let usage = outbox::trim(&mut db, exported).await?;
            for (counter, calls) in &usage.calls {
                statements::add_reading(&mut db, counter, *calls).await?;
            }
            for (version, used) in usage.used_versions() {
                statements::add_version_use(&mut db, version, used).await?;
            }
        }
        outbox::insert(&mut db, &group.records, &group.position.head, &group.usage).await?;
        if let Some((kept, turns)) = time {
            group.add_clock_events(&self.memory, &turns);
            let kept =
                self.memory.clock().state_if_released().filter(|_| group.changes.released).unwrap_or(kept);
            high_water_mark::write(&mut db, &kept).await?;
            group.time = Some((kept, turns.len()));
        }
        group.position.groups += 1;
        ambiguous_commit::write(&mut db, group.position.groups).await?;
        if let Some(newest) = group.changes.events.last() {
            let trimmed = self.memory.events().trimmed(newest.sequence);
            event_log::write(&mut db, &group.changes.events, trimmed).await?;
        }
        group.trimmed = trim.then_some(exported);
        match db.commit().await.and_then(|()| fault()) {
            Ok(()) => Ok(group),
            Err(error) => Err(CommitFailure::Ambiguous(error, group)),
        }
    }
}

impl Group {
    /// Chains the records of the group, and counts them for metering.
    fn record<'a>(&mut self, memory: &Memory, records: impl Iterator<Item = &'a AuditRecord>) {
        let known = memory.usage();
        let mut at = None;
        for record in records {
            let at = *at.get_or_insert(record.at);
            let head = &mut self.position.head;
            let line = head.link(&record.body);
            self.records.push(ExportedRecord { seq: head.seq, at, line });
            let container = record.container.as_ref().and_then(|container| self.canonical(memory, container));
            self.usage.count(container, record.event, record.meter, record.at, record.count);
            if let Some(version) = &record.version {
                self.usage.record_use(version, record.at, &known);
            }
        }
    }

    /// Adds the lifecycle events of the clock guard.
    fn add_clock_events(&mut self, memory: &Memory, turns: &[ClockStatusChange]) {
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

/// Writes the changes of one commit in a savepoint, which is rolled back if one of them fails.
async fn stage(
    db: &mut sqlx::Transaction<'_, Sqlite>,
    memory: &Memory,
    group: &mut ChangeSet,
    commit: &Commit,
) -> std::result::Result<(), Failure> {
    let mut savepoint = db.begin().await.map_err(Failure::Database)?;
    let mut transaction = Transaction::new(memory, group).under(commit.rules);
    // When the call arrived; commits without a call, such as those at start-up, use the current time.
    let at = commit.record.as_ref().map_or_else(|| memory.now(), |record| record.at);
    match apply(&mut savepoint, &mut transaction, commit, at).await {
        Ok(()) => {
            savepoint.commit().await.map_err(Failure::Database)?;
            let changes = transaction.into_changes();
            group.absorb(changes);
            Ok(())
        }
        Err(failure) => {
            savepoint.rollback().await.map_err(Failure::Database)?;
            Err(failure)
        }
    }
}

async fn apply(
    db: &mut SqliteConnection,
    transaction: &mut Transaction<'_>,
    commit: &Commit,
    at: Timestamp,
) -> std::result::Result<(), Failure> {
    for change in &commit.changes {
        let events = events::derive(change, transaction);
        transaction.apply(change)?;
        statements::change(db, change, transaction).await?;
        transaction.add_events(at, events);
    }
    if let Some(intent) = &commit.open {
        statements::insert_intent(db, intent).await?;
        transaction.open(intent.clone());
    }
    for id in &commit.close {
        statements::delete_intent(db, *id).await?;
        transaction.close(*id);
    }
    Ok(())
}

/// Receives queued messages, up to a full group. Returns whether there were any.
fn gather(queue: &mut mpsc::Receiver<Message>, messages: &mut Vec<Message>) -> bool {
    let before = messages.len();
    while messages.len() < GROUP
        && let Ok(message) = queue.try_recv()
    {
        messages.push(message);
    }
    messages.len() > before
}

/// Whether no caller waits for the message.
fn is_unattended(message: &Message) -> bool {
    matches!(message, Message::Commit(_, None))
}

#[expect(clippy::disallowed_methods, reason = "the collection of groups and retries use real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Fault injection: the loss of the database's answer after it has written the group. Only tests inject it.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "the version for tests fails")]
const fn fault() -> std::result::Result<(), sqlx::Error> {
    Ok(())
}

#[cfg(test)]
use tests::fault;

#[cfg(test)]
mod tests;
