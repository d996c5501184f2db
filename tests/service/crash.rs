//! Kills the server with SIGKILL at random moments and checks that acknowledged changes survive and nothing leaks.
//!
//! `STRONGROOM_SOAK_KILLS` sets the number of kills, `STRONGROOM_SOAK_SEED` the random seed.

mod hsms;
mod keys;
mod steps;
mod tokens;

use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::{SeedableRng as _, random};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::advance_clock_request::Target;
use tonic::{Code, Status};

use crate::hsms::Container;
use crate::model::setting;
use crate::prepared;
use crate::support::{Client, Server, ec, micros, strongroom};
use tokens::Objects;
pub(crate) use tokens::{OF_DOMAIN, SEALING_KEYS, count_objects, objects_in};

/// The number of kills, unless the environment overrides it.
const KILLS: u64 = 10;
/// The number of clients that operate on keys.
const KEY_CLIENTS: usize = 4;
/// The number of clients that operate on HSMs.
const HSM_CLIENTS: usize = 2;
/// The scheduled purge date of a deletion that was not acknowledged: unknown, but later than the current round.
const UNKNOWN_DATE: i64 = i64::MAX;

/// Returns whether the connection was lost during the call, before or during the response.
fn is_connection_lost(status: &Status) -> bool {
    use std::error::Error as _;
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
        && (!status.metadata().contains_key("x-correlation-id") || status.source().is_some())
}

/// Returns the current instant of the virtual clock, in microseconds.
async fn now(client: &mut Client) -> Result<i64, Status> {
    let clock = client.clock.get_clock(pb::GetClockRequest {}).await?.into_inner();
    Ok(micros(clock.now))
}

/// Advances the clock until the server is killed, and returns the last acknowledged instant. Advances by less than a
/// retention interval per round, so that no unacknowledged deletion comes due.
async fn advance_clock(mut client: Client, mut acknowledged: i64, mut rng: StdRng) -> i64 {
    let mut hours = 6 * 24;
    loop {
        let by = rng.gen_range(1..=24).min(hours);
        hours -= by;
        let target = Some(Target::By(prost_types::Duration { seconds: by * 3600, nanos: 0 }));
        match client.clock.advance_clock(pb::AdvanceClockRequest { target, ..Default::default() }).await {
            Ok(answer) => acknowledged = micros(answer.into_inner().clock.unwrap().now),
            Err(status) if is_connection_lost(&status) => return acknowledged,
            Err(status) => panic!("{status:?}"),
        }
        tokio::time::sleep(Duration::from_millis(rng.gen_range(0..100))).await;
    }
}

/// Counts the open intents in the database.
async fn open_intents(server: &Server) -> i64 {
    use sqlx::ConnectOptions as _;
    let path = server.directory().join("strongroom.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true);
    let mut database = options.connect().await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM intents").fetch_one(&mut database).await.unwrap()
}

/// The states that the clients expect, one map for each client.
struct Expectations {
    keys: Vec<keys::KeyExpectations>,
    hsms: Vec<hsms::HsmExpectations>,
    clock: i64,
    /// The numbers of states whose last change was acknowledged, and was not.
    counts: (usize, usize),
}

/// Runs all clients for a random time, kills the server, and starts it again.
async fn crash(server: &mut Server, expectations: &mut Expectations, rng: &mut StdRng) {
    let dev = server.client("dev").await;
    let container = Container::of(server);
    let mut seeded = || StdRng::seed_from_u64(rng.r#gen());
    let on_keys: Vec<_> = expectations
        .keys
        .iter()
        .enumerate()
        .map(|(who, expected)| tokio::spawn(keys::run_client(dev.clone(), who, expected.clone(), seeded())))
        .collect();
    let on_hsms: Vec<_> = expectations
        .hsms
        .iter()
        .enumerate()
        .map(|(who, expected)| {
            tokio::spawn(hsms::run_client(dev.clone(), container.clone(), who, expected.clone(), seeded()))
        })
        .collect();
    let advancing = tokio::spawn(advance_clock(dev, expectations.clock, seeded()));
    tokio::time::sleep(Duration::from_millis(rng.gen_range(50..1500))).await;
    server.kill();
    for (who, task) in on_keys.into_iter().enumerate() {
        expectations.keys[who] = join(task, server).await;
    }
    for (who, task) in on_hsms.into_iter().enumerate() {
        expectations.hsms[who] = join(task, server).await;
    }
    expectations.clock = join(advancing, server).await;
    server.start_again();
}

/// Waits for a client to end and returns its result. If the client panicked, panics with the server's log.
async fn join<T>(client: tokio::task::JoinHandle<T>, server: &Server) -> T {
    match client.await {
        Ok(result) => result,
        Err(error) => panic!("{}\n{error}", server.log()),
    }
}

/// Asserts that the server's state matches the expectations, and updates them to the observed state.
async fn verify(server: &Server, expectations: &mut Expectations, rng: &mut StdRng, round: u64) {
    let mut client = server.client("dev").await;
    let container = Container::of(server);
    // The scheduler completes the work that was due when the server was killed, concurrently with calls.
    let before = expectations.clock;
    let target = Some(Target::By(prost_types::Duration { seconds: 0, nanos: 0 }));
    client.clock.advance_clock(pb::AdvanceClockRequest { target, ..Default::default() }).await.unwrap();
    let started = Instant::now();
    while open_intents(server).await > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "round {round}: open intents remain\n{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let now = now(&mut client).await.unwrap();
    assert!(now >= before, "round {round}: the clock went back");
    expectations.clock = now;
    let (mut versions, mut expected) = (0, 0);
    for (name, state) in expectations.keys.iter_mut().flatten() {
        let (found, current) = keys::observe(&mut client, name, rng).await;
        assert!(state.allows(found, now), "round {round}: {name}: {found:?} at {now}, {state:?}");
        count(&mut expectations.counts, matches!(state, keys::Expectation::Known(_)));
        *state = keys::Expectation::Known(current);
        versions += current.versions();
        expected += current.versions() * if keys::is_secret(name) { 2 } else { 1 };
    }
    let (mut existing, mut used) = (vec!["local"], 1);
    for (name, state) in expectations.hsms.iter_mut().flatten() {
        let (found, current) = hsms::observe(&mut client, &container, name, rng).await;
        assert!(hsms::allows(*state, found, now), "round {round}: {name}: {found:?} at {now}, {state:?}");
        count(&mut expectations.counts, state.1.is_none());
        *state = (current, None);
        versions += current.versions();
        expected += current.versions();
        used += current.versions();
        if current.is_there() {
            existing.push(name);
        }
    }
    let Objects { complete, partial } = count_objects(server);
    // An HSM without a key may be activated or not.
    let mut possible = (used..=existing.len()).map(|domains| expected + OF_DOMAIN * domains + SEALING_KEYS);
    assert!(
        possible.any(|objects| objects == complete),
        "round {round}: {complete} objects in the tokens, {expected} of keys, {} HSMs",
        existing.len()
    );
    let owners: Vec<&str> = existing.iter().copied().chain(["vaults/demo"]).collect();
    let free = tokens::assert_one_token_each(server, &owners, &format!("round {round}"));
    println!(
        "round {round}: {versions} versions, {complete} complete objects, {partial} partial objects, {} HSMs, \
         {free} free tokens",
        existing.len()
    );
}

fn count(counts: &mut (usize, usize), answered: bool) {
    if answered { counts.0 += 1 } else { counts.1 += 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_changes_survive_any_crash() {
    let seed = setting("STRONGROOM_SOAK_SEED").unwrap_or_else(random);
    let kills = setting("STRONGROOM_SOAK_KILLS").unwrap_or(KILLS);
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    // With a retention interval of a week, purges come due while the server is being killed.
    let directory = tempfile::tempdir().unwrap();
    let seed = crate::retention::seed(directory.path(), false);
    // The disk delays writes, so that kills hit more of them.
    let mut server =
        Server::start_in(tempfile::tempdir().unwrap(), &[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let clock = now(&mut dev).await.unwrap();
    let (keys, hsms) =
        (vec![keys::KeyExpectations::new(); KEY_CLIENTS], vec![hsms::HsmExpectations::new(); HSM_CLIENTS]);
    let mut expectations = Expectations { keys, hsms, clock, counts: (0, 0) };
    for round in 0..kills {
        crash(&mut server, &mut expectations, &mut rng).await;
        verify(&server, &mut expectations, &mut rng, round).await;
    }
    let (acknowledged, ambiguous) = expectations.counts;
    println!("{kills} kills, {acknowledged} acknowledged states, {ambiguous} ambiguous states");
    assert!(acknowledged > 0 && ambiguous > 0);

    assert!(server.stop().success(), "{}", server.log());
    let report = tokens::doctor_report(&server.directory());
    let versions: usize = expectations
        .keys
        .iter()
        .flat_map(keys::KeyExpectations::values)
        .map(|state| match state {
            keys::Expectation::Known(known) => known.versions(),
            keys::Expectation::Either(..) => 0,
        })
        .sum();
    assert_eq!(report["keys"], versions, "{report}");
    // Each crash interrupts one call that creates or destroys objects, at most the two of a key. The rest is no key.
    let left = report["foreign_objects"].as_u64().unwrap() + report["ghosts"].as_u64().unwrap();
    assert!(left <= 2 * kills, "{report}");
    let log = server.log();
    assert!(!log.contains("\"ERROR\"") && !log.contains("panicked"), "{log}");
    let audit = strongroom::audit::verify(&server.directory().join("audit")).unwrap();
    assert_eq!((audit.broken, audit.first), (None, Some(1)));
}

#[tokio::test]
async fn token_survives_crashes_during_start() {
    let directory = tempfile::tempdir().unwrap();
    prepared::copy_to(&directory.path().join("data"));
    let mut server = Server::start_in(directory, &[], &[]);
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    server.kill();
    let started = Instant::now();
    server.start_again();
    let duration = started.elapsed();
    server.kill();
    for part in 1..=8 {
        let mut child = strongroom()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(server.directory())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(duration * part / 9).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The worst case of a kill: SoftHSM truncates the token's record before it rewrites it.
    for token in std::fs::read_dir(server.directory().join("softhsm/tokens")).unwrap() {
        std::fs::write(token.unwrap().path().join("token.object"), "").unwrap();
    }
    server.start_again();
    let mut dev = server.client("dev").await;
    let found = dev.keys.get_key(pb::GetKeyRequest { name: made.name.clone() }).await.unwrap().into_inner();
    assert_eq!(found, made);
    let request = pb::SignRequest { name: made.name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    dev.crypto.sign(request).await.unwrap();
    assert!(server.log().contains("restored the truncated record of a token"), "{}", server.log());
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn interrupted_first_start_is_resumed() {
    for milliseconds in [50, 150, 300, 500, 800] {
        let directory = tempfile::tempdir().unwrap();
        let mut child = strongroom()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory.path().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let server = Server::start_in(directory, &[], &[]);
        let mut dev = server.client("dev").await;
        dev.create(ec("invoices", "P-256")).await.unwrap();
        assert_eq!(count_objects(&server).complete, 1 + OF_DOMAIN + SEALING_KEYS, "after {milliseconds} ms");
    }
}
