//! Compares the service with a model of deletion and retention after each step of random sequences of calls, crashes
//! and clock changes.
//!
//! A sequence is determined by its seed. A failing sequence is shrunk and printed with its seed;
//! `STRONGROOM_SOAK_SEED` runs it again, alone. `STRONGROOM_SOAK_SEQUENCES` sets the total number of sequences.

mod driver;
mod rules;
mod step;

use std::time::{Duration, Instant};

use driver::Driver;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rules::Model;
use step::{HsmAction, Step, sequences};

/// The total number of sequences, unless the environment overrides it.
const SEQUENCES: u64 = 200;
/// The number of tests that share the sequences.
const TESTS: u64 = 4;
/// The number of sequences before a new server is started, since a server's clock only advances.
const PER_SERVER: u64 = 250;
/// The time limit for shrinking a failing sequence.
const SHRINK_LIMIT: Duration = Duration::from_secs(60);

/// Reads a number from the environment.
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Generates the sequence of a seed.
fn drawn(seed: u64) -> impl proptest::strategy::ValueTree<Value = Vec<Step>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    sequences().new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap()
}

/// Applies all steps to the server and to the model. Errors with the first difference: in a reply, in the resources, or
/// in the content of the step's HSM; of all HSMs after a clock change, a restart and the last step.
async fn run(driver: &mut Driver, undeletable: bool, steps: &[Step]) -> Result<(), String> {
    let mut model = Model::new(driver.now().await, undeletable, Driver::others());
    // Set while the scheduler has work that no call waits for.
    let mut settling = false;
    for (number, step) in steps.iter().enumerate() {
        let difference = |what: &str, model: &dyn std::fmt::Debug, server: &dyn std::fmt::Debug| {
            format!("step {number}, {step:?}: {what}\n  model:  {model:#?}\n  server: {server:#?}")
        };
        let to = if let Step::Turn(turn) = step { model.destination(*turn) } else { 0 };
        let expected = model.take(step);
        let (answer, made) = driver.take(step, to).await;
        if answer != expected {
            return Err(difference("the replies differ", &expected, &answer));
        }
        if let (Step::Key(_, hsm, key, _), Some(version)) = (step, made) {
            model.add_version(*hsm, *key, version);
        }
        settling |= matches!((step, &expected), (Step::Hsm(_, _, HsmAction::Recover), Ok(_)));
        // A crash must hit the service in the state right after the reply.
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
                return Err(difference("the states differ", &expected, &seen));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        settling = false;
    }
    driver.tidy_up().await.map_err(|status| format!("cleaning up: {status:?}"))
}

/// Returns the shortest failing sequence that can be found, and its failure.
async fn shortest(seed: u64, undeletable: bool, failure: String) -> (Vec<Step>, String) {
    let mut tree = drawn(seed);
    let mut shortest = (tree.current(), failure);
    let mut goes_on = tree.simplify();
    let started = Instant::now();
    while goes_on && started.elapsed() < SHRINK_LIMIT {
        // A new server, since the failed sequence may have left any state.
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

/// Runs one test's share of all sequences.
async fn run_share(test: u64, undeletable: bool) {
    let again = setting("STRONGROOM_SOAK_SEED");
    let count = setting("STRONGROOM_SOAK_SEQUENCES").unwrap_or(SEQUENCES).div_ceil(TESTS);
    let first = again.unwrap_or_else(|| rand::random::<u64>() >> 16);
    let seeds = if again.is_some() { first..first + 1 } else { first..first + count };
    println!("test {test}: seeds start at {first}");
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
            panic!("seed {seed}, shrunk: {failure}\n\n{steps:#?}");
        }
        steps_taken += steps.len();
        crashes += steps.iter().filter(|step| matches!(step, Step::Crash | Step::Restart)).count();
        assert!(!driver.log().contains("panicked"), "seed {seed}: {}", driver.log());
    }
    let spent = started.elapsed();
    println!("test {test}: {count} sequences, {steps_taken} steps, {crashes} of them restarts, in {spent:?}");
}

#[tokio::test]
async fn service_matches_model_1() {
    run_share(1, false).await;
}

#[tokio::test]
async fn service_matches_model_2() {
    run_share(2, false).await;
}

#[tokio::test]
async fn service_matches_model_3() {
    run_share(3, false).await;
}

#[tokio::test]
async fn service_matches_model_in_protected_subscription() {
    run_share(4, true).await;
}
