//! Tests worker processes: killed, stopped, without their token, and at the end of the service.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rand::Rng as _;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::ExposeSecret as _;
use strongroom::model::Error;
use strongroom::model::algorithm::SignatureAlgorithm as Alg;
use strongroom::model::key::{Curve, PublicMaterial};
use strongroom::token::{Selector, Settings, Token, TokenInfo};
use tokio::task::JoinSet;

use crate::fixture::{Bench, WRAPPABLE, digest, ec, id, oct, pin, so_pin, spec, verifies};

const MESSAGE: &[u8] = b"to be signed";

fn p256() -> strongroom::model::key::KeyType {
    ec(Curve::P256)
}

async fn sign(token: &Token, number: u128) -> Result<Vec<u8>, Error> {
    token.sign(id(number), p256(), Alg::Es256, digest(Alg::Es256.hash(), MESSAGE)).await
}

fn signal(process: u32, signal: Signal) {
    // Fails if the process has ended.
    let _ = kill_process(pid(process), signal);
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).unwrap()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "processes start and end in real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Waits until a condition is true.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "{what}");
        pause(Duration::from_millis(20)).await;
    }
}

/// A number from the environment, for long runs.
fn soak(variable: &str, default: u32) -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the length of a test, not a setting")]
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

/// What the callers of a token have been told.
#[derive(Default)]
struct Acknowledged {
    signatures: AtomicU32,
    refused: AtomicU32,
}

/// Each signature that is returned verifies, whichever process made it; a call without one was refused as unavailable.
async fn sign_until(stop: Arc<AtomicBool>, token: Token, public: PublicMaterial, told: Arc<Acknowledged>) {
    while !stop.load(Ordering::Relaxed) {
        match sign(&token, 1).await {
            Ok(signature) => {
                assert!(verifies(&public, Alg::Es256, MESSAGE, &signature));
                told.signatures.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::TokenUnavailable { .. }) => {
                told.refused.fetch_add(1, Ordering::Relaxed);
                // A refusal does not wait: the tasks that restart workers need a turn.
                pause(Duration::from_millis(1)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Generates keys and destroys every other one. Returns the keys that exist, as acknowledged.
async fn generate_until(stop: Arc<AtomicBool>, token: Token) -> Vec<(u128, PublicMaterial)> {
    let mut kept = Vec::new();
    let mut number = 100;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        match token.generate(id(number), &spec(p256()), WRAPPABLE).await {
            Ok(public) => {
                let used = sign(&token, number).await;
                match used {
                    Ok(signature) => assert!(verifies(&public, Alg::Es256, MESSAGE, &signature)),
                    Err(Error::TokenUnavailable { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
                kept.push((number, public));
            }
            // What an unacknowledged call left is destroyed, as the intent of the engine does.
            Err(Error::TokenUnavailable { .. }) => destroy(&token, number).await,
            Err(error) => panic!("{error}"),
        }
        if number % 2 == 0
            && let Some((destroyed, _)) = kept.pop()
        {
            destroy(&token, destroyed).await;
        }
    }
    kept
}

/// Destroys a key, however often that takes.
async fn destroy(token: &Token, number: u128) {
    for _ in 0..1000 {
        match token.destroy(&[id(number)]).await {
            Ok(()) => {
                assert!(!token.has_cached_handle(id(number)));
                return;
            }
            Err(Error::TokenUnavailable { .. }) => pause(Duration::from_millis(10)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("key {number} was not destroyed");
}

/// The record of a token, which SoftHSM rewrites at each login.
fn record_of(bench: &Bench, token: &TokenInfo) -> PathBuf {
    let serial = token.serial.as_bytes();
    let records = std::fs::read_dir(bench.directory.tokens()).unwrap();
    records
        .map(|entry| entry.unwrap().path().join("token.object"))
        .find(|path| std::fs::read(path).unwrap().windows(serial.len()).any(|window| window == serial))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_no_acknowledged_answer() {
    let kills = soak("STRONGROOM_SOAK_WORKER_KILLS", 25);
    let bench = Bench::with_profile(|profile| profile.processes = 3);
    let token = bench.open();
    let public = token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
    let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Acknowledged::default()));
    let mut callers = JoinSet::new();
    for _ in 0..6 {
        callers.spawn(sign_until(Arc::clone(&stop), token.clone(), public.clone(), Arc::clone(&told)));
    }
    let generator = tokio::spawn(generate_until(Arc::clone(&stop), token.clone()));
    let signals = [Signal::KILL, Signal::SEGV, Signal::ABORT, Signal::BUS];
    let mut killed = 0;
    while killed < kills {
        let (wait, choice) = {
            let mut random = rand::thread_rng();
            (random.gen_range(1..60), random.gen_range(0..signals.len()))
        };
        pause(Duration::from_millis(wait)).await;
        let processes = token.worker_processes();
        if let Some(process) = processes.get(choice % processes.len().max(1)) {
            signal(*process, signals[choice]);
            killed += 1;
        }
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    let kept = generator.await.unwrap();
    let (signatures, refused) =
        (told.signatures.load(Ordering::Relaxed), told.refused.load(Ordering::Relaxed));
    println!("{killed} kills, {signatures} signatures, {refused} refused, {} keys left", kept.len());
    assert!(signatures > killed, "only {signatures} signatures");

    // The token has each acknowledged key, once, and no other one.
    let bench = bench.restart(token).await;
    let report = bench.module.examine(&Selector::Label("bench".to_owned()), &pin()).unwrap();
    assert_eq!((report.keys, report.foreign), (kept.len() + 1, 0), "{report}");
    let token = bench.open_with(&Settings { expect_sentinel: true, faults: None });
    for (number, public) in kept.iter().chain([&(1, public)]) {
        let signature = sign(&token, *number).await.unwrap();
        assert!(verifies(public, Alg::Es256, MESSAGE, &signature), "key {number}");
    }
}

/// SoftHSM rewrites the record of a token at each login: a kill at that moment leaves it empty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_while_they_start_lose_no_token() {
    const WORKERS: usize = 8;
    let rounds = soak("STRONGROOM_SOAK_WORKER_STARTS", 2);
    let mut bench = Bench::with_profile(|profile| profile.processes = WORKERS);
    let token = bench.open();
    let public = token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
    let mut last = token;
    for round in 0..rounds {
        let token = last;
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for _ in 0..4 * WORKERS {
            let told = Arc::new(Acknowledged::default());
            callers.spawn(sign_until(Arc::clone(&stop), token.clone(), public.clone(), told));
        }
        let mut seen = std::collections::BTreeSet::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        while seen.len() < 2 * WORKERS {
            assert!(Instant::now() < deadline, "{} workers started in round {round}", seen.len());
            let processes = token.worker_processes();
            seen.extend(processes.iter().copied());
            if processes.len() > WORKERS / 2 {
                // Those that are being started are not listed: children of this process that are not in the list.
                let all = children();
                let choice = rand::thread_rng().gen_range(0..all.len().max(1));
                if let Some(process) = all.get(choice) {
                    signal(*process, Signal::KILL);
                }
            }
            pause(Duration::from_millis(rand::thread_rng().gen_range(0..10))).await;
        }
        stop.store(true, Ordering::Relaxed);
        while let Some(caller) = callers.join_next().await {
            caller.unwrap();
        }
        bench = bench.restart_with(token, |profile| profile.processes = WORKERS).await;
        last = bench.open_with(&Settings { expect_sentinel: true, faults: None });
        let signature = sign(&last, 1).await.unwrap();
        assert!(verifies(&public, Alg::Es256, MESSAGE, &signature), "round {round}");
    }
}

/// The child processes of this test.
fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_worker_is_killed_and_replaced() {
    let bench = Bench::with_profile(|profile| (profile.processes, profile.call_ms) = (1, 500));
    let token = bench.open();
    token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
    let first = token.worker_processes();
    signal(first[0], Signal::STOP);
    let late = sign(&token, 1).await;
    assert_eq!(late, Err(Error::TokenTimeout { milliseconds: 500 }));
    until("a new worker signs", async || sign(&token, 1).await.is_ok()).await;
    assert_ne!(token.worker_processes(), first);
    assert!(test_kill_process(pid(first[0])).is_err(), "the stopped process still exists");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_that_is_back_is_used_again_without_restart() {
    let bench = Bench::with_profile(|profile| profile.session_copies = 0);
    let token = bench.open();
    let public = token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
    let (tokens, elsewhere) = (bench.directory.tokens(), bench.data_dir.path().join("elsewhere"));
    for _ in 0..2 {
        std::fs::rename(&tokens, &elsewhere).unwrap();
        until("calls are refused at once", async || {
            let started = Instant::now();
            let refused = sign(&token, 1).await;
            assert!(matches!(refused, Err(Error::TokenUnavailable { .. })), "{refused:?}");
            assert!(token.health().await.is_err());
            token.worker_processes().is_empty() && started.elapsed() < Duration::from_secs(1)
        })
        .await;
        std::fs::rename(&elsewhere, &tokens).unwrap();
        until("the token is used again", async || token.health().await.is_ok()).await;
        let signature = sign(&token, 1).await.unwrap();
        assert!(verifies(&public, Alg::Es256, MESSAGE, &signature));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_pin_is_not_tried_again_until_it_is_corrected() {
    let bench = Bench::new();
    let token = bench.open();
    token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
    // Somebody else gives the token another PIN: as seen by the service, it is another token with the same serial number.
    let record = record_of(&bench, &bench.info);
    let other = bench.module.provision("other", &so_pin(), &"another-pin".to_owned().into()).unwrap();
    let foreign = record_of(&bench, &other);
    let (original, bytes) = (std::fs::read(&record).unwrap(), std::fs::read(&foreign).unwrap());
    std::fs::write(&record, with_serial(&bytes, &other.serial, &bench.info.serial)).unwrap();
    signal(token.worker_processes()[0], Signal::KILL);
    until("the PIN is rejected", async || {
        let refused = sign(&token, 1).await;
        matches!(&refused, Err(Error::TokenUnavailable { why }) if why.contains("CKR_PIN_INCORRECT"))
    })
    .await;
    let written = std::fs::metadata(&record).unwrap().modified().unwrap();
    pause(Duration::from_millis(1500)).await;
    assert!(token.worker_processes().is_empty());
    assert!(token.health().await.is_err());
    let unchanged = std::fs::metadata(&record).unwrap().modified().unwrap();
    assert_eq!(unchanged, written, "SoftHSM rewrites the record with each login");

    std::fs::write(&record, original).unwrap();
    token.renew(Some(pin()));
    until("the token is used again", async || sign(&token, 1).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewal_replaces_workers_and_loses_no_call() {
    let bench = Bench::with_profile(|profile| profile.processes = 2);
    let token = bench.open();
    let public = token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
    let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Acknowledged::default()));
    let mut callers = JoinSet::new();
    for _ in 0..6 {
        callers.spawn(sign_until(Arc::clone(&stop), token.clone(), public.clone(), Arc::clone(&told)));
    }
    for _ in 0..3 {
        let earlier = token.worker_processes();
        token.renew(None);
        until("all workers are replaced", async || {
            let processes = token.worker_processes();
            !processes.is_empty() && processes.iter().all(|process| !earlier.contains(process))
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    assert_eq!(told.refused.load(Ordering::Relaxed), 0);
    assert!(told.signatures.load(Ordering::Relaxed) > 0);
}

/// Replaces the serial number in a token record.
fn with_serial(record: &[u8], from: &str, to: &str) -> Vec<u8> {
    let position = record.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    let mut changed = record.to_vec();
    changed[position..position + to.len()].copy_from_slice(to.as_bytes());
    changed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_made_or_destroyed_by_one_worker_is_known_to_all() {
    const WORKERS: usize = 4;
    let bench = Bench::with_profile(|profile| profile.processes = WORKERS);
    let token = bench.open();
    token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
    until("all workers run", async || {
        let mut calls = JoinSet::new();
        for _ in 0..16 * WORKERS {
            let token = token.clone();
            calls.spawn(async move { sign(&token, 1).await.unwrap() });
        }
        calls.join_all().await;
        token.worker_processes().len() == WORKERS
    })
    .await;
    token.generate(id(2), &spec(oct(256)), WRAPPABLE).await.unwrap();
    let mac = |token: Token| async move { token.sign(id(2), oct(256), Alg::Hs256, vec![1; 32]).await };
    let mut calls = JoinSet::new();
    for _ in 0..64 * WORKERS {
        calls.spawn(mac(token.clone()));
    }
    let macs = calls.join_all().await;
    assert!(
        macs.iter().all(|mac| mac.is_ok() && *mac == macs[0]),
        "{:?}",
        macs.iter().find(|mac| mac.is_err())
    );
    // Each worker has a session copy of the key now, which outlives the key.
    token.destroy(&[id(2)]).await.unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..16 * WORKERS {
        calls.spawn(mac(token.clone()));
    }
    for answer in calls.join_all().await {
        assert_eq!(answer, Err(Error::KeyMaterialMissing { version: id(2) }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_end_with_their_token_handle() {
    let bench = Bench::new();
    let token = bench.open();
    let processes = token.worker_processes();
    assert_eq!(processes.len(), 1);
    drop(token);
    until("the process has ended", async || test_kill_process(pid(processes[0])).is_err()).await;
    let token = bench.open();
    assert!(token.drain(Duration::from_secs(10)).await);
    assert!(token.worker_processes().is_empty());
    let refused = token.health().await;
    assert!(matches!(refused, Err(Error::TokenUnavailable { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_are_confined_and_know_no_pin() {
    let bench = Bench::new();
    let token = bench.open();
    let process = token.worker_processes()[0];
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches(':').trim().to_owned())
    };
    assert_eq!(field("NoNewPrivs").as_deref(), Some("1"));
    assert_eq!(field("Seccomp").as_deref(), Some("2"), "system calls are filtered");
    for file in ["cmdline", "environ"] {
        let content = std::fs::read(format!("/proc/{process}/{file}")).unwrap();
        let pin = pin();
        let secret = pin.expose_secret().as_bytes();
        assert!(!content.windows(secret.len()).any(|window| window == secret), "{file}");
    }
    // The directory of the tokens, and no other, is writable: SoftHSM could not create keys otherwise.
    token.generate(id(1), &spec(p256()), WRAPPABLE).await.unwrap();
}

#[test]
fn worker_without_a_service_says_so() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .arg("token-worker")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("started by the service only"), "{text}");
}
