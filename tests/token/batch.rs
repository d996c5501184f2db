//! Tests batches on a token that is slow, busy or fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use strongroom::clock::Clock;
use strongroom::model::algorithm::SignatureAlgorithm;
use strongroom::model::change::{Change, VersionOrigin};
use strongroom::model::container_id::KeyId;
use strongroom::model::due::Notices;
use strongroom::model::key::{Attributes, Curve, KeyOperation, KeyOperations, KeyVersion, Tags};
use strongroom::model::{Error, Result};
use strongroom::ops::crypto::{BatchReply, BatchSign, SignInput};
use strongroom::store::Commit;
use strongroom::token::{Call, Fault, Profile, Settings};

use crate::engine::Rig;
use crate::fixture::{Bench, WRAPPABLE, ec, id, spec};
use crate::sweeper::{hsm, local};

/// An engine with an HSM that has a P-256 key, whose token has these faults while it signs. `fault` gets the number of
/// signatures that have begun.
async fn rig(
    profile: impl FnOnce(&mut Profile),
    fault: impl Fn(usize) -> Option<Fault> + Send + Sync + 'static,
) -> Rig {
    let rig = Rig::on(Bench::with_profile(profile), Clock::System).await;
    let begun = AtomicUsize::new(0);
    let hook = move |call: &Call| match call {
        Call::Sign { .. } => fault(begun.fetch_add(1, Ordering::SeqCst)),
        _ => None,
    };
    let token = rig.bench.open_with(&Settings { faults: Some(Arc::new(hook)), ..Settings::default() });
    let material = token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    rig.tokens.attach(&local().into(), token);
    let now = Clock::System.now();
    let version = KeyVersion {
        container: local().into(),
        name: "k".parse().unwrap(),
        version: id(1),
        material,
        protection: Default::default(),
        operations: KeyOperations::from([KeyOperation::Sign]),
        attributes: Attributes {
            enabled: true,
            not_before: None,
            expires: None,
            created: now,
            updated: now,
            exportable: false,
        },
        tags: Tags::new(),
        notices: Notices::default(),
        mode_family: None,
    };
    let mut changes = hsm(rig.bench.info.serial.clone());
    changes.push(Change::InsertVersion(version, VersionOrigin::Created));
    rig.store.commit(Commit { changes, ..Commit::default() }).await.unwrap();
    rig
}

/// Signs `count` digests in one batch.
async fn sign(rig: &Rig, count: usize) -> Vec<Result<Vec<u8>>> {
    let key = KeyId { container: local().into(), name: "k".parse().unwrap(), version: None };
    let input = SignInput { algorithm: SignatureAlgorithm::Es256, digest: vec![7; 32] };
    let batch = BatchSign::new(key, vec![Ok(input); count]).unwrap();
    let BatchReply { results, .. } = rig.engine.run_due(batch).await.unwrap();
    assert_eq!(results.len(), count);
    results
}

#[tokio::test]
async fn unavailable_token_fails_the_remaining_items_and_not_those_done() {
    let rig = rig(|_| {}, |begun| (begun >= 100).then_some(Fault::DeviceRemoved)).await;
    let results = sign(&rig, 1000).await;
    // Calls with up to 16 items are in the token at the same time: which of them began first is open, how many did is not.
    let failed: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!((900..=910).contains(&failed.len()), "{}", failed.len());
    let unavailable = |error: &&Error| matches!(error, Error::TokenUnavailable { .. });
    assert!(failed.iter().all(unavailable), "{failed:?}");
    // The call has succeeded, with one record that has both numbers.
    let [record] = &rig.records("KeySignBatch", 1).await[..] else { panic!("one record") };
    assert_eq!(record["resultSignature"], "OK");
    assert_eq!(record["properties"]["items"], 1000);
    assert_eq!(record["properties"]["failedItems"], failed.len());
}

#[tokio::test]
async fn item_that_times_out_fails_the_remaining_ones_at_once() {
    let slow = |begun| (begun == 20).then_some(Fault::Delay(Duration::from_secs(3)));
    let rig = rig(|profile| (profile.call_ms, profile.workers) = (500, 1), slow).await;
    let started = std::time::Instant::now();
    let results = sign(&rig, 1000).await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // The items of one call to the token share its deadline: 16, if they are short.
    assert!(results.iter().take(16).all(Result::is_ok));
    assert!(matches!(results[20], Err(Error::TokenTimeout { .. })), "{:?}", results[20]);
    let unavailable = |result: &Result<_>| matches!(result, Err(Error::TokenUnavailable { .. }));
    assert!(results.iter().skip(100).all(unavailable));
}

#[tokio::test]
async fn fault_of_one_item_fails_only_this_item() {
    let rig = rig(|_| {}, |begun| (begun == 50).then_some(Fault::DeviceError)).await;
    let results = sign(&rig, 200).await;
    let failed: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    let device_error = Error::TokenFailed { function: "C_Sign", code: "CKR_DEVICE_ERROR".to_owned() };
    assert_eq!(failed, [&device_error]);
}

/// A full queue makes a batch wait: no item fails, although the queue has one place.
#[tokio::test]
async fn full_queue_makes_items_wait() {
    let slow = |_| Some(Fault::Delay(Duration::from_millis(2)));
    let rig = rig(|profile| (profile.queue, profile.workers) = (1, 1), slow).await;
    let (first, second) = tokio::join!(sign(&rig, 100), sign(&rig, 100));
    assert!(first.iter().chain(&second).all(Result::is_ok), "{first:?}");
}
