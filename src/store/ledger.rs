//! The one writer: commits what is waiting in groups, in the order in which it came.
//!
//! A group is one transaction. Its audit records, readings and changes are durable together, or
//! none is and every call of the group fails. A change that is refused takes only its own commit
//! with it. Memory follows the database, and callers are released after memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Acquire as _, Connection as _, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{mpsc, oneshot};

use super::chain::Head;
use super::commit::{Commit, Record};
use super::doubt::{self, Mark, Source, Unwritten};
use super::draft::{Draft, View};
use super::events;
use super::export::Exporter;
use super::memory::Memory;
use super::outbox::{self, ExportedRecord};
use super::statements::{self, Failure};
use super::time_mark;
use super::usage::Usage;
use crate::model::name::HsmName;
use crate::model::time_guard::{Kept, Turn};
use crate::model::{Error, Result, Timestamp};

/// How many commits make a group at most.
pub(super) const GROUP: usize = 512;

/// How long a group is gathered for which nobody waits.
const GATHER: Duration = Duration::from_millis(2);

/// How soon records that nobody waits for are tried again after the database failed.
const RETRY: Duration = Duration::from_secs(1);

/// How many exported records the outbox may hold before they are removed: not with every group.
const TRIM: u64 = 256;

/// What reaches the ledger.
#[expect(clippy::large_enum_variant, reason = "all messages but one are commits")]
pub(super) enum Message {
    /// A commit, and who waits for it, if anybody does.
    Commit(Commit, Option<oneshot::Sender<Result<()>>>),
    /// Find out what was written, and tell whether that is known now.
    Settle(oneshot::Sender<bool>),
    /// Finish what came before and stop.
    Close(oneshot::Sender<()>),
}

type Call = (Commit, Option<oneshot::Sender<Result<()>>>);

/// What a group has become so far.
#[derive(Default)]
pub(super) struct Group {
    draft: Draft,
    /// Where the database is once it has the group.
    mark: Mark,
    records: Vec<ExportedRecord>,
    usage: Usage,
    /// How much of the outbox is removed with it.
    trimmed: Option<u64>,
    /// What is written of the machine's clock, and how many changes of its standing are told.
    time: Option<(Kept, usize)>,
}

/// A group that may have been written although its COMMIT failed.
pub(super) struct Doubt {
    group: Group,
    calls: Vec<Call>,
    results: Vec<Result<()>>,
}

/// The state of the ledger task.
pub(super) struct Ledger {
    pub(super) db: SqliteConnection,
    pub(super) memory: Arc<Memory>,
    /// The last record, for readers.
    pub(super) shown_head: Arc<Mutex<Head>>,
    /// Where the database is asked what it has.
    pub(super) source: Source,
    /// Where the database is, as far as is known.
    pub(super) mark: Mark,
    pub(super) exporter: Exporter,
    /// Set while the database fails: then even those wait who otherwise would not.
    pub(super) failing: Arc<AtomicBool>,
    /// Set while there is a doubt.
    pub(super) doubtful: Arc<AtomicBool>,
    /// The group of which it is not known whether it was written. Nothing else is written before.
    pub(super) doubt: Option<Doubt>,
    /// Records of calls that were answered before a group failed.
    pub(super) carried: Vec<Record>,
    /// How much of the outbox is known to be removed.
    pub(super) trimmed: u64,
    /// What was written last of the machine's clock.
    pub(super) marked: Option<Kept>,
}

impl Ledger {
    /// Runs until it is told to stop or nobody is left to tell it.
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
                () = pause(RETRY), if !self.carried.is_empty() || self.doubt.is_some() => true,
            };
            if !open {
                break;
            }
            if messages.iter().all(is_unattended) && !messages.is_empty() {
                pause(GATHER).await;
                gather(&mut queue, &mut messages);
            } else {
                // A group costs about the same for one and for many: those who are about to come are
                // let in, and who is alone does not wait.
                loop {
                    tokio::task::yield_now().await;
                    if !gather(&mut queue, &mut messages) {
                        break;
                    }
                }
            }
            self.take(&mut messages, &mut closing).await;
        }
        queue.close();
        while queue.recv_many(&mut messages, GROUP).await > 0 {
            self.take(&mut messages, &mut closing).await;
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

    async fn take(&mut self, messages: &mut Vec<Message>, closing: &mut Vec<oneshot::Sender<()>>) {
        let mut calls = Vec::with_capacity(messages.len());
        let mut asking = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Commit(commit, reply) => calls.push((commit, reply)),
                Message::Settle(reply) => asking.push(reply),
                Message::Close(closed) => closing.push(closed),
            }
        }
        self.commit(calls).await;
        for reply in asking {
            let _ = reply.send(self.doubt.is_none());
        }
        self.exporter.step(&mut self.db).await;
    }

    /// Commits a group and releases its callers.
    async fn commit(&mut self, calls: Vec<Call>) {
        if let Err(error) = self.settle().await {
            return self.refuse(&error, calls);
        }
        if calls.is_empty() && self.carried.is_empty() && self.memory.clock().kept().is_none() {
            return;
        }
        let mut results = Vec::with_capacity(calls.len());
        match self.write(&calls, &mut results).await {
            Ok(group) => self.accept(group, calls, results),
            Err(Unwritten::Surely(error)) => self.refuse(&error, calls),
            Err(Unwritten::Perhaps(error, group)) => {
                tracing::error!(%error, "a COMMIT failed; the database is asked what it has");
                self.doubt = Some(Doubt { group, calls, results });
                self.doubtful.store(true, Ordering::Release);
                if let Err(error) = self.settle().await {
                    self.leave_open(&error);
                }
            }
        }
    }

    /// Finds out whether the group in doubt was written, and goes on accordingly.
    async fn settle(&mut self) -> Result<()> {
        if self.doubt.is_none() {
            return Ok(());
        }
        let found = self.source.settle(&mut self.db).await?;
        let Some(Doubt { group, calls, results }) = self.doubt.take() else { return Ok(()) };
        if found == group.mark {
            tracing::warn!("the database has the group whose COMMIT failed");
            self.accept(group, calls, results);
        } else if found == self.mark {
            self.refuse(&"the database does not have the group whose COMMIT failed", calls);
        } else {
            self.doubt = Some(Doubt { group, calls, results });
            return Err(Error::internal("the database was changed by somebody else"));
        }
        self.doubtful.store(false, Ordering::Release);
        Ok(())
    }

    /// Takes over what the database has, and releases the callers.
    fn accept(&mut self, group: Group, calls: Vec<Call>, results: Vec<Result<()>>) {
        self.failing.store(false, Ordering::Relaxed);
        self.carried.clear();
        self.mark = group.mark;
        self.shown_head.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.mark.head);
        self.trimmed = group.trimmed.unwrap_or(self.trimmed);
        if let Some((kept, turns)) = group.time {
            self.marked = Some(kept);
            self.memory.clock().told(turns);
        }
        self.memory.apply(group.draft);
        self.memory.usage().add(group.usage);
        for ((_, reply), result) in calls.into_iter().zip(results) {
            match (reply, result) {
                // A caller who has gone does not read the result.
                (Some(reply), result) => drop(reply.send(result)),
                (None, Ok(())) => {}
                (None, Err(error)) => tracing::error!(%error, "an audit record was refused"),
            }
        }
        self.exporter.offer(group.records);
    }

    /// Refuses calls of which nothing was written.
    fn refuse(&mut self, error: &dyn std::fmt::Display, calls: Vec<Call>) {
        tracing::error!(%error, "the database failed; calls are refused until it recovers");
        self.failing.store(true, Ordering::Relaxed);
        for (commit, reply) in calls {
            match reply {
                Some(reply) => drop(reply.send(Err(Error::internal("the record could not be written")))),
                None => self.carried.extend(commit.record),
            }
        }
    }

    /// Releases those who wait for the group in doubt: what became of it is not known yet.
    fn leave_open(&mut self, error: &Error) {
        tracing::error!(%error, "it is not known whether the last calls were recorded; it is asked again");
        self.failing.store(true, Ordering::Relaxed);
        let Some(doubt) = &mut self.doubt else { return };
        for (commit, reply) in &mut doubt.calls {
            if let Some(reply) = reply.take() {
                // Its caller hears of a failure: if it was not written, it is not written later, either.
                commit.record = None;
                drop(reply.send(Err(Error::internal("it is not known whether the record was written"))));
            }
        }
    }

    /// Writes a group in one transaction. `results` has one result per call afterwards.
    async fn write(
        &mut self,
        calls: &[Call],
        results: &mut Vec<Result<()>>,
    ) -> std::result::Result<Group, Unwritten<Group>> {
        let exported = self.exporter.exported();
        let trim = exported >= self.trimmed + TRIM;
        let mut group = Group { mark: self.mark.clone(), ..Group::default() };
        let time = self.memory.clock().kept();
        let time_is_due = time
            .as_ref()
            .is_some_and(|(kept, turns)| !turns.is_empty() || time_mark::is_due(self.marked.as_ref(), kept));
        if !trim && !time_is_due && calls.iter().all(|(commit, _)| commit.is_record_only()) {
            // One statement is a transaction of its own, and spares the way to SQLite's thread for
            // beginning, counting and committing.
            results.extend(calls.iter().map(|_| Ok(())));
            let records = calls.iter().filter_map(|(commit, _)| commit.record.as_ref());
            group.record(&self.memory, self.carried.iter().chain(records));
            let inserted = outbox::insert(&mut self.db, &group.records, &group.mark.head, &group.usage).await;
            return match inserted.and_then(|()| fault()) {
                Ok(()) => Ok(group),
                Err(error) => Err(Unwritten::Perhaps(error, group)),
            };
        }
        let mut db = self.db.begin_with("BEGIN IMMEDIATE").await?;
        for (commit, _) in calls {
            let staged = match commit.is_record_only() {
                true => Ok(()),
                false => stage(&mut db, &self.memory, &mut group.draft, commit).await,
            };
            results.push(match staged {
                Ok(()) => Ok(()),
                Err(Failure::Refused(error)) => Err(error),
                Err(Failure::Broken(error)) => return Err(error.into()),
            });
        }
        let accepted = calls.iter().zip(&*results).filter(|(_, result)| result.is_ok());
        let records = accepted.filter_map(|((commit, _), _)| commit.record.as_ref());
        group.record(&self.memory, self.carried.iter().chain(records));
        let trim = trim && !group.records.is_empty();
        if trim {
            let Usage { calls, versions } = outbox::trim(&mut db, exported).await?;
            for (counter, calls) in &calls {
                statements::add_reading(&mut db, counter, *calls).await?;
            }
            for (version, used) in &versions {
                statements::add_version_use(&mut db, *version, used).await?;
            }
        }
        outbox::insert(&mut db, &group.records, &group.mark.head, &group.usage).await?;
        if let Some((kept, turns)) = time {
            group.tell(&self.memory, &turns);
            let kept =
                self.memory.clock().kept_if_released().filter(|_| group.draft.released).unwrap_or(kept);
            time_mark::write(&mut db, &kept).await?;
            group.time = Some((kept, turns.len()));
        }
        group.mark.groups += 1;
        doubt::write(&mut db, group.mark.groups).await?;
        if let Some(newest) = group.draft.events.last() {
            let trimmed = self.memory.events().trimmed(newest.sequence);
            events::write(&mut db, &group.draft.events, trimmed).await?;
        }
        group.trimmed = trim.then_some(exported);
        match db.commit().await.and_then(|()| fault()) {
            Ok(()) => Ok(group),
            Err(error) => Err(Unwritten::Perhaps(error, group)),
        }
    }
}

impl Group {
    /// Numbers, chains and counts the records of the group.
    fn record<'a>(&mut self, memory: &Memory, records: impl Iterator<Item = &'a Record>) {
        let known = memory.usage();
        let mut at = None;
        for record in records {
            let at = *at.get_or_insert(record.at);
            let head = &mut self.mark.head;
            let line = head.link(&record.body);
            self.records.push(ExportedRecord { seq: head.seq, at, line });
            let hsm = record.hsm.as_ref().and_then(|hsm| self.canonical(memory, hsm));
            self.usage.count(hsm, record.event, record.meter, record.at);
            if let Some(version) = &record.version {
                self.usage.note(version, record.at, &known);
            }
        }
    }

    /// Adds what there is to tell of the machine's clock.
    fn tell(&mut self, memory: &Memory, turns: &[Turn]) {
        for turn in turns {
            let mut view = View::new(memory, &self.draft);
            let happened = events::turned(&view, *turn);
            view.tell(memory.now(), happened);
            let own = view.into_own();
            self.draft.absorb(own);
        }
    }

    /// The HSM's name as it was made, so that its calls are counted once; `None` if there is none, so
    /// that callers cannot make up things to count.
    fn canonical(&self, memory: &Memory, hsm: &HsmName) -> Option<HsmName> {
        View::new(memory, &self.draft).hsm(hsm).ok().map(|hsm| hsm.name.clone())
    }
}

/// Makes the changes of one commit, or none of them.
async fn stage(
    db: &mut Transaction<'_, Sqlite>,
    memory: &Memory,
    draft: &mut Draft,
    commit: &Commit,
) -> std::result::Result<(), Failure> {
    let mut savepoint = db.begin().await.map_err(Failure::Broken)?;
    let mut view = View::new(memory, draft).under(commit.rules);
    // When the call arrived; what comes without one, such as what a start makes, happens now.
    let at = commit.record.as_ref().map_or_else(|| memory.now(), |record| record.at);
    match apply(&mut savepoint, &mut view, commit, at).await {
        Ok(()) => {
            savepoint.commit().await.map_err(Failure::Broken)?;
            let own = view.into_own();
            draft.absorb(own);
            Ok(())
        }
        Err(failure) => {
            savepoint.rollback().await.map_err(Failure::Broken)?;
            Err(failure)
        }
    }
}

async fn apply(
    db: &mut SqliteConnection,
    view: &mut View<'_>,
    commit: &Commit,
    at: Timestamp,
) -> std::result::Result<(), Failure> {
    for change in &commit.changes {
        let happened = events::of(change, view);
        view.plan(change)?;
        statements::change(db, change, view).await?;
        view.tell(at, happened);
    }
    if let Some(intent) = &commit.open {
        statements::insert_intent(db, intent).await?;
        view.open(intent.clone());
    }
    for id in &commit.close {
        statements::delete_intent(db, *id).await?;
        view.close(*id);
    }
    Ok(())
}

/// Takes what has come; whether anything has.
fn gather(queue: &mut mpsc::Receiver<Message>, messages: &mut Vec<Message>) -> bool {
    let before = messages.len();
    while messages.len() < GROUP
        && let Ok(message) = queue.try_recv()
    {
        messages.push(message);
    }
    messages.len() > before
}

/// Whether nobody waits for the message.
fn is_unattended(message: &Message) -> bool {
    matches!(message, Message::Commit(_, None))
}

#[expect(
    clippy::disallowed_methods,
    reason = "real time: how long a group is gathered, how soon tried again"
)]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// An answer of the database that is lost after it has the group: only tests lose one.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "it fails in tests")]
const fn fault() -> std::result::Result<(), sqlx::Error> {
    Ok(())
}

#[cfg(test)]
use tests::fault;

#[cfg(test)]
mod tests;
