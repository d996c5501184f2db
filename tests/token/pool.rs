//! Tests concurrent allocation and release of tokens for HSMs.

use std::collections::HashSet;

use strongroom::model::Error;
use strongroom::token::{Selector, TokenPool, TokenSource, TokenUsage};

use crate::fixture::{Bench, pin, so_pin};

/// The number of concurrent allocations.
const CONCURRENCY: usize = 7;

/// Allocates a token for each label concurrently, and returns their serial numbers.
async fn allocate_concurrently(
    pool: &TokenPool,
    labels: &[String],
    claims: &TokenUsage,
) -> Vec<Result<String, Error>> {
    let tasks: Vec<_> = labels
        .iter()
        .map(|label| {
            let (pool, label, claims) = (pool.clone(), label.clone(), claims.clone());
            tokio::spawn(async move {
                pool.allocate(&label, || claims.clone()).await.map(|token| token.info().serial.clone())
            })
        })
        .collect();
    let mut serials = Vec::new();
    for task in tasks {
        serials.push(task.await.unwrap());
    }
    serials
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_allocations_get_distinct_tokens() {
    let bench = Bench::new();
    let source = TokenSource::SoftHsm { pin: pin(), so_pin: so_pin() };
    let pool = TokenPool::new(bench.module.clone(), source);
    for round in 0..4 {
        let labels: Vec<String> = (0..CONCURRENCY).map(|number| format!("hsm-{round}-{number}")).collect();
        let allocated = allocate_concurrently(&pool, &labels, &TokenUsage::default()).await;
        let serials: HashSet<String> = allocated.into_iter().map(Result::unwrap).collect();
        assert_eq!(serials.len(), CONCURRENCY);
        for serial in serials {
            pool.release(&serial, &[], || false).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pool_token_is_reserved_while_its_hsm_is_pending() {
    let bench = Bench::new();
    let second = bench.module.provision("second", &so_pin(), &pin()).unwrap();
    let serials = [bench.info.serial.clone(), second.serial];
    let tokens = serials.iter().map(|serial| Selector::Serial(serial.clone())).collect();
    let pool = TokenPool::new(
        bench.module.clone(),
        TokenSource::Preinitialized { tokens, shared: false, pin: pin() },
    );
    let labels: Vec<String> = (0..CONCURRENCY).map(|number| format!("hsm-{number}")).collect();
    let pending = TokenUsage { pending: labels.clone(), in_use: Vec::new() };
    let exhausted = Err(Error::TokenPoolExhausted { tokens: 2 });

    let answers = allocate_concurrently(&pool, &labels, &pending).await;
    let allocated: HashSet<_> = answers.iter().flatten().cloned().collect();
    assert_eq!(allocated, serials.iter().cloned().collect());
    assert_eq!(answers.iter().filter(|answer| **answer == exhausted).count(), CONCURRENCY - 2);

    // The first HSM is committed, the creation of the second failed.
    let in_use = vec![serials[0].clone()];
    let recorded = TokenUsage { pending: vec!["late".to_owned()], in_use };
    let late = allocate_concurrently(&pool, &["late".to_owned()], &recorded).await;
    assert_eq!(late, [Ok(serials[1].clone())]);
    assert_eq!(allocate_concurrently(&pool, &["later".to_owned()], &recorded).await, [exhausted]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn shared_pool_allocates_one_token_to_all() {
    let bench = Bench::new();
    let tokens = vec![Selector::Serial(bench.info.serial.clone())];
    let pool = TokenPool::new(
        bench.module.clone(),
        TokenSource::Preinitialized { tokens, shared: true, pin: pin() },
    );
    let labels: Vec<String> = (0..CONCURRENCY).map(|number| format!("hsm-{number}")).collect();
    for answer in allocate_concurrently(&pool, &labels, &TokenUsage::default()).await {
        assert_eq!(answer.as_ref(), Ok(&bench.info.serial));
    }
    // Releasing it once keeps it open for the other HSMs.
    pool.release(&bench.info.serial, &[], || false).await.unwrap();
    let again = allocate_concurrently(&pool, &labels, &TokenUsage::default()).await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
}
