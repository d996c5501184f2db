//! Tokens taken for HSMs and given back, by many at once.

use std::collections::HashSet;

use strongroom::model::Error;
use strongroom::token::{Claims, Selector, Source, Supply};

use crate::fixture::{Bench, pin, so_pin};

/// How many take a token at once.
const MANY: usize = 7;

/// Takes a token under each of some labels, all at once.
async fn take_at_once(supply: &Supply, labels: &[String], claims: &Claims) -> Vec<Result<String, Error>> {
    let tasks: Vec<_> = labels
        .iter()
        .map(|label| {
            let (supply, label, claims) = (supply.clone(), label.clone(), claims.clone());
            tokio::spawn(async move {
                supply.take(&label, || claims.clone()).await.map(|token| token.info().serial.clone())
            })
        })
        .collect();
    let mut taken = Vec::new();
    for task in tasks {
        taken.push(task.await.unwrap());
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_allocations_get_distinct_tokens() {
    let bench = Bench::new();
    let source = Source::SoftHsm { directory: bench.directory.clone(), pin: pin(), so_pin: so_pin() };
    let supply = Supply::new(bench.module.clone(), source);
    for round in 0..4 {
        let labels: Vec<String> = (0..MANY).map(|number| format!("hsm-{round}-{number}")).collect();
        let taken = take_at_once(&supply, &labels, &Claims::default()).await;
        let serials: HashSet<String> = taken.into_iter().map(Result::unwrap).collect();
        assert_eq!(serials.len(), MANY);
        for serial in serials {
            supply.give_back(&serial, &[], || false).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pool_token_is_reserved_while_its_hsm_is_pending() {
    let bench = Bench::new();
    let second = bench.directory.provision(&bench.module, "second", &so_pin(), &pin()).unwrap();
    let serials = [bench.info.serial.clone(), second.serial];
    let tokens = serials.iter().map(|serial| Selector::Serial(serial.clone())).collect();
    let supply = Supply::new(bench.module.clone(), Source::Pool { tokens, shared: false, pin: pin() });
    let labels: Vec<String> = (0..MANY).map(|number| format!("hsm-{number}")).collect();
    let pending = Claims { pending: labels.clone(), in_use: Vec::new() };
    let exhausted = Err(Error::TokenPoolExhausted { tokens: 2 });

    let answers = take_at_once(&supply, &labels, &pending).await;
    let taken: HashSet<_> = answers.iter().flatten().cloned().collect();
    assert_eq!(taken, serials.iter().cloned().collect());
    assert_eq!(answers.iter().filter(|answer| **answer == exhausted).count(), MANY - 2);

    // The first HSM is on record, the second did not come about.
    let in_use = vec![serials[0].clone()];
    let recorded = Claims { pending: vec!["late".to_owned()], in_use };
    let late = take_at_once(&supply, &["late".to_owned()], &recorded).await;
    assert_eq!(late, [Ok(serials[1].clone())]);
    assert_eq!(take_at_once(&supply, &["later".to_owned()], &recorded).await, [exhausted]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn shared_pool_allocates_one_token_to_all() {
    let bench = Bench::new();
    let tokens = vec![Selector::Serial(bench.info.serial.clone())];
    let supply = Supply::new(bench.module.clone(), Source::Pool { tokens, shared: true, pin: pin() });
    let labels: Vec<String> = (0..MANY).map(|number| format!("hsm-{number}")).collect();
    for answer in take_at_once(&supply, &labels, &Claims::default()).await {
        assert_eq!(answer.as_ref(), Ok(&bench.info.serial));
    }
    // It stays open for the others when one of them gives it back.
    supply.give_back(&bench.info.serial, &[], || false).await.unwrap();
    let again = take_at_once(&supply, &labels, &Claims::default()).await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
}
