//! Tests of failures of the database and of the log, and of crashes between all steps of a group.

mod crashes;
mod instances;
#[path = "../../tests/fixture/server.rs"]
mod server;
mod servers;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use uuid::Uuid;

use crate::database::SqlError;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange, Intent, IntentVerb};
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::storage_failure::Outcome;
use crate::model::{Error, Result};
use crate::{AuditRecord, Commit, Durability, Location, Options, RecordBatch, RecordLog, Store};

use crate::test_database::{self as database, TestDatabase};

type Hook = Box<dyn FnOnce() + Send>;

/// Runs when the next answer of the database is lost.
static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

/// Loses the answer of the database, if a test has set a hook.
pub(super) fn fault() -> std::result::Result<(), SqlError> {
    match HOOK.lock().unwrap().take() {
        Some(hook) => {
            hook();
            Err(SqlError::WorkerCrashed)
        }
        None => Ok(()),
    }
}

fn lose_the_next_answer(hook: impl FnOnce() + Send + 'static) {
    *HOOK.lock().unwrap() = Some(Box::new(hook));
}

/// What a log does with appended records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// Fails before anything is written.
    Full,
    /// Fails after everything is written.
    NotFlushed,
    /// Fails after everything is written, and cannot remove it.
    NotRemoved,
}

/// Called with the name of a step, and the lines that are in the log.
type StepHook = Box<dyn FnMut(&'static str, &[String]) + Send>;

/// A log in memory. What a failed append has written stays until it is removed.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<LogState>>);

#[derive(Default)]
struct LogState {
    lines: Vec<String>,
    /// The number of lines that are durable.
    appended: usize,
    fault: Option<Fault>,
    /// Called before and after records are written.
    hook: Option<StepHook>,
}

impl Log {
    fn state(&self) -> std::sync::MutexGuard<'_, LogState> {
        self.0.lock().unwrap()
    }

    fn fail(&self, fault: impl Into<Option<Fault>>) {
        self.state().fault = fault.into();
    }

    /// The sequence numbers of the records, and the numbers of their calls.
    fn records(&self) -> (Vec<u64>, Vec<u64>) {
        self.state().lines.iter().map(|line| numbers(line)).unzip()
    }
}

/// What is known of a commit that failed because the storage does.
fn outcome(answer: Result<()>) -> Option<Outcome> {
    match answer {
        Err(Error::StorageFailed(failure)) => Some(failure.outcome),
        _ => None,
    }
}

/// The sequence number of a record, and the number of its call.
fn numbers(line: &str) -> (u64, u64) {
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    (record["seq"].as_u64().unwrap(), record["call"].as_u64().unwrap())
}

impl RecordLog for Log {
    fn last(&self) -> (u64, String) {
        let state = self.state();
        let last = |line: &String| (numbers(line).0, crate::chain::link_of(line).unwrap().to_owned());
        state.lines.last().map(last).unwrap_or_default()
    }

    fn read_after(&mut self, after: u64, visit: &mut dyn FnMut(&str)) -> std::io::Result<()> {
        self.state().lines.iter().filter(|line| numbers(line).0 > after).for_each(|line| visit(line));
        Ok(())
    }

    fn append(&mut self, batch: &RecordBatch) -> std::io::Result<()> {
        let mut guard = self.state();
        let state = &mut *guard;
        assert_eq!(state.lines.len(), state.appended, "an append was not removed");
        if state.fault == Some(Fault::Full) {
            return Err(std::io::Error::other("no space"));
        }
        for (step, line) in std::iter::once("append begins")
            .chain(std::iter::repeat("a record is written"))
            .zip(batch.lines.lines())
        {
            if let Some(hook) = &mut state.hook {
                hook(step, &state.lines);
            }
            state.lines.push(line.to_owned());
        }
        if let Some(hook) = &mut state.hook {
            hook("append ends", &state.lines);
        }
        if state.fault.is_some() {
            return Err(std::io::Error::other("not flushed"));
        }
        state.appended = state.lines.len();
        Ok(())
    }

    fn discard_failed(&mut self) -> std::io::Result<()> {
        let mut state = self.state();
        if state.fault == Some(Fault::NotRemoved) {
            return Err(std::io::Error::other("not removed"));
        }
        let appended = state.appended;
        state.lines.truncate(appended);
        Ok(())
    }

    fn probe(&mut self) -> std::io::Result<()> {
        match self.state().fault {
            Some(_) => Err(std::io::Error::other("no space")),
            None => Ok(()),
        }
    }
}

/// A database, and a log in memory.
struct Site {
    database: TestDatabase,
    log: Log,
    durability: Durability,
}

impl Site {
    /// A file of SQLite.
    fn new(durability: Durability) -> Self {
        Self { database: TestDatabase::file(), log: Log::default(), durability }
    }

    /// A database of each engine.
    async fn of_each_engine(durability: Durability) -> Vec<Self> {
        let databases = TestDatabase::of_each_engine().await;
        databases.into_iter().map(|database| Self { database, log: Log::default(), durability }).collect()
    }

    fn path(&self) -> PathBuf {
        self.database.path()
    }

    async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    async fn try_open(&self) -> Result<Store> {
        let options = Options { durability: self.durability, ..Options::default() };
        Store::open(self.database.location(), Vec::new(), options, Box::new(self.log.clone())).await
    }

    fn exported(&self) -> (Vec<u64>, Vec<u64>) {
        self.log.records()
    }
}

/// The number of counted calls.
fn counted(store: &Store) -> u64 {
    let all = crate::model::billing::Period { from: Timestamp::MIN, to: Timestamp::MAX };
    store.readings(all).iter().map(|reading| reading.calls).sum()
}

fn record(call: u64) -> AuditRecord {
    AuditRecord {
        at: Timestamp::UNIX_EPOCH,
        container: None,
        event: "Test",
        meter: Meter::Free,
        count: 1,
        version: None,
        body: format!("{{\"operationName\":\"Test\",\"call\":{call}}}"),
    }
}

fn id(number: u64) -> SubscriptionId {
    SubscriptionId(Uuid::from_u128(number.into()))
}

/// A call that creates a subscription with this number.
fn call(number: u64) -> Commit {
    let (id, tenant, name) = (id(number), Uuid::nil(), number.to_string());
    let subscription = Subscription { id, name, tenant, protected: false };
    let changes = vec![Change::Control(ControlChange::PutSubscription(subscription))];
    Commit { changes, record: Some(record(number)), ..Commit::default() }
}

/// A call without changes.
fn only_a_record(number: u64) -> Commit {
    Commit { record: Some(record(number)), ..Commit::default() }
}

fn has(store: &Store, number: u64) -> bool {
    store.subscription(id(number)).is_some()
}

#[tokio::test]
async fn group_written_despite_commit_error_is_applied() {
    for site in Site::of_each_engine(Durability::Request).await {
        let store = site.open().await;
        store.commit(call(1)).await.unwrap();
        lose_the_next_answer(|| {});
        assert_eq!(store.commit(call(2)).await, Ok(()));
        assert!(has(&store, 2));
        store.commit(only_a_record(3)).await.unwrap();
        lose_the_next_answer(|| {});
        assert_eq!(store.commit(call(4)).await, Ok(()));
        store.resolve_ambiguous_commits().await.unwrap();
        store.close().await;
        assert_eq!(site.exported(), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));

        let store = site.open().await;
        assert!([1, 2, 4].into_iter().all(|number| has(&store, number)));
        store.close().await;
    }
}

#[tokio::test]
async fn ambiguous_commit_blocks_writes_until_resolved() {
    let site = Site::new(Durability::Request);
    let store = site.open().await;
    let intent = Intent {
        id: Uuid::from_u128(9),
        container: "pay".parse().unwrap(),
        verb: IntentVerb::Create,
        objects: Vec::new(),
    };
    store.commit(Commit { open: Some(intent.clone()), ..Commit::default() }).await.unwrap();
    let (path, away) = (site.path(), site.path().with_extension("away"));
    let (from, to) = (path.clone(), away.clone());
    lose_the_next_answer(move || std::fs::rename(from, to).unwrap());
    let concluding = Commit { close: vec![intent.id], ..call(1) };
    assert_eq!(outcome(store.commit(concluding).await), Some(Outcome::Unknown));
    assert!(matches!(store.resolve_ambiguous_commits().await, Err(Error::Internal(_))));
    assert_eq!(outcome(store.commit(call(2)).await), Some(Outcome::NotDone), "it was not written");
    assert_eq!((has(&store, 1), store.intents().len()), (false, 1));

    std::fs::rename(away, path).unwrap();
    store.resolve_ambiguous_commits().await.unwrap();
    assert_eq!((has(&store, 1), has(&store, 2), store.intents().len()), (true, false, 0));
    store.commit(call(3)).await.unwrap();
    store.close().await;
    assert_eq!(site.exported(), (vec![1, 2], vec![1, 3]));
    let store = site.open().await;
    assert!(has(&store, 1) && !has(&store, 2) && has(&store, 3));
    store.close().await;
}

#[tokio::test]
async fn ambiguous_checkpoint_counts_usage_exactly_once() {
    for site in Site::of_each_engine(Durability::Request).await {
        let store = site.open().await;
        for number in 1..=3 {
            store.commit(only_a_record(number)).await.unwrap();
        }
        lose_the_next_answer(|| {});
        store.checkpoint().await.unwrap();
        store.commit(only_a_record(4)).await.unwrap();
        store.checkpoint().await.unwrap();
        assert_eq!(counted(&store), 4);
        store.close().await;
        let store = site.open().await;
        assert_eq!(counted(&store), 4);
        store.close().await;
    }
}

#[tokio::test]
async fn relaxed_records_are_written_exactly_once() {
    for site in Site::of_each_engine(Durability::Relaxed).await {
        let store = site.open().await;
        for number in 1..=20 {
            match number % 5 {
                0 => site.log.fail([Fault::Full, Fault::NotFlushed, Fault::NotRemoved][number as usize % 3]),
                1 => site.log.fail(None),
                _ => {}
            }
            // While the log fails, callers wait, and their calls fail; the calls answered before are carried over.
            let _ = store.commit(only_a_record(number)).await;
        }
        site.log.fail(None);
        store.commit(call(21)).await.unwrap();
        store.close().await;
        let (sequence, calls) = site.exported();
        assert_eq!(sequence, (1..=calls.len() as u64).collect::<Vec<_>>());
        assert!(calls.is_sorted_by(|one, next| one < next) && calls.ends_with(&[21]), "{calls:?}");
        assert_eq!(counted(&site.open().await), calls.len() as u64);
    }
}

#[tokio::test]
async fn failed_append_fails_its_calls_and_leaves_no_record() {
    let site = Site::new(Durability::Request);
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    for (number, fault, is_unknown) in
        [(2, Fault::Full, false), (3, Fault::NotFlushed, false), (4, Fault::NotRemoved, true)]
    {
        site.log.fail(fault);
        let found = outcome(store.commit(only_a_record(number)).await);
        assert_eq!(found, Some(if is_unknown { Outcome::Unknown } else { Outcome::NotDone }), "{fault:?}");
        let expected = if is_unknown { vec![1, number] } else { vec![1] };
        assert_eq!(site.exported().1, expected, "{fault:?}");
    }
    // What may be in the log must be removed first, also before changes.
    assert!(store.commit(only_a_record(5)).await.is_err() && store.commit(call(6)).await.is_err());
    assert!(!has(&store, 6));
    site.log.fail(None);
    store.commit(only_a_record(7)).await.unwrap();
    store.close().await;
    assert_eq!(site.exported(), (vec![1, 2], vec![1, 7]));
    assert_eq!(counted(&site.open().await), 2);
}

#[tokio::test]
async fn records_of_changes_stay_in_the_database_while_the_log_fails() {
    for site in Site::of_each_engine(Durability::Request).await {
        let store = site.open().await;
        site.log.fail(Fault::Full);
        store.commit(call(1)).await.unwrap();
        assert!(has(&store, 1), "the change and its record are in the database");
        assert!(store.commit(call(2)).await.is_err() && store.commit(only_a_record(3)).await.is_err());
        store.close().await;
        assert_eq!(site.exported(), (vec![], vec![]));
        assert!(site.try_open().await.is_err(), "a store without its log is not opened");
        site.log.fail(None);
        let store = site.open().await;
        assert_eq!(store.restored_records(), Some((1, 1)));
        store.commit(only_a_record(4)).await.unwrap();
        store.close().await;
        assert_eq!(site.exported(), (vec![1, 2], vec![1, 4]));
        let store = site.open().await;
        assert_eq!((counted(&store), has(&store, 2), store.restored_records()), (2, false, None));
    }
}
