//! Signing many digests with one key.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::batches::{
    BEFORE_CANCELLATION, Batch as _, Sign, assert_limits, assert_requires_usable_key, assert_same_error,
    audited, item_error, results, values,
};
use crate::calls::{import, invalid_field, key, refusal, sign};
use crate::software::rsa_key::RsaKey;
use crate::software::{CURVES, MACS, RSA_SIGNATURES, digest, symmetric, verifies};
use crate::support::{Server, ec, oct};
use crate::usage::{freeze_clock_at, midnight, subscription};

fn item(algorithm: &str, digest: &[u8]) -> pb::SignItem {
    pb::SignItem { algorithm: algorithm.to_owned(), digest: digest.to_vec() }
}

fn digest_of(algorithm: &str, number: usize) -> Vec<u8> {
    digest(algorithm, format!("pay {number} to Alice").as_bytes())
}

#[tokio::test]
async fn signatures_are_in_order_and_verify_with_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut keys =
        vec![(import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await, &RSA_SIGNATURES[..])];
    for (curve, algorithm, _) in &CURVES {
        keys.push((dev.create(ec(curve, curve)).await.unwrap(), std::slice::from_ref(algorithm)));
    }
    for (bundle, algorithms) in keys {
        // Items of one batch may have different algorithms.
        let inputs: Vec<_> = algorithms.iter().cycle().take(30).zip(0..).collect();
        let items = inputs.iter().map(|(name, number)| item(name, &digest_of(name, *number))).collect();
        let (used, signatures) = Sign::call(&mut dev, &bundle.name, items).await.unwrap();
        assert_eq!((&used, signatures.len()), (&bundle.name, inputs.len()));
        let public = bundle.key.unwrap();
        for ((algorithm, number), signature) in inputs.into_iter().zip(signatures) {
            let signature = signature.unwrap();
            assert!(verifies(&public, algorithm, &digest_of(algorithm, number), &signature), "{algorithm}");
            let other = digest_of(algorithm, number + 1);
            assert!(!verifies(&public, algorithm, &other, &signature), "{algorithm} {number}");
        }
    }
    let name = import(&mut dev, "oct", symmetric::material(256)).await.name;
    let inputs: Vec<_> = MACS.iter().cycle().take(30).zip(0..).collect();
    let items = inputs.iter().map(|(name, number)| item(name, &digest_of(name, *number))).collect();
    let macs = values::<Sign>(&mut dev, &name, items).await;
    for ((algorithm, number), mac) in inputs.into_iter().zip(macs) {
        assert_eq!(mac, symmetric::mac(algorithm, 256, &digest_of(algorithm, number)));
    }
}

#[tokio::test]
async fn items_fail_separately_with_the_error_of_the_single_call() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    let (good, other) = (digest("ES256", b"good"), digest("ES384", b"other"));
    let inputs = [
        ("ES256", &good[..]),
        ("ES256", &good[1..]),
        ("ES256", &[]),
        ("ES384", &other),
        ("RS256", &good),
        ("none", &good),
        ("", &good),
        ("ES256", &good),
    ];
    let items = inputs.iter().map(|(algorithm, digest)| item(algorithm, digest)).collect();
    let results = results::<Sign>(&mut dev, &made.name, items).await;
    let public = made.key.unwrap();
    for (number, ((algorithm, digest), result)) in inputs.iter().zip(&results).enumerate() {
        match result {
            Ok(signature) => {
                assert!([0, 7].contains(&number) && verifies(&public, "ES256", &good, signature));
            }
            failed => assert_same_error(failed, sign(&mut dev, &made.name, algorithm, digest).await),
        }
    }
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
    // One entry, with the numbers of items; the caller's errors are no errors of the server.
    assert_eq!(audited(&server, "KeySignBatch", 1), [(200, Some(8), Some(6))]);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn batches_have_1_to_1000_items() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    assert_limits::<Sign>(&mut dev, &key("invoices"), item("ES256", &[7; 32])).await;
    let counts = [(200, Some(1), Some(0)), (200, Some(1000), Some(0)), (400, None, None), (400, None, None)];
    assert_eq!(audited(&server, "KeySignBatch", 4), counts);
}

#[tokio::test]
async fn requires_an_enabled_valid_key_that_permits_sign() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let right = item("ES256", &[7; 32]);
    assert_requires_usable_key::<Sign>(&mut dev, &key("invoices"), ("sign", true), right).await;
}

#[tokio::test]
async fn uses_the_current_version_unless_one_is_named() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(ec("invoices", "P-256")).await.unwrap().name;
    let second = dev.create(ec("invoices", "P-256")).await.unwrap().name;
    for (asked, used) in [(&key("invoices"), &second), (&first, &first), (&second, &second)] {
        let answer = Sign::call(&mut dev, asked, vec![item("ES256", &[7; 32])]).await.unwrap();
        assert_eq!(&answer.0, used);
    }
}

/// SoftHSM requires MAC keys as long as the hash.
#[tokio::test]
async fn mechanisms_missing_in_the_token_fail_their_items() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = dev.create(oct("data", 192)).await.unwrap().name;
    let results = results::<Sign>(&mut dev, &name, vec![item("HS256", &[7; 32])]).await;
    assert_eq!(item_error(&results[0]), (Code::Unimplemented, "NOT_AVAILABLE".to_owned()));
}

#[tokio::test]
async fn each_item_is_a_billed_operation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    freeze_clock_at(&mut dev, "2050-01-10").await;
    let name = dev.create(ec("sample", "P-256")).await.unwrap().name;
    let good = item("ES256", &[7; 32]);
    values::<Sign>(&mut dev, &name, vec![good.clone(); 100]).await;
    // Items that fail count, as single calls that fail do.
    results::<Sign>(&mut dev, &name, vec![good.clone(), item("ES256", &[7; 31])]).await;
    // A batch that is refused counts as the calls that would have been refused.
    let mut nobody = server.client("nobody").await;
    assert_eq!(refusal(Sign::call(&mut nobody, &name, vec![good; 7]).await).0, Code::PermissionDenied);
    // Without items, it is a call that could not be parsed, which is attributed to no HSM.
    assert_eq!(invalid_field(Sign::call(&mut dev, &name, Vec::new()).await), "items");
    let request = pb::ListUsageRequest {
        parent: subscription(&server),
        from: midnight("2050-01-10"),
        to: midnight("2050-01-11"),
        ..Default::default()
    };
    let usage = dev.usage.list_usage(request).await.unwrap().into_inner();
    let counts: Vec<_> = usage
        .records
        .iter()
        .filter(|record| record.event == "KeySignBatch")
        .map(|record| (record.class.as_str(), record.count))
        .collect();
    // The type of the key, and with it the class, is known for calls that have used it.
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 100 + 2 + 7, "{counts:?}");
    assert!(counts.contains(&("advanced", 102)), "{counts:?}");
    let records = audited(&server, "KeySignBatch", 4);
    let refused = [(403, Some(7), None), (400, None, None)];
    assert_eq!(records, [&[(200, Some(100), Some(0)), (200, Some(2), Some(1))], &refused[..]].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_batch_is_recorded_and_not_continued() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = import(&mut dev, "large", RsaKey::of_4096_bits().material()).await.name;
    let items = vec![item("RS512", &[7; 64]); 1000];
    let cancelled = tokio::time::timeout(BEFORE_CANCELLATION, Sign::call(&mut dev, &name, items)).await;
    assert!(cancelled.is_err(), "signed 1000 times within {BEFORE_CANCELLATION:?}");
    assert_eq!(audited(&server, "KeySignBatch", 1), [(499, Some(1000), None)]);
    // The token is free again: the next call does not wait for the remaining items.
    let started = std::time::Instant::now();
    sign(&mut dev, &name, "RS512", &[7; 64]).await.unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}

/// A batch does not fill the queue of the token: other calls are answered while it runs.
#[tokio::test]
async fn concurrent_batches_and_calls_succeed() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = dev.create(ec("invoices", "P-256")).await.unwrap().name;
    let mut batches = Vec::new();
    for _ in 0..4 {
        let (mut dev, name) = (dev.clone(), name.clone());
        let items = vec![item("ES256", &[7; 32]); 1000];
        batches.push(tokio::spawn(async move { values::<Sign>(&mut dev, &name, items).await.len() }));
    }
    for _ in 0..50 {
        sign(&mut dev, &name, "ES256", &[7; 32]).await.unwrap();
    }
    for batch in batches {
        assert_eq!(batch.await.unwrap(), 1000);
    }
}
