//! Tests of ambiguous commits: a COMMIT that fails although the database has written the group.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use uuid::Uuid;

use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange, Intent, IntentVerb};
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::{Error, Result};
use crate::{AuditRecord, Commit, Durability, Options, Store};

type Hook = Box<dyn FnOnce() + Send>;

/// Runs when the next answer of the database is lost.
static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

/// Loses the answer of the database, if a test has set a hook.
pub(super) fn fault() -> std::result::Result<(), sqlx::Error> {
    match HOOK.lock().unwrap().take() {
        Some(hook) => {
            hook();
            Err(sqlx::Error::WorkerCrashed)
        }
        None => Ok(()),
    }
}

fn lose_the_next_answer(hook: impl FnOnce() + Send + 'static) {
    *HOOK.lock().unwrap() = Some(Box::new(hook));
}

/// A store whose exported records are collected.
struct Site {
    dir: tempfile::TempDir,
    seen: Arc<Mutex<Vec<(u64, String)>>>,
    durability: Durability,
}

impl Site {
    fn new(durability: Durability) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), seen: Arc::default(), durability }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("strongroom.db")
    }

    async fn open(&self) -> Store {
        let seen = Arc::clone(&self.seen);
        let exported = seen.lock().unwrap().last().map_or(0, |(seq, _)| *seq);
        let options = Options { durability: self.durability, exported, ..Options::default() };
        let export = move |records: &[crate::ExportedRecord]| {
            let lines = records.iter().map(|record| (record.seq, record.line.clone()));
            seen.lock().unwrap().extend(lines);
            Ok(())
        };
        Store::open(&self.path(), Vec::new(), options, Box::new(export)).await.unwrap()
    }

    /// The sequence numbers of the exported records, and the numbers of their calls.
    fn exported(&self) -> (Vec<u64>, Vec<u64>) {
        let call = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["call"].as_u64();
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(seq, line)| (*seq, call(line).unwrap())).unzip()
    }
}

fn record(call: u64) -> AuditRecord {
    AuditRecord {
        at: Timestamp::UNIX_EPOCH,
        container: None,
        event: "Test",
        meter: Meter::Free,
        count: 1,
        version: None,
        body: format!("{{\"call\":{call}}}"),
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

fn has(store: &Store, number: u64) -> bool {
    store.subscription(id(number)).is_some()
}

#[tokio::test]
async fn group_written_despite_commit_error_is_applied() {
    let site = Site::new(Durability::Request);
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    lose_the_next_answer(|| {});
    assert_eq!(store.commit(call(2)).await, Ok(()));
    assert!(has(&store, 2));
    let only_a_record = |number| Commit { record: Some(record(number)), ..Commit::default() };
    lose_the_next_answer(|| {});
    assert_eq!(store.commit(only_a_record(3)).await, Ok(()));
    store.commit(call(4)).await.unwrap();
    store.resolve_ambiguous_commits().await.unwrap();
    store.close().await;
    assert_eq!(site.exported(), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));

    let store = site.open().await;
    assert!([1, 2, 4].into_iter().all(|number| has(&store, number)));
    store.close().await;
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
    let (path, away) = (site.path(), site.dir.path().join("away"));
    let (from, to) = (path.clone(), away.clone());
    lose_the_next_answer(move || std::fs::rename(from, to).unwrap());
    let concluding = Commit { close: vec![intent.id], ..call(1) };
    let is_unknown = |answer: Result<()>| matches!(answer, Err(Error::Internal(_)));
    assert!(is_unknown(store.commit(concluding).await));
    assert!(is_unknown(store.resolve_ambiguous_commits().await));
    assert!(is_unknown(store.commit(call(2)).await));
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
async fn relaxed_records_are_written_exactly_once() {
    let site = Site::new(Durability::Relaxed);
    let store = site.open().await;
    let only_a_record = |number| Commit { record: Some(record(number)), ..Commit::default() };
    for number in 1..=20 {
        if number % 5 == 0 {
            lose_the_next_answer(|| {});
        }
        store.commit(only_a_record(number)).await.unwrap();
    }
    store.close().await;
    let numbers: Vec<u64> = (1..=20).collect();
    assert_eq!(site.exported(), (numbers.clone(), numbers));
}
