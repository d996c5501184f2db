//! The single writer of the log and of the database: commits queued calls in groups, in order of arrival.
//!
//! A group without changes is appended to the log, which is one write and one flush (group commit). A group with changes is one
//! transaction of the database, which contains its records too; they are appended to the log afterwards, and before anything
//! else. So the log has all records of earlier groups whenever a group is written, and the database has the records that the log
//! may lack. Records and changes become durable together, or every call of the group fails. A rejected change fails only its
//! own commit. Memory is updated after the group is durable, and callers are answered after memory is updated.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::ambiguous_commit::{self, CommitFailure};
use super::answers::Answers;
use super::chain::ChainHead;
use super::change_log::EntryDigest;
use super::change_notices::ChangeNotices;
use super::check::{self, BackgroundCheck};
use super::commit::{AuditRecord, Commit, Committed};
use super::connection::is_lock_timeout;
use super::database::{Database, SqlError};
use super::faults::Faults;
use super::group::Group;
use super::high_water_mark;
use super::instance::InstanceName;
use super::lease::Lease;
use super::ledger_metrics::{GroupKind, LedgerMetrics};
use super::ledger_position::LedgerPosition;
use super::location::Location;
use super::memory::Memory;
use super::record_log::{RecordBatch, RecordLog};
use super::unsaved::Unsaved;
use crate::model::storage_failure::{Outcome, StorageFault, StoragePart};
use crate::model::time_guard::{ClockStatusChange, GuardState};
use crate::model::{Error, Result};

/// The maximum number of commits in a group.
pub(super) const GROUP: usize = 512;

/// The time for which a group without waiting callers is collected.
const GATHER: Duration = Duration::from_millis(2);

/// The interval of retries after the log or the database failed.
const RETRY: Duration = Duration::from_secs(1);

/// A message to the ledger.
#[expect(clippy::large_enum_variant, reason = "all messages but few are commits")]
pub(super) enum Message {
    /// A commit, and the channel of its caller if the caller waits.
    Commit(Commit, Option<oneshot::Sender<Result<Committed>>>),
    /// Resolve an ambiguous commit, and answer whether none is left.
    ResolveAmbiguous(oneshot::Sender<bool>),
    /// Write usage to the database, and answer whether it has counted all records.
    Checkpoint(oneshot::Sender<bool>),
    /// Finish the earlier messages and stop.
    Close(oneshot::Sender<()>),
}

pub(super) type Call = (Commit, Option<oneshot::Sender<Result<Committed>>>);

/// A group whose COMMIT failed but may have been written, and its calls.
pub(super) struct AmbiguousCommit {
    group: Group,
    calls: Vec<Call>,
    results: Vec<Result<Committed>>,
}

/// Messages that are answered after the commits that were received with them.
#[derive(Default)]
struct Waiting {
    resolving: Vec<oneshot::Sender<bool>>,
    checkpoints: Vec<oneshot::Sender<bool>>,
    closing: Vec<oneshot::Sender<()>>,
}

/// The state of the ledger.
pub(super) struct Ledger {
    pub(super) db: Database,
    /// The name of this instance.
    pub(super) instance: InstanceName,
    /// The lease of the work that one instance does for all.
    pub(super) lease: Arc<Lease>,
    pub(super) log: Box<dyn RecordLog>,
    pub(super) memory: Arc<Memory>,
    /// The last record.
    pub(super) head: ChainHead,
    /// The last record, for readers.
    pub(super) shown_head: Arc<Mutex<ChainHead>>,
    /// Where the database is, to connect again after a failure.
    pub(super) location: Location,
    /// The last known position of the database.
    pub(super) database: LedgerPosition,
    /// The last entry of the log of changes that this instance has applied or written.
    pub(super) last_entry: Option<EntryDigest>,
    /// What the records after the position of the database count.
    pub(super) unsaved: Unsaved,
    /// Records that the database has and the log lacks. Nothing else is written before them.
    pub(super) missing: Option<RecordBatch>,
    /// Whether the log may contain parts of records whose append failed.
    pub(super) append_failed: bool,
    /// The faults of the log and of the database.
    pub(super) faults: Arc<Faults>,
    /// Set while a commit is ambiguous.
    pub(super) is_ambiguous: Arc<AtomicBool>,
    /// The ambiguous commit. No other group is written until it is resolved.
    pub(super) ambiguous: Option<AmbiguousCommit>,
    /// The check of the structure of the database, if one was started.
    pub(super) check: Option<BackgroundCheck>,
    /// Records of calls that were answered before their group failed.
    pub(super) carried: Vec<AuditRecord>,
    /// The last written high-water mark of the clock.
    pub(super) high_water_mark: Option<GuardState>,
    /// The sequence number of the last record whose usage the database has counted, for readers.
    pub(super) counted: Arc<AtomicU64>,
    /// Tells of the changes of other instances, if there can be any.
    pub(super) notices: Option<ChangeNotices>,
    /// The number of groups of the database, for readers.
    pub(super) groups: Arc<AtomicU64>,
    pub(super) metrics: LedgerMetrics,
    /// When it was found out last whether what had failed can be used again.
    pub(super) probed: Instant,
    /// The number of messages of the group before.
    pub(super) last_group: usize,
    /// Answers the callers of durable groups.
    pub(super) answers: Answers<Result<Committed>>,
}

impl Ledger {
    /// Runs until it receives `Close` or all senders are dropped.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(GROUP);
        let mut closing = Vec::new();
        while closing.is_empty() {
            let due = self.due_in();
            let open = tokio::select! {
                biased;
                count = queue.recv_many(&mut messages, GROUP) => count > 0,
                () = heard(self.notices.as_ref()), if self.notices.is_some() => true,
                () = pause(due.unwrap_or_default()), if due.is_some() => true,
            };
            if !open {
                break;
            }
            if messages.iter().all(is_unattended) && !messages.is_empty() {
                pause(GATHER).await;
                gather(&mut queue, &mut messages);
            } else if self.last_group > 1 {
                // Calls run at the same time: threads that are about to commit do so first, and join the group.
                std::thread::yield_now();
                gather(&mut queue, &mut messages);
            }
            self.last_group = messages.len();
            self.process(&mut messages, &mut closing).await;
        }
        queue.close();
        while queue.recv_many(&mut messages, GROUP).await > 0 {
            self.process(&mut messages, &mut closing).await;
        }
        self.commit(Vec::new()).await;
        self.checkpoint().await;
        if let Some(check) = self.check.take() {
            check.end();
        }
        if let Err(error) = self.lease.release(&mut self.db, &self.instance).await {
            tracing::debug!(%error, "the lease was not released");
        }
        let is_sound = self.ambiguous.is_none() && self.faults.current().is_none();
        let closed = self.db.close().await;
        match closed.map(|()| is_sound.then(|| check::leave_digest(&self.location))) {
            Ok(None | Some(Ok(()))) => {}
            Ok(Some(Err(error))) => tracing::warn!(%error, "the digest of the database could not be written"),
            Err(error) => tracing::error!(%error, "the database did not close cleanly"),
        }
        for closed in closing {
            let _ = closed.send(());
        }
    }

    /// The time after which something must be done although no message arrives.
    fn due_in(&self) -> Option<Duration> {
        let retry = !self.carried.is_empty()
            || self.ambiguous.is_some()
            || self.missing.is_some()
            || self.append_failed
            || self.faults.any();
        if retry {
            return Some(RETRY);
        }
        let shared = self.notices.as_ref().map(|notices| notices.interval().min(self.lease.due_in()));
        shared.into_iter().chain(self.unsaved.due_in()).min()
    }

    async fn process(&mut self, messages: &mut Vec<Message>, closing: &mut Vec<oneshot::Sender<()>>) {
        let mut calls = Vec::with_capacity(messages.len());
        let mut waiting = Waiting::default();
        let is_idle = messages.is_empty();
        for message in messages.drain(..) {
            match message {
                Message::Commit(commit, reply) => calls.push((commit, reply)),
                Message::ResolveAmbiguous(reply) => waiting.resolving.push(reply),
                Message::Checkpoint(reply) => waiting.checkpoints.push(reply),
                Message::Close(closed) => waiting.closing.push(closed),
            }
        }
        // While calls arrive, a file is probed by them. A lost session of a server is not replaced by calls.
        if self.faults.any() && self.probed.elapsed() >= RETRY && (is_idle || self.db.is_shared()) {
            self.probe().await;
            self.probed = Instant::now();
        } else if is_idle && self.db.is_shared() && !self.faults.any() {
            self.follow_idle().await;
        }
        self.commit(calls).await;
        for reply in waiting.resolving {
            let _ = reply.send(self.ambiguous.is_none());
        }
        let records = self.head.seq.saturating_sub(self.database.head.seq);
        if self.unsaved.is_due(records) || !waiting.checkpoints.is_empty() {
            self.checkpoint().await;
        }
        for reply in waiting.checkpoints {
            let _ = reply.send(self.database.head == self.head);
        }
        self.keep_lease().await;
        self.groups.store(self.database.groups, Ordering::Relaxed);
        closing.extend(waiting.closing);
    }

    /// Commits a group and answers its callers.
    async fn commit(&mut self, calls: Vec<Call>) {
        if let Err((part, error)) = self.recover().await {
            return self.fail(part, &error, Outcome::NotDone, calls);
        }
        let time = self.memory.clock().guard_state();
        let step = if self.db.is_shared() { high_water_mark::SHARED_STEP } else { high_water_mark::STEP };
        let is_due = time.as_ref().is_some_and(|(kept, turns)| {
            !turns.is_empty() || high_water_mark::is_due(self.high_water_mark.as_ref(), kept, step)
        });
        if calls.is_empty() && self.carried.is_empty() && !is_due {
            return;
        }
        let changes_nothing = calls.iter().all(|(commit, _)| commit.is_record_only());
        if changes_nothing && !is_due {
            return match self.db.is_shared() {
                true => self.append_shared(calls).await,
                false => self.append(calls),
            };
        }
        self.commit_group(calls, time).await;
    }

    /// Commits a group in a transaction of the database, and answers its callers.
    async fn commit_group(&mut self, calls: Vec<Call>, time: Option<(GuardState, Vec<ClockStatusChange>)>) {
        let mut results = Vec::with_capacity(calls.len());
        match self.write(&calls, &mut results, time).await {
            Ok(group) => self.apply_written(group, calls, results),
            Err(CommitFailure::NotWritten(error)) if is_lock_timeout(&error) => {
                // Another instance has stopped in a transaction, which the server ends soon. The database can be used.
                tracing::warn!("another instance holds the lock of the database for too long");
                self.answer_failed(StoragePart::Database, StorageFault::Failing, Outcome::NotDone, calls);
            }
            Err(CommitFailure::NotWritten(error)) => {
                self.fail(StoragePart::Database, &error, Outcome::NotDone, calls);
            }
            Err(CommitFailure::Ambiguous(error, group)) => {
                self.begin_ambiguous(&error, AmbiguousCommit { group, calls, results }).await;
            }
        }
    }

    /// Ends what an earlier failure has left: an ambiguous commit, an incomplete append, records that the log lacks.
    async fn recover(&mut self) -> std::result::Result<(), (StoragePart, Error)> {
        self.resolve_ambiguous().await.map_err(|error| (StoragePart::Database, error))?;
        let failed = |error| Error::internal_caused_by("the audit log cannot be written", error);
        self.complete_log().map_err(|error| (StoragePart::AuditLog, failed(error)))
    }

    /// Removes an incomplete append, and appends the records that only the database has.
    fn complete_log(&mut self) -> std::io::Result<()> {
        if self.append_failed {
            self.log.discard_failed()?;
            self.append_failed = false;
        }
        if let Some(missing) = &self.missing {
            let appended = self.log.append(missing);
            self.append_failed = appended.is_err();
            appended?;
            self.missing = None;
        }
        Ok(())
    }

    /// Appends the records of a group without changes to the log, and answers its callers.
    fn append(&mut self, calls: Vec<Call>) {
        let started = Instant::now();
        let position = LedgerPosition { groups: self.database.groups, head: self.head.clone() };
        let mut group = Group::after(position);
        let records: Vec<&AuditRecord> = self
            .carried
            .iter()
            .chain(calls.iter().filter_map(|(commit, _)| commit.record.as_ref()))
            .collect();
        group.record(&self.memory, &records);
        if let Some(records) = &group.records
            && let Err(error) = self.log.append(records)
        {
            self.append_failed = true;
            // The callers are answered when the log cannot contain their records any more.
            return match self.complete_log() {
                Ok(()) => self.fail(StoragePart::AuditLog, &error, Outcome::NotDone, calls),
                Err(second) => {
                    tracing::debug!(error = %second, "the incomplete records could not be removed");
                    self.fail(StoragePart::AuditLog, &error, Outcome::Unknown, calls);
                }
            };
        }
        self.metrics.written(GroupKind::Append, group.position.head.seq - self.head.seq, started);
        self.faults.end(StoragePart::AuditLog);
        self.unsaved.add(group.usage.clone());
        let results = calls.iter().map(|_| Ok(Committed::Done)).collect();
        self.apply(group, calls, results);
    }

    /// Writes usage to the database, which has counted all records afterwards. A failure is logged, and fails no call.
    async fn checkpoint(&mut self) {
        if self.unsaved.usage.is_empty() || self.recover().await.is_err() {
            return;
        }
        let time = self.memory.clock().guard_state();
        match self.write(&[], &mut Vec::new(), time).await {
            Ok(group) => self.apply_written(group, Vec::new(), Vec::new()),
            Err(CommitFailure::NotWritten(error)) => {
                self.faults.begin(StoragePart::Database, &error);
                self.unsaved.postpone();
            }
            Err(CommitFailure::Ambiguous(error, group)) => {
                let (calls, results) = Default::default();
                self.begin_ambiguous(&error, AmbiguousCommit { group, calls, results }).await;
            }
        }
    }

    async fn begin_ambiguous(&mut self, error: &SqlError, doubt: AmbiguousCommit) {
        // The database is queried whether the group was written.
        self.faults.begin(StoragePart::Database, error);
        self.ambiguous = Some(doubt);
        self.is_ambiguous.store(true, Ordering::Release);
        if let Err(error) = self.resolve_ambiguous().await {
            self.report_ambiguous(&error);
        }
    }

    /// Queries whether the group of the ambiguous commit was written, and applies it or fails its calls.
    async fn resolve_ambiguous(&mut self) -> Result<()> {
        if self.ambiguous.is_none() {
            return Ok(());
        }
        self.location.reconnect(&mut self.db, &self.instance).await?;
        let Some(doubt) = &self.ambiguous else { return Ok(()) };
        let group = (&self.database, &doubt.group);
        let written = ambiguous_commit::was_written(&mut self.db, &self.instance, group).await;
        let written = written.inspect_err(|_| self.db.abandon())?;
        let Some(AmbiguousCommit { group, calls, results }) = self.ambiguous.take() else { return Ok(()) };
        if written {
            tracing::warn!("the group whose COMMIT failed was written to the database");
            match group.position.groups == self.database.groups {
                true => self.apply_appended(group, calls, results),
                false => self.apply_written(group, calls, results),
            }
        } else {
            self.fail_unwritten(calls);
        }
        self.is_ambiguous.store(false, Ordering::Release);
        Ok(())
    }

    /// Appends the records of a group that is in the database to the log, applies the group and answers its callers. If the
    /// log fails, no group is written before it has the records.
    fn apply_written(&mut self, group: Group, calls: Vec<Call>, results: Vec<Result<Committed>>) {
        self.database = group.position.clone();
        self.last_entry = group.entry;
        self.counted.store(self.database.head.seq, Ordering::Relaxed);
        self.unsaved.clear();
        self.complete_and_apply(group, calls, results);
    }

    fn complete_and_apply(&mut self, mut group: Group, calls: Vec<Call>, results: Vec<Result<Committed>>) {
        self.missing = group.records.take();
        self.faults.end(StoragePart::Database);
        match self.complete_log() {
            Ok(()) => self.faults.end(StoragePart::AuditLog),
            // The records stay in the database until the log has them.
            Err(error) => drop(self.faults.begin(StoragePart::AuditLog, &error)),
        }
        self.apply(group, calls, results);
    }

    /// Applies a durable group to memory, and answers its callers.
    fn apply(&mut self, group: Group, calls: Vec<Call>, results: Vec<Result<Committed>>) {
        self.carried.clear();
        self.head = group.position.head;
        self.shown_head.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.head);
        if let Some((kept, turns)) = group.time {
            self.high_water_mark = Some(kept);
            self.memory.clock().acknowledge_changes(turns);
        }
        self.memory.apply(group.changes);
        self.memory.usage().add(group.usage);
        let mut answers = Vec::with_capacity(calls.len());
        for ((_, reply), result) in calls.into_iter().zip(results) {
            match (reply, result) {
                (Some(reply), result) => answers.push((reply, result)),
                (None, Ok(_)) => {}
                (None, Err(error)) => {
                    tracing::error!(error = %error.with_causes(), "an audit record was rejected")
                }
            }
        }
        self.answers.send(answers);
    }
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

/// Waits for a notification of changes.
async fn heard(notices: Option<&ChangeNotices>) {
    match notices {
        Some(notices) => notices.heard().await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "the collection of groups and retries use real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Fault injection: the loss of the database's answer after it has written the group. Only tests inject it.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "the version for tests fails")]
const fn fault() -> std::result::Result<(), SqlError> {
    Ok(())
}

#[cfg(test)]
use tests::fault;

mod failures;
mod shared;
mod takeover;
#[cfg(test)]
mod tests;
mod write;
