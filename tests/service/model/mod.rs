//! The rules of deletion and retention, written down a second time, against the service: random sequences of calls,
//! crashes and turns of the clock, after each of which both must say the same.
//!
//! A sequence follows from its seed. One that fails is made as short as it can be and printed with it;
//! `STRONGROOM_SOAK_SEED` runs it again, alone. `STRONGROOM_SOAK_SEQUENCES` says how many there are in all.

mod driver;
mod rules;
mod step;

use std::time::{Duration, Instant};

use driver::Driver;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rules::Model;
use step::{OnHsm, Step, sequences};

/// Sequences in all, unless the environment says otherwise.
const SEQUENCES: u64 = 200;
/// Tests they are spread over.
const TESTS: u64 = 4;
/// A server has so many before there is a new one: its clock goes forwards only.
const PER_SERVER: u64 = 250;
/// How long shorter sequences are tried once one has failed.
const SHORTENING: Duration = Duration::from_secs(60);

/// A number from the environment.
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Draws the sequence of a seed.
fn drawn(seed: u64) -> impl proptest::strategy::ValueTree<Value = Vec<Step>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    sequences().new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap()
}

/// Takes all steps, on the server and in the model. Says where they part: in an answer, in the resources, or in what is
/// in the HSM of the step; in any HSM after a turn of the clock, a new start and the last step.
async fn run(driver: &mut Driver, undeletable: bool, steps: &[Step]) -> Result<(), String> {
    let mut model = Model::new(driver.now().await, undeletable, Driver::others());
    // Set when the scheduler has work that nobody waits for.
    let mut settling = false;
    for (number, step) in steps.iter().enumerate() {
        let part = |what: &str, model: &dyn std::fmt::Debug, server: &dyn std::fmt::Debug| {
            format!("step {number}, {step:?}: {what}\n  model:  {model:#?}\n  server: {server:#?}")
        };
        let to = if let Step::Turn(turn) = step { model.destination(*turn) } else { 0 };
        let expected = model.take(step);
        let (answer, made) = driver.take(step, to).await;
        if answer != expected {
            return Err(part("the answers differ", &expected, &answer));
        }
        if let (Step::Key(_, hsm, key, _), Some(version)) = (step, made) {
            model.made(*hsm, *key, version);
        }
        settling |= matches!((step, &expected), (Step::Hsm(_, _, OnHsm::Recover), Ok(_)));
        // A crash should find the service as the answer left it.
        if steps.get(number + 1) == Some(&Step::Crash) {
            continue;
        }
        let at = if number + 1 == steps.len() { None } else { step.at() };
        let expected = model.view(at);
        let started = Instant::now();
        loop {
            let seen =
                driver.view(at).await.map_err(|status| format!("step {number}, {step:?}: {status:?}"))?;
            if seen == expected {
                break;
            }
            if !settling || started.elapsed() > Duration::from_secs(10) {
                return Err(part("the states differ", &expected, &seen));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        settling = false;
    }
    driver.tidy_up().await.map_err(|status| format!("tidying up: {status:?}"))
}

/// The shortest sequence that can be found which fails too, and how it does.
async fn shortest(seed: u64, undeletable: bool, failure: String) -> (Vec<Step>, String) {
    let mut tree = drawn(seed);
    let mut shortest = (tree.current(), failure);
    let mut goes_on = tree.simplify();
    let started = Instant::now();
    while goes_on && started.elapsed() < SHORTENING {
        // What failed may have left anything behind.
        let steps = tree.current();
        let outcome = run(&mut Driver::start(undeletable).await, undeletable, &steps).await;
        goes_on = match outcome {
            Ok(()) => tree.complicate(),
            Err(failure) => {
                shortest = (steps, failure);
                tree.simplify()
            }
        };
    }
    shortest
}

/// One test's share of all sequences.
async fn agree(test: u64, undeletable: bool) {
    let again = setting("STRONGROOM_SOAK_SEED");
    let count = setting("STRONGROOM_SOAK_SEQUENCES").unwrap_or(SEQUENCES).div_ceil(TESTS);
    let first = again.unwrap_or_else(|| rand::random::<u64>() >> 16);
    let seeds = if again.is_some() { first..first + 1 } else { first..first + count };
    println!("test {test}: seeds from {first} on");
    let (mut steps_taken, mut crashes, started) = (0, 0, Instant::now());
    let mut driver = Driver::start(undeletable).await;
    for (number, seed) in (0_u64..).zip(seeds) {
        if number > 0 && number % PER_SERVER == 0 {
            println!("test {test}: {number} sequences after {:?}", started.elapsed());
            driver = Driver::start(undeletable).await;
        }
        let steps = drawn(seed).current();
        if let Err(failure) = run(&mut driver, undeletable, &steps).await {
            let log = driver.log();
            drop(driver);
            println!("{log}\nseed {seed} fails: {failure}\n\n{steps:#?}");
            let (steps, failure) = shortest(seed, undeletable, failure).await;
            panic!("seed {seed}, as short as it was made: {failure}\n\n{steps:#?}");
        }
        steps_taken += steps.len();
        crashes += steps.iter().filter(|step| matches!(step, Step::Crash | Step::Restart)).count();
        assert!(!driver.log().contains("panicked"), "seed {seed}: {}", driver.log());
    }
    let spent = started.elapsed();
    println!(
        "test {test}: {count} sequences, {steps_taken} steps, {crashes} of them new starts, in {spent:?}"
    );
}

#[tokio::test]
async fn service_matches_model_1() {
    agree(1, false).await;
}

#[tokio::test]
async fn service_matches_model_2() {
    agree(2, false).await;
}

#[tokio::test]
async fn service_matches_model_3() {
    agree(3, false).await;
}

#[tokio::test]
async fn service_matches_model_in_protected_subscription() {
    agree(4, true).await;
}
