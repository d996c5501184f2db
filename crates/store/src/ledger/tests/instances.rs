//! Tests of several instances over one database.

use std::time::{Duration, Instant};

use super::database::shared_server;
use super::*;
use crate::change_log;
use crate::commit::{Committed, DecidedBy};
use crate::usage::Usage;

/// The time within which an instance notices something by itself.
const NOTICED: Duration = Duration::from_secs(30);

/// Instances over one database, each with a log of its own.
struct Instances {
    database: TestDatabase,
    logs: Vec<(&'static str, Log)>,
}

impl Instances {
    async fn new() -> Option<Self> {
        Some(Self { database: TestDatabase::on(&shared_server()?).await, logs: Vec::new() })
    }

    async fn open(&mut self, name: &'static str) -> Store {
        let known = self.logs.iter().find(|(known, _)| *known == name).map(|(_, log)| log.clone());
        let log = known.unwrap_or_else(|| {
            self.logs.push((name, Log::default()));
            self.logs.last().unwrap().1.clone()
        });
        let options = Options { instance: name.parse().unwrap(), ..Options::default() };
        Store::open(self.database.location(), Vec::new(), options, Box::new(log)).await.unwrap()
    }

    /// The numbers of the calls in the log of an instance, whose records have no gap.
    fn calls(&self, name: &str) -> Vec<u64> {
        let (_, log) = self.logs.iter().find(|(known, _)| *known == name).unwrap();
        let (sequence, calls) = log.records();
        assert_eq!(sequence, (1..=calls.len() as u64).collect::<Vec<_>>());
        calls
    }
}

/// A commit that was decided by the state that this store shows now.
fn decided(commit: Commit, store: &Store) -> Commit {
    Commit { decided_by: Some(DecidedBy { position: store.position(), object: None }), ..commit }
}

#[expect(clippy::disallowed_methods, reason = "instances notice in real time")]
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < NOTICED, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "instances try again in real time")]
async fn until_later() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn call_that_was_decided_by_an_old_state_is_not_recorded() {
    let Some(mut all) = Instances::new().await else { return };
    let (east, west) = (all.open("east").await, all.open("west").await);
    let old = decided(only_a_record(2), &west);
    east.commit(call(1)).await.unwrap();
    assert_eq!(west.commit_decided(old.clone()).await, Ok(Committed::Outdated));
    assert!(has(&west, 1), "the new state is visible when the answer is there");
    let with_change = Commit { decided_by: old.decided_by.clone(), ..call(3) };
    assert_eq!(west.commit_decided(with_change).await, Ok(Committed::Outdated));
    assert!(!has(&west, 3));
    assert_eq!(west.commit_decided(decided(call(3), &west)).await, Ok(Committed::Done));
    assert_eq!(west.commit_decided(decided(only_a_record(4), &west)).await, Ok(Committed::Done));
    // What the own instance has changed is known to it.
    let own = decided(only_a_record(5), &west);
    west.commit(call(6)).await.unwrap();
    assert_eq!(west.commit_decided(own).await, Ok(Committed::Done));
    until("an idle instance follows", || has(&east, 3) && has(&east, 6)).await;
    assert_eq!((all.calls("east"), all.calls("west")), (vec![1], vec![3, 4, 6, 5]));
    east.close().await;
    west.close().await;
}

#[tokio::test]
async fn idle_instance_is_notified_of_changes() {
    let Some(mut all) = Instances::new().await else { return };
    let (east, west) = (all.open("east").await, all.open("west").await);
    let mut waited = Duration::ZERO;
    for number in 1..=20 {
        east.commit(call(number)).await.unwrap();
        let written = Instant::now();
        until("the change is followed", || has(&west, number)).await;
        // The first one may come before the instance listens.
        waited += if number == 1 { Duration::ZERO } else { written.elapsed() };
    }
    // Without notifications, the log is read after a fifth of a second at the earliest.
    assert!(waited < 19 * Duration::from_millis(150), "{waited:?}");
    all.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'strongroom listener'").await;
    east.commit(call(21)).await.unwrap();
    until("an instance that is not notified follows", || has(&west, 21)).await;
    east.close().await;
    west.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_contradicts_an_acknowledged_change() {
    let Some(mut all) = Instances::new().await else { return };
    let (east, west) = (all.open("east").await, all.open("west").await);
    let mut outdated = 0;
    for number in 1..=200 {
        east.commit(call(number)).await.unwrap();
        // The call arrives after the change was acknowledged.
        for _ in 0..2 {
            let commit = decided(only_a_record(1_000 + number), &west);
            let is_seen = has(&west, number);
            match west.commit_decided(commit).await.unwrap() {
                Committed::Done => assert!(is_seen, "call {number}"),
                Committed::Outdated => outdated += 1,
            }
        }
        assert!(has(&west, number));
    }
    assert!(outdated > 100, "most calls come before the change is read by itself: {outdated}");
    east.close().await;
    west.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_three_instances_are_all_applied_everywhere() {
    let Some(mut all) = Instances::new().await else { return };
    let stores = [all.open("east").await, all.open("west").await, all.open("north").await];
    let calls = (1..=300_u64).map(|number| {
        let store = stores[number as usize % 3].clone();
        tokio::spawn(async move {
            store.commit(call(number)).await.unwrap();
            store.commit(only_a_record(1_000 + number)).await.unwrap();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    for store in &stores {
        until("every change is applied", || (1..=300).all(|number| has(store, number))).await;
        store.checkpoint().await.unwrap();
    }
    for store in &stores {
        until("every call is counted", || counted(store) == 600).await;
    }
    let later = all.open("south").await;
    assert!((1..=300).all(|number| has(&later, number)) && counted(&later) == 600);
    for store in stores.iter().chain([&later]) {
        store.close().await;
    }
    let mut recorded: Vec<u64> = ["east", "west", "north"].iter().flat_map(|name| all.calls(name)).collect();
    recorded.sort_unstable();
    assert_eq!(recorded, (1..=300).chain(1_001..=1_300).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_whose_answer_is_lost_are_written_once() {
    let Some(mut all) = Instances::new().await else { return };
    let (east, west) = (all.open("east").await, all.open("west").await);
    for number in 1..=3 {
        lose_the_next_answer(|| {});
        east.commit(only_a_record(number)).await.unwrap();
        west.commit(call(10 + number)).await.unwrap();
        lose_the_next_answer(|| {});
        east.commit(call(20 + number)).await.unwrap();
    }
    assert_eq!(all.calls("east"), [1, 21, 2, 22, 3, 23]);
    east.close().await;
    west.close().await;
    let east = all.open("east").await;
    assert_eq!(counted(&east), 9);
    east.close().await;
}

#[tokio::test]
async fn lost_log_of_an_instance_is_written_again_from_the_database() {
    let Some(mut all) = Instances::new().await else { return };
    let east = all.open("east").await;
    for number in 1..=3 {
        east.commit(only_a_record(number)).await.unwrap();
        east.commit(call(10 + number)).await.unwrap();
    }
    east.close().await;
    let before = all.calls("east");
    all.logs.clear();
    let east = all.open("east").await;
    assert_eq!((all.calls("east"), east.restored_records()), (before, Some((1, 6))));
    east.commit(only_a_record(7)).await.unwrap();
    assert_eq!(counted(&east), 7);
    east.close().await;
}

#[tokio::test]
async fn records_that_the_log_refuses_are_in_the_database() {
    let Some(mut all) = Instances::new().await else { return };
    let east = all.open("east").await;
    let log = all.logs[0].1.clone();
    log.fail(Fault::Full);
    east.commit(only_a_record(1)).await.unwrap();
    assert_eq!(outcome(east.commit(only_a_record(2)).await), Some(Outcome::NotDone));
    assert!(east.storage_failure().is_some() && all.calls("east").is_empty());
    log.fail(None);
    until("the log is used again", || east.storage_failure().is_none()).await;
    east.commit(call(3)).await.unwrap();
    assert_eq!(all.calls("east"), [1, 3]);
    east.close().await;
}

#[tokio::test]
async fn lease_and_intents_pass_on_when_an_instance_ends() {
    let Some(mut all) = Instances::new().await else { return };
    let east = all.open("east").await;
    until("the only instance has the lease", || east.does_scheduled_work()).await;
    let west = all.open("west").await;
    let intent = |number| Intent {
        id: Uuid::from_u128(number),
        container: "pay".parse().unwrap(),
        verb: IntentVerb::Create,
        objects: Vec::new(),
    };
    east.commit(Commit { open: Some(intent(1)), ..call(1) }).await.unwrap();
    west.commit(Commit { open: Some(intent(2)), ..call(2) }).await.unwrap();
    assert_eq!((east.intents(), west.intents()), (vec![intent(1)], vec![intent(2)]));
    until("both instances are counted", || (east.instances(), west.instances()) == (2, 2)).await;
    assert!(!west.does_scheduled_work());
    east.close().await;
    let started = Instant::now();
    until("the lease passes on", || west.does_scheduled_work()).await;
    until("the intents pass on", || west.intents().len() == 2).await;
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    assert_eq!(west.dead_instances(), ["east"]);
    until("one instance is counted", || west.instances() == 1).await;
    // The ended instance starts again, without what was taken over.
    let east = all.open("east").await;
    assert!(east.intents().is_empty() && !east.does_scheduled_work());
    west.commit(Commit { close: vec![Uuid::from_u128(1)], ..Commit::default() }).await.unwrap();
    assert_eq!(west.intents(), [intent(2)]);
    until("the instance is known to run", || west.dead_instances().is_empty()).await;
    east.close().await;
    west.close().await;
}

#[tokio::test]
async fn entry_of_a_takeover_is_not_one_of_its_instance() {
    let Some(mut all) = Instances::new().await else { return };
    let east = all.open("east").await;
    east.commit(call(1)).await.unwrap();
    east.close().await;
    let name = "east".parse().unwrap();
    let mut db = all.database.location().connect_alone().await.unwrap();
    let written = change_log::lock(&mut db).await.unwrap();
    assert!(change_log::has(&mut db, written, &name).await.unwrap());
    let next = written + 1;
    assert!(!change_log::has(&mut db, next, &name).await.unwrap());
    let nothing = [&Usage::default(), &Usage::default()];
    change_log::Entry::of_takeover().write(&mut db, (next, &name), &[], nothing).await.unwrap();
    assert!(!change_log::has(&mut db, next, &name).await.unwrap());
}

#[tokio::test]
async fn database_that_has_lost_known_changes_is_refused() {
    let Some(mut all) = Instances::new().await else { return };
    let (east, west) = (all.open("east").await, all.open("west").await);
    for number in 1..=3 {
        east.commit(call(number)).await.unwrap();
        until("the other instance follows", || has(&west, number)).await;
    }
    // As if a standby without the last change had been promoted, and another instance had written since.
    let failover =
        "UPDATE change_log SET instance = 'north' WHERE number = (SELECT number FROM written_groups);
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
    all.database.execute(failover).await;
    for store in [&east, &west] {
        until("the instance has noticed", || store.storage_failure().is_some()).await;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(3) {
            assert!(store.commit(only_a_record(9)).await.is_err() && store.commit(call(10)).await.is_err());
            until_later().await;
        }
    }
    east.close().await;
    west.close().await;
    // A start reads the tables.
    let east = all.open("east").await;
    east.commit(call(4)).await.unwrap();
    east.close().await;
}
