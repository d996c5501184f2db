//! A long test of everything at once: load on all surfaces, with random faults of the token, kills of worker processes, and kills and
//! restarts of the server, against a checker that knows every answer.
//!
//! `STRONGROOM_SOAK_SECONDS` sets the duration, `STRONGROOM_SOAK_SEED` the random seed.

mod chaos;
mod keys;
mod report;
mod session;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _, random};
use tokio::sync::watch;

use crate::model::setting;
use crate::support::strongroom;
use crate::token_faults::{Isolation, Rig};
use chaos::Chaos;
use keys::{KeyClient, Surface};
use report::Report;
use session::Session;

/// The duration, in seconds, unless the environment overrides it.
const SECONDS: u64 = 15;
/// How long the sweeper may take: it runs every 30 seconds.
const SWEPT: Duration = Duration::from_secs(75);
/// The number of worker processes.
const WORKERS: usize = 2;
/// The number of clients with keys, of each surface.
const KEY_CLIENTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_load_survives_random_faults_kills_and_restarts() {
    let seconds = setting("STRONGROOM_SOAK_SECONDS").unwrap_or(SECONDS);
    let seed = setting("STRONGROOM_SOAK_SEED").unwrap_or_else(random);
    println!("seed {seed}, {seconds} s");
    let mut rng = StdRng::seed_from_u64(seed);
    let rig = Rig::start_with(Isolation::Process, WORKERS);
    let objects_before = rig.objects();
    let report = Arc::new(Report::default());
    let stop = Arc::new(AtomicBool::new(false));
    let (sessions, current) = watch::channel(Arc::new(Session::open(&rig.server, 0).await));

    let mut key_clients = Vec::new();
    for who in 0..2 * KEY_CLIENTS {
        let surface = if who % 2 == 0 { Surface::Grpc } else { Surface::Rest };
        let rng = StdRng::seed_from_u64(rng.r#gen());
        let client = KeyClient::new(surface, who, current.clone(), Arc::clone(&report), rng);
        key_clients.push(tokio::spawn(client.run(Arc::clone(&stop))));
    }
    let values =
        tokio::spawn(values::run(current.clone(), Arc::clone(&stop), Arc::clone(&report), rng.r#gen()));
    let mut chaos = Chaos::new(rig, sessions, Arc::clone(&report), StdRng::seed_from_u64(rng.r#gen()));
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(seconds) {
        chaos.strike().await;
        chaos.sample_memory();
    }
    chaos.calm().await;
    stop.store(true, Ordering::Relaxed);

    let mut objects = 0;
    for client in key_clients {
        let client = client.await.unwrap_or_else(|error| panic!("{error}\n{}", chaos.log_tail()));
        objects += client.check_everything().await;
    }
    values.await.unwrap_or_else(|error| panic!("{error}\n{}", chaos.log_tail()));
    let mut rig = chaos.into_rig();
    // What failed calls have left is removed by the sweeper.
    let swept = Instant::now();
    while rig.objects() != objects_before + objects {
        let why = format!("{} objects, {} of acknowledged versions", rig.objects(), objects_before + objects);
        assert!(swept.elapsed() < SWEPT, "{why}\n{}", rig.server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(rig.server.stop().success(), "{}", rig.server.log());
    assert_eq!(rig.objects(), objects_before + objects);
    let output = strongroom()
        .arg("--data-dir")
        .arg(rig.server.directory())
        .args(["audit", "verify"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    report.check();
    println!("{report}\n{objects} objects of acknowledged versions: 0 lost, 0 wrong, 0 orphaned");
}
