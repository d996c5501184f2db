//! `kill -9` at any moment: what was answered is true afterwards, and nothing is left lying about.
//!
//! `STRONGROOM_SOAK_KILLS` says how often, `STRONGROOM_SOAK_SEED` from which seed on.

mod hsms;
mod keys;
mod tokens;

use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::{SeedableRng as _, random};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::advance_clock_request::Target;
use tonic::{Code, Status};

use crate::hsms::Place;
use crate::model::setting;
use crate::support::{Client, Server, ec, micros, strongroom};
pub(crate) use tokens::objects;

/// How often the server is killed, unless the environment says otherwise.
const KILLS: u64 = 10;
/// Clients that work with keys.
const KEY_CLIENTS: usize = 4;
/// Clients that work with HSMs.
const HSM_CLIENTS: usize = 2;
/// An instant that is not known, but comes after this round.
const FAR: i64 = i64::MAX;

/// Whether the server went away in the middle of the call: before it began to answer, or amid the answer.
fn is_cut_off(status: &Status) -> bool {
    use std::error::Error as _;
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
        && (!status.metadata().contains_key("x-correlation-id") || status.source().is_some())
}

/// What the clock shows.
async fn now(client: &mut Client) -> Result<i64, Status> {
    let clock = client.clock.get_clock(pb::GetClockRequest {}).await?.into_inner();
    Ok(micros(clock.now))
}

/// Turns the clock until the server is gone, and says what it was told last. In one round it turns by less than a
/// retention interval, so that nothing comes due whose deletion was not answered.
async fn turn(mut client: Client, mut told: i64, mut rng: StdRng) -> i64 {
    let mut hours = 6 * 24;
    loop {
        let by = rng.gen_range(1..=24).min(hours);
        hours -= by;
        let target = Some(Target::By(prost_types::Duration { seconds: by * 3600, nanos: 0 }));
        match client.clock.advance_clock(pb::AdvanceClockRequest { target, ..Default::default() }).await {
            Ok(answer) => told = micros(answer.into_inner().clock.unwrap().now),
            Err(status) if is_cut_off(&status) => return told,
            Err(status) => panic!("{status:?}"),
        }
        tokio::time::sleep(Duration::from_millis(rng.gen_range(0..100))).await;
    }
}

/// Intents that are not concluded.
async fn intents(server: &Server) -> i64 {
    use sqlx::ConnectOptions as _;
    let path = server.directory().join("strongroom.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true);
    let mut database = options.connect().await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM intents").fetch_one(&mut database).await.unwrap()
}

/// Everything that clients were told.
struct Told {
    keys: Vec<keys::Told>,
    hsms: Vec<hsms::Told>,
    clock: i64,
    /// How often something was answered, and how often not.
    counts: (usize, usize),
}

/// Lets all clients work for a while, kills the server under them, and starts it again.
async fn crash(server: &mut Server, told: &mut Told, rng: &mut StdRng) {
    let dev = server.client("dev").await;
    let place = Place::of(server);
    let mut seeded = || StdRng::seed_from_u64(rng.r#gen());
    let on_keys: Vec<_> = told
        .keys
        .iter()
        .enumerate()
        .map(|(who, told)| tokio::spawn(keys::rage(dev.clone(), who, told.clone(), seeded())))
        .collect();
    let on_hsms: Vec<_> = told
        .hsms
        .iter()
        .enumerate()
        .map(|(who, told)| tokio::spawn(hsms::rage(dev.clone(), place.clone(), who, told.clone(), seeded())))
        .collect();
    let turning = tokio::spawn(turn(dev, told.clock, seeded()));
    tokio::time::sleep(Duration::from_millis(rng.gen_range(50..1500))).await;
    server.kill();
    for (who, task) in on_keys.into_iter().enumerate() {
        told.keys[who] = ended(task, server).await;
    }
    for (who, task) in on_hsms.into_iter().enumerate() {
        told.hsms[who] = ended(task, server).await;
    }
    told.clock = ended(turning, server).await;
    server.start_again();
}

/// What a client was told. Where it was told what cannot be, the server's log says why.
async fn ended<T>(client: tokio::task::JoinHandle<T>, server: &Server) -> T {
    match client.await {
        Ok(told) => told,
        Err(error) => panic!("{}\n{error}", server.log()),
    }
}

/// Looks whether all that was told is so, and takes over what is.
async fn settle(server: &Server, told: &mut Told, rng: &mut StdRng, round: u64) {
    let mut client = server.client("dev").await;
    let place = Place::of(server);
    // What was due when the server was killed is done by the scheduler, beside the calls.
    let before = told.clock;
    let target = Some(Target::By(prost_types::Duration { seconds: 0, nanos: 0 }));
    client.clock.advance_clock(pb::AdvanceClockRequest { target, ..Default::default() }).await.unwrap();
    let started = Instant::now();
    while intents(server).await > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "round {round}: intents are left\n{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let now = now(&mut client).await.unwrap();
    assert!(now >= before, "round {round}: the clock went back");
    told.clock = now;
    let (mut versions, mut expected) = (0, 0);
    for (name, state) in told.keys.iter_mut().flatten() {
        let (found, kept) = keys::found(&mut client, name, rng).await;
        assert!(state.allows(found, now), "round {round}: {name}: {found:?} at {now}, {state:?}");
        count(&mut told.counts, matches!(state, keys::State::Known(_)));
        *state = keys::State::Known(kept);
        versions += kept.versions();
        expected += kept.versions() * if keys::is_secret(name) { 2 } else { 1 };
    }
    let mut there = vec!["local"];
    for (name, state) in told.hsms.iter_mut().flatten() {
        let (found, kept) = hsms::found(&mut client, &place, name, rng).await;
        assert!(hsms::allows(*state, found, now), "round {round}: {name}: {found:?} at {now}, {state:?}");
        count(&mut told.counts, state.1.is_none());
        *state = (kept, None);
        versions += kept.versions();
        expected += kept.versions();
        if kept.is_there() {
            there.push(name);
        }
    }
    let (whole, ghosts) = objects(server);
    assert_eq!(whole, expected, "round {round}: objects in the tokens, and versions with their twins");
    let free = tokens::assert_each_has_its_own(server, &there, &format!("round {round}"));
    println!(
        "round {round}: {versions} versions, {whole} objects, {ghosts} ghosts, {} HSMs, {free} free tokens",
        there.len()
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
    // With a week of retention, things come due while the server is killed.
    let directory = tempfile::tempdir().unwrap();
    let seed = crate::retention::seed(directory.path(), false);
    let mut server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let clock = now(&mut dev).await.unwrap();
    let (keys, hsms) = (vec![keys::Told::new(); KEY_CLIENTS], vec![hsms::Told::new(); HSM_CLIENTS]);
    let mut told = Told { keys, hsms, clock, counts: (0, 0) };
    for round in 0..kills {
        crash(&mut server, &mut told, &mut rng).await;
        settle(&server, &mut told, &mut rng, round).await;
    }
    let (answered, unanswered) = told.counts;
    println!("{kills} kills, {answered} states that were answered, {unanswered} that were not");
    assert!(answered > 0 && unanswered > 0);

    assert!(server.stop().success(), "{}", server.log());
    let report = tokens::examined(&server.directory());
    let versions: usize = told
        .keys
        .iter()
        .flat_map(keys::Told::values)
        .map(|state| match state {
            keys::State::Known(known) => known.versions(),
            keys::State::Either(..) => 0,
        })
        .sum();
    assert_eq!(report["keys"], versions, "{report}");
    // At each crash one call was making or destroying objects, a key's two at most. What was left is no key.
    let left = report["foreign_objects"].as_u64().unwrap() + report["ghosts"].as_u64().unwrap();
    assert!(left <= 2 * kills, "{report}");
    let log = server.log();
    assert!(!log.contains("\"ERROR\"") && !log.contains("panicked"), "{log}");
    let audit = strongroom::audit::verify(&server.directory().join("audit")).unwrap();
    assert_eq!((audit.broken, audit.first), (None, Some(1)));
}

#[tokio::test]
async fn token_survives_crashes_during_start() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    server.kill();
    let started = Instant::now();
    server.start_again();
    let whole = started.elapsed();
    server.kill();
    for part in 1..=8 {
        let mut child = strongroom()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(server.directory())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(whole * part / 9).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The worst a kill can leave: SoftHSM empties the token's record before it writes it anew.
    for token in std::fs::read_dir(server.directory().join("softhsm/tokens")).unwrap() {
        std::fs::write(token.unwrap().path().join("token.object"), "").unwrap();
    }
    server.start_again();
    let mut dev = server.client("dev").await;
    let found = dev.keys.get_key(pb::GetKeyRequest { name: made.name.clone() }).await.unwrap().into_inner();
    assert_eq!(found, made);
    let request = pb::SignRequest { name: made.name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    dev.crypto.sign(request).await.unwrap();
    assert!(server.log().contains("restored from its copy"), "{}", server.log());
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
        assert_eq!(objects(&server).0, 1, "after {milliseconds} ms");
    }
}
