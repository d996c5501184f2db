//! Tests errors and recovery with injected faults: failures, a full queue, slow calls and panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use strongroom::model::Error;
use strongroom::model::algorithm::SignatureAlgorithm as Alg;
use strongroom::model::key::Curve;
use strongroom::token::{Call, Fault, Settings, Token};

use crate::fixture::{Bench, WRAPPABLE, ec, id, oct, spec};

/// Settings that inject the fault that `choose` returns for a call, once per call.
fn failing(choose: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) -> Settings {
    Settings { expect_sentinel: false, faults: Some(Arc::new(choose)) }
}

#[tokio::test]
async fn recovers_from_invalid_session_login_and_handle() {
    let count = Arc::new(AtomicUsize::new(0));
    let next = Arc::clone(&count);
    let faults = [Fault::SessionHandleInvalid, Fault::UserNotLoggedIn, Fault::KeyHandleInvalid];
    let bench = Bench::new();
    let token =
        bench.open_with(&failing(move |_| faults.get(next.fetch_add(1, Ordering::Relaxed) % 4).copied()));
    for round in 0..8 {
        let object = id(1 + round);
        token.generate(object, &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
        for _ in 0..6 {
            token.sign(object, ec(Curve::P256), Alg::Es256, vec![1; 32]).await.unwrap();
        }
        assert_eq!(token.holds(vec![object]).await.unwrap(), [true]);
        token.health().await.unwrap();
    }
    token.destroy(&(1..=8).map(id).collect::<Vec<_>>()).await.unwrap();
    assert!(count.load(Ordering::Relaxed) > 60);
}

#[tokio::test]
async fn device_errors_are_reported_with_ckr_code() {
    let fault = Arc::new(std::sync::Mutex::new(None));
    let chosen = Arc::clone(&fault);
    let bench = Bench::new();
    let token = bench.open_with(&failing(move |_| *chosen.lock().unwrap()));
    token.generate(id(1), &spec(oct(256)), WRAPPABLE).await.unwrap();
    let sign = || token.sign(id(1), oct(256), Alg::Hs256, vec![1; 32]);

    *fault.lock().unwrap() = Some(Fault::DeviceRemoved);
    let Err(Error::TokenUnavailable { why }) = sign().await else { panic!("not unavailable") };
    assert!(why.contains("CKR_DEVICE_REMOVED"), "{why}");
    *fault.lock().unwrap() = Some(Fault::DeviceError);
    let failed = Error::TokenFailed { function: "C_Sign", code: "CKR_DEVICE_ERROR".to_owned() };
    assert_eq!(sign().await, Err(failed));
    *fault.lock().unwrap() = None;
    sign().await.unwrap();
}

#[tokio::test]
async fn device_error_in_decrypt_is_not_invalid_input() {
    use strongroom::model::algorithm::{AesMode, Cipher};
    let bench = Bench::new();
    let token = bench.open_with(&failing(|call| match call {
        Call::Decrypt { .. } => Some(Fault::DeviceError),
        _ => None,
    }));
    token.generate(id(1), &spec(oct(256)), WRAPPABLE).await.unwrap();
    let cipher = Cipher::Aes(AesMode::Gcm, 256);
    let answer = token.decrypt(id(1), cipher, vec![1; 16], vec![1; 12], vec![1; 16], vec![]).await;
    assert!(matches!(answer, Err(Error::TokenFailed { function: "C_Decrypt", .. })), "{answer:?}");
}

#[tokio::test]
async fn full_queue_returns_busy() {
    let bench = Bench::with_profile(|profile| {
        profile.workers = 1;
        profile.queue = 4;
    });
    let token = bench.open_with(&failing(|_| Some(Fault::Delay(Duration::from_millis(200)))));
    let calls = (0..32).map(|_| token.random(16));
    let answers = futures_util::future::join_all(calls).await;
    let busy = answers.iter().filter(|answer| **answer == Err(Error::TokenBusy)).count();
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    // One is executing and four are queued; the worker may have dequeued one before all were sent.
    assert!((4..=6).contains(&done), "{done} completed");
    assert_eq!(busy + done, 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_nobody_waits_for_do_not_reach_the_token() {
    let bench = Bench::with_profile(|profile| (profile.workers, profile.queue) = (1, 4));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (held, begun) = (std::sync::Mutex::new(held), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&begun);
    // The first call runs until it is released.
    let token = bench.open_with(&failing(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            held.lock().unwrap().recv().unwrap();
        }
        None
    }));
    let past = token.until(Instant::now());
    assert_eq!(past.random(16).await, Err(Error::DeadlineExceeded));
    let call = |token: Token| tokio::spawn(async move { token.random(16).await });
    let deadline = Instant::now() + Duration::from_secs(1);
    let running = call(token.until(deadline));
    while begun.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }

    // Each time, the queue is full unless the calls before have left it.
    for caller in [0, 1] {
        let late = token.for_caller(caller).until(Instant::now() + Duration::from_millis(100));
        let answers = futures_util::future::join_all((0..4).map(|_| late.random(16))).await;
        assert_eq!(answers, vec![Err(Error::DeadlineExceeded); 4]);
    }
    let mut gone = Box::pin(futures_util::future::join_all((0..4).map(|_| token.random(16))));
    assert!(futures_util::poll!(&mut gone).is_pending());
    assert_eq!(token.random(16).await, Err(Error::TokenBusy));
    drop(gone);
    let mut waiting = Box::pin(futures_util::future::join_all((0..4).map(|_| token.random(16))));
    assert!(futures_util::poll!(&mut waiting).is_pending());

    // A call that has begun is completed after its deadline.
    tokio::time::sleep_until(deadline.into()).await;
    assert!(!running.is_finished());
    release.send(()).unwrap();
    assert_eq!(running.await.unwrap().unwrap().len(), 16);
    assert!(waiting.await.iter().all(Result::is_ok));
    assert_eq!(begun.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn timed_out_call_is_finished_by_its_worker() {
    let bench = Bench::with_profile(|profile| {
        profile.workers = 1;
        profile.call_ms = 100;
    });
    let slow = Arc::new(AtomicUsize::new(1));
    let left = Arc::clone(&slow);
    let token = bench.open_with(&failing(move |_| {
        let first = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        first.ok().map(|_| Fault::Delay(Duration::from_millis(400)))
    }));
    assert_eq!(token.random(16).await, Err(Error::TokenTimeout { milliseconds: 100 }));
    // The worker is still executing the call, and drain waits for it.
    assert!(!token.drain(Duration::from_millis(50)).await);
    assert!(matches!(token.random(16).await, Err(Error::TokenUnavailable { .. })));
    assert!(bench.module.clone().finalize().is_err());
    assert!(token.drain(Duration::from_secs(5)).await);
    bench.module.clone().finalize().unwrap();
}

#[tokio::test]
async fn drain_completes_queued_calls() {
    let bench = Bench::with_profile(|profile| profile.workers = 1);
    let token = bench.open_with(&failing(|_| Some(Fault::Delay(Duration::from_millis(20)))));
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let token = token.clone();
            tokio::spawn(async move { token.random(16).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert!(token.drain(Duration::from_secs(5)).await);
    for call in waiting {
        assert_eq!(call.await.unwrap().unwrap().len(), 16);
    }
}

#[tokio::test]
async fn slow_key_generation_does_not_block_signing() {
    let bench = Bench::new();
    let token = bench.open_with(&failing(|call| match call {
        Call::Generate { spec, .. } if spec.key_type == oct(256) => {
            Some(Fault::Delay(Duration::from_secs(2)))
        }
        _ => None,
    }));
    token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    let generator = token.clone();
    let generation = tokio::spawn(async move { generator.generate(id(2), &spec(oct(256)), WRAPPABLE).await });
    tokio::task::yield_now().await;
    for _ in 0..20 {
        token.sign(id(1), ec(Curve::P256), Alg::Es256, vec![1; 32]).await.unwrap();
    }
    assert!(!generation.is_finished());
    generation.await.unwrap().unwrap();
}

#[tokio::test]
async fn panic_fails_the_call_but_not_the_worker() {
    let panics = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let should_panic = Arc::clone(&panics);
    let bench = Bench::with_profile(|profile| profile.workers = 1);
    let token = bench.open_with(&failing(move |_| {
        assert!(!should_panic.load(Ordering::Relaxed), "injected panic");
        None
    }));
    token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    panics.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        let failed = token.sign(id(1), ec(Curve::P256), Alg::Es256, vec![1; 32]).await;
        assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
    }
    panics.store(false, Ordering::Relaxed);
    token.sign(id(1), ec(Curve::P256), Alg::Es256, vec![1; 32]).await.unwrap();
}

#[tokio::test]
async fn callers_with_few_calls_do_not_wait_for_those_with_many() {
    let bench = Bench::with_profile(|profile| (profile.workers, profile.queue) = (1, 100));
    let token = bench.open_with(&failing(|_| Some(Fault::Delay(Duration::from_millis(2)))));
    let done = Arc::new(AtomicUsize::new(0));
    let busy: Vec<_> = (0..100)
        .map(|_| {
            let (token, done) = (token.for_caller(1), Arc::clone(&done));
            tokio::spawn(async move {
                let answer = token.random(16).await;
                done.fetch_add(1, Ordering::Relaxed);
                answer
            })
        })
        .collect();
    tokio::task::yield_now().await;
    // The queue is full of calls of the other caller, which loses one.
    token.for_caller(2).random(16).await.unwrap();
    let before = done.load(Ordering::Relaxed);
    assert!(before < 50, "{before} of 100 calls of another caller ended before");
    let mut refused = 0;
    for call in busy {
        match call.await.unwrap() {
            Ok(_) => {}
            Err(Error::TokenBusy) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused <= 2, "{refused} refused");
}
