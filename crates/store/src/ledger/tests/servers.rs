//! Tests of failures of a server of PostgreSQL.

use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::database::shared_server;
use super::server::TestServer;
use super::*;
use crate::change_log::Entry;

/// The time within which a store finds out that its database can be used again: a few attempts, one each second.
const RECOVERY: Duration = Duration::from_secs(30);

/// Ends all sessions of stores with the current database.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name LIKE 'strongroom %' AND datname = current_database()";

impl Site {
    /// A new database of a server.
    async fn on(server: &str) -> Self {
        let (log, durability) = (Log::default(), Durability::Request);
        Self { database: TestDatabase::on(server).await, log, durability }
    }

    /// A database of the server that tests share.
    async fn on_shared_server() -> Option<Self> {
        Some(Self::on(&shared_server()?).await)
    }
}

#[expect(clippy::disallowed_methods, reason = "the store recovers in real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

async fn recovered(store: &Store) {
    let started = Instant::now();
    while let Some(failure) = store.storage_failure() {
        assert!(started.elapsed() < RECOVERY, "{failure:?}");
        pause(Duration::from_millis(50)).await;
    }
}

/// Compares a store, opened again, with what its log says: each call of the log is counted, and made its change.
async fn assert_consistent(site: &Site, acknowledged: &[u64], refused: &[u64]) {
    let store = site.open().await;
    let (sequence, calls) = site.exported();
    assert_eq!(sequence, (1..=calls.len() as u64).collect::<Vec<_>>());
    assert_eq!(counted(&store), calls.len() as u64);
    assert!(acknowledged.iter().all(|call| calls.contains(call)), "{acknowledged:?} {calls:?}");
    assert!(!refused.iter().any(|call| calls.contains(call)), "{refused:?} {calls:?}");
    assert!(calls.iter().all(|call| has(&store, *call)));
    assert!(refused.iter().all(|call| !has(&store, *call)));
    store.close().await;
}

#[tokio::test]
async fn killed_server_fails_calls_until_it_runs_again() {
    let Some(mut server) = TestServer::start("") else { return };
    let site = Site::on(&server.url).await;
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    server.kill();
    assert!(outcome(store.commit(call(2)).await).is_some());
    let unchanged = outcome(store.commit(only_a_record(3)).await);
    assert_eq!(unchanged, Some(Outcome::NotDone), "another instance may have changed the state");
    server.restart();
    recovered(&store).await;
    store.commit(call(4)).await.unwrap();
    store.close().await;
    assert_consistent(&site, &[1, 4], &[2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_groups_survive_a_killed_server() {
    let Some(mut server) = TestServer::start("") else { return };
    let site = Site::on(&server.url).await;
    let store = site.open().await;
    let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
    for round in 0..4 {
        let calls = (round * 1_000 + 1..).map(call).take(400).enumerate().map(|(number, call)| {
            let (store, number) = (store.clone(), round * 1_000 + 1 + number as u64);
            tokio::spawn(async move {
                // Groups of several sizes, also while the server is killed.
                pause(Duration::from_millis(number % 100)).await;
                (number, store.commit(call).await)
            })
        });
        let calls: Vec<_> = calls.collect();
        pause(Duration::from_millis(20 + round * 17)).await;
        server.kill();
        for call in calls {
            match call.await.unwrap() {
                (number, Ok(())) => acknowledged.push(number),
                (number, answer) => match outcome(answer).unwrap() {
                    Outcome::NotDone => refused.push(number),
                    Outcome::Unknown => {}
                },
            }
        }
        server.restart();
        recovered(&store).await;
    }
    assert!(!acknowledged.is_empty() && !refused.is_empty(), "the server was killed between the calls");
    store.commit(call(9_999)).await.unwrap();
    acknowledged.push(9_999);
    store.close().await;
    assert_consistent(&site, &acknowledged, &refused).await;
}

#[tokio::test]
async fn ended_session_is_replaced() {
    let Some(site) = Site::on_shared_server().await else { return };
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    site.database.execute(END_SESSIONS).await;
    assert_eq!(outcome(store.commit(call(2)).await), Some(Outcome::NotDone));
    recovered(&store).await;
    store.commit(only_a_record(5)).await.unwrap();
    site.database.execute(END_SESSIONS).await;
    assert_eq!(outcome(store.commit(only_a_record(6)).await), Some(Outcome::NotDone));
    recovered(&store).await;
    store.commit(call(3)).await.unwrap();
    // The answer of COMMIT is lost, so that the session is replaced too.
    lose_the_next_answer(|| {});
    store.commit(call(4)).await.unwrap();
    store.close().await;
    assert_eq!(site.exported().1, [1, 5, 3, 4]);
    let store = site.open().await;
    assert_eq!(counted(&store), 4);
    assert!([1, 3, 4].into_iter().all(|call| has(&store, call)) && !has(&store, 2));
    store.close().await;
}

#[tokio::test]
async fn second_store_on_the_same_database_is_refused() {
    let Some(site) = Site::on_shared_server().await else { return };
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    let error = site.try_open().await.err().unwrap().with_causes().to_string();
    assert!(error.contains("another process uses the database"), "{error}");
    store.commit(call(2)).await.unwrap();
    store.close().await;
    assert_consistent(&site, &[1, 2], &[]).await;
}

#[tokio::test]
async fn change_that_is_not_in_the_log_of_changes_is_not_passed_over() {
    let Some(site) = Site::on_shared_server().await else { return };
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    site.database.execute("UPDATE written_groups SET number = number + 1").await;
    assert_eq!(outcome(store.commit(call(2)).await), Some(Outcome::NotDone));
    assert_eq!(outcome(store.commit(only_a_record(3)).await), Some(Outcome::NotDone));
    pause(Duration::from_secs(3)).await;
    assert!(store.storage_failure().is_some());
    assert_eq!(outcome(store.commit(call(4)).await), Some(Outcome::NotDone));
    site.database.execute("UPDATE written_groups SET number = number - 1").await;
    recovered(&store).await;
    store.close().await;
    assert_consistent(&site, &[1], &[2, 4]).await;
}

#[tokio::test]
async fn server_full_of_connections_is_waited_for() {
    let options = "-c max_connections=5 -c superuser_reserved_connections=0 -c max_wal_senders=0";
    let Some(server) = TestServer::start(options) else { return };
    let site = Site::on(&server.url).await;
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    let mut others = Vec::new();
    while let Ok(other) = PgConnection::connect(&server.url).await {
        others.push(other);
    }
    store.commit(call(2)).await.unwrap();
    // The session of the store ends, and another client takes its place.
    let ending = sqlx::AssertSqlSafe(END_SESSIONS.replace("AND datname = current_database()", ""));
    sqlx::raw_sql(ending).execute(&mut others[0]).await.unwrap();
    let started = Instant::now();
    while others.len() < 5 {
        assert!(started.elapsed() < RECOVERY);
        others.extend(PgConnection::connect(&server.url).await.ok());
    }
    assert_eq!(outcome(store.commit(call(3)).await), Some(Outcome::NotDone));
    let database = TestDatabase::Postgres { server: server.url.clone(), name: "postgres".to_owned() };
    let second = Site { database, log: Log::default(), durability: Durability::Request };
    let error = second.try_open().await.err().unwrap().with_causes().to_string();
    assert!(error.contains("too many clients"), "{error}");
    pause(Duration::from_secs(2)).await;
    assert!(store.storage_failure().is_some());
    for other in others {
        other.close().await.unwrap();
    }
    recovered(&store).await;
    store.commit(call(4)).await.unwrap();
    store.close().await;
    assert_consistent(&site, &[1, 2, 4], &[3]).await;
}

#[tokio::test]
async fn silent_server_fails_calls_in_time() {
    let Some(server) = TestServer::start("") else { return };
    let site = Site::on(&server.url).await;
    let store = open_with_little_time(&site).await;
    store.commit(call(1)).await.unwrap();
    server.pause();
    let started = Instant::now();
    assert_eq!(outcome(store.commit(call(2)).await), Some(Outcome::NotDone));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(outcome(store.commit(only_a_record(3)).await), Some(Outcome::NotDone));
    server.resume();
    recovered(&store).await;
    store.commit(call(4)).await.unwrap();
    store.close().await;
    assert_consistent(&site, &[1, 4], &[2]).await;
}

/// Opens a store whose statements have a second.
async fn open_with_little_time(site: &Site) -> Store {
    let Location::Postgres(server) = site.database.location() else { panic!("no server") };
    let server = server.with_timeout(Duration::from_secs(1));
    let log = Box::new(site.log.clone());
    Store::open(server, Vec::new(), Options::default(), log).await.unwrap()
}

#[tokio::test]
async fn commit_that_the_standby_lacks_is_not_acknowledged() {
    let Some(server) = TestServer::start("") else { return };
    let site = Site::on(&server.url).await;
    let standby = server.add_standby();
    let store = open_with_little_time(&site).await;
    store.commit(call(1)).await.unwrap();
    standby.pause();
    // The session is ended while it waits for the standby, and the change is visible then.
    assert_eq!(outcome(store.commit(call(2)).await), Some(Outcome::Unknown));
    assert!(!has(&store, 2));
    assert_eq!(outcome(store.commit(only_a_record(3)).await), Some(Outcome::NotDone));
    standby.resume();
    recovered(&store).await;
    store.commit(call(4)).await.unwrap();
    assert!(has(&store, 2), "the database has it, and the standby too");
    standby.pause();
    assert_eq!(outcome(store.commit(only_a_record(5)).await), Some(Outcome::Unknown));
    assert!(store.storage_failure().is_some());
    standby.resume();
    recovered(&store).await;
    store.close().await;
    assert_eq!(site.exported(), (vec![1, 2, 3, 4], vec![1, 2, 4, 5]));
}

#[tokio::test]
async fn change_of_a_newer_version_is_refused() {
    let entry = |format: u32, changes: &str, more: &str| {
        let commit = format!("{{\"changes\":[{changes}],\"rules\":\"All\"}}");
        format!("{{\"format\":{format},\"commits\":[{commit}],\"events\":[],\"usage\":\"\"{more}}}")
    };
    for (entry, why) in [
        (entry(1, "{\"MoveMountain\":1}", ""), "unknown variant `MoveMountain`"),
        (entry(9_999, "", ""), "format 9999"),
        (entry(1, "", ",\"is_partial\":true"), "unknown field `is_partial`"),
    ] {
        let Some(site) = Site::on_shared_server().await else { return };
        let store = site.open().await;
        store.commit(call(1)).await.unwrap();
        let written = format!(
            "UPDATE written_groups SET number = number + 1;
            INSERT INTO change_log (number, instance, entry) SELECT number, 'newer', '{entry}' FROM written_groups"
        );
        site.database.execute(&written).await;
        for _ in 0..2 {
            assert_eq!(outcome(store.commit(only_a_record(2)).await), Some(Outcome::NotDone), "{why}");
            assert_eq!(outcome(store.commit(call(3)).await), Some(Outcome::NotDone), "{why}");
            pause(Duration::from_millis(1_500)).await;
            assert!(store.storage_failure().is_some(), "{why}");
        }
        let refused = Entry::parse(&entry).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains(why), "{refused}");
        store.close().await;
        // A start reads the tables.
        let store = site.open().await;
        store.commit(call(4)).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn newer_schema_is_refused_and_not_changed() {
    let Some(site) = Site::on_shared_server().await else { return };
    site.open().await.close().await;
    let newer = "INSERT INTO _sqlx_migrations SELECT version + 1, description, installed_on, success, checksum, execution_time
        FROM _sqlx_migrations ORDER BY version DESC LIMIT 1";
    site.database.execute(newer).await;
    site.database.execute("DROP TABLE budgets").await;
    let error = site.try_open().await.err().unwrap().with_causes().to_string();
    assert!(error.contains("a newer version of Strongroom wrote the database"), "{error}");
}
