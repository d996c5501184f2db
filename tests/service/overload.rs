//! Tests overload: a full queue refuses calls at once and says when to repeat them, callers take turns, and calls past their
//! deadline, or of clients that are gone, leave the queue without use of the token.
//!
//! The worker process of the token is stopped while the queue fills, so that no assertion depends on speed.

use std::time::{Duration, Instant};

use axum::body::Body;
use prost::Message as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use strongroom::api::grpc::pb;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::calls::key;
use crate::connections::{H2, rpc};
use crate::raw;
use crate::rest::client::{Rest, base64url};
use crate::software::verifies;
use crate::support::{Client, Server, ec, reason};
use crate::worker_processes::workers;

/// The number of places in the queue.
const QUEUE: usize = 16;

/// The calls that the worker process has: one that runs, and four short ones that wait in it.
const IN_WORKER: usize = 5;

/// A health check of the service may take a place.
const HEALTH: usize = 1;

const DIGEST: [u8; 32] = [7; 32];

const SETTINGS: &[(&str, &str)] = &[
    ("STRONGROOM_TOKEN__ISOLATION", "process"),
    ("STRONGROOM_TOKEN__PROCESSES", "1"),
    ("STRONGROOM_TOKEN__QUEUE", "16"),
    // Longer than the worker is stopped.
    ("STRONGROOM_TOKEN__TIMEOUT_MILLISECONDS", "120000"),
];

/// How a call ended.
enum Outcome {
    Signed(Vec<u8>),
    /// Refused by the full queue, with the time after which to repeat it.
    Refused,
}

/// Worker processes that are stopped until this is dropped.
struct Stopped(Vec<Pid>);

impl Stopped {
    fn stop(server: &Server) -> Self {
        let workers = workers(server);
        for worker in &workers {
            kill_process(*worker, Signal::STOP).unwrap();
        }
        Self(workers)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for worker in &self.0 {
            let _ = kill_process(*worker, Signal::CONT);
        }
    }
}

fn request() -> pb::SignRequest {
    pb::SignRequest { name: key("invoices"), algorithm: "ES256".to_owned(), digest: DIGEST.to_vec() }
}

/// Signs over gRPC. A refusal must be complete.
async fn sign(mut client: Client) -> Outcome {
    match client.crypto.sign(request()).await {
        Ok(signed) => Outcome::Signed(signed.into_inner().signature),
        Err(status) => {
            let told = (status.code(), reason(&status));
            assert_eq!(told, (Code::ResourceExhausted, "TOKEN_BUSY".to_owned()), "{status:?}");
            let retry = status.get_details_retry_info().unwrap().retry_delay.unwrap();
            assert!(!retry.is_zero(), "{status:?}");
            Outcome::Refused
        }
    }
}

/// Signs over REST. A refusal must be complete.
async fn sign_over_rest(client: Rest) -> Outcome {
    let body = json!({"alg": "ES256", "value": base64url(&DIGEST)});
    let response = client.post("/keys/invoices/sign", body).await;
    if response.status == 200 {
        use base64::Engine as _;
        let value = response.json(200)["value"].as_str().unwrap().to_owned();
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value).unwrap();
        return Outcome::Signed(signature);
    }
    response.error(429, "Throttled");
    let seconds: u64 = response.header("retry-after").parse().unwrap();
    assert!(seconds >= 1, "{response:?}");
    Outcome::Refused
}

/// Signs over gRPC with a deadline, below the generated client, which would enforce it itself. Returns the server's status.
async fn sign_until(connection: &H2, token: &str, milliseconds: u64) -> Status {
    let request_head = rpc("/strongroom.v1.CryptoService/Sign", Some(token))
        .header("grpc-timeout", format!("{milliseconds}m"));
    let body = Body::from(raw::frame(&request().encode_to_vec()));
    let response = connection.send(request_head, body).await.unwrap();
    Status::from_header_map(response.headers()).expect("the call was answered with a message")
}

/// Waits until this number of calls is refused. All others must not have ended.
async fn refusals(calls: &mut JoinSet<Outcome>, count: usize) {
    for _ in 0..count {
        let next = tokio::time::timeout(Duration::from_secs(60), calls.join_next());
        let outcome = next.await.expect("calls wait that should be refused").unwrap().unwrap();
        assert!(matches!(outcome, Outcome::Refused), "a stopped worker has signed");
    }
}

/// Waits for all calls, and verifies each signature with another implementation. Returns the number of signatures.
async fn signatures(calls: JoinSet<Outcome>, public: &pb::JsonWebKey) -> usize {
    let mut count = 0;
    for outcome in calls.join_all().await {
        if let Outcome::Signed(signature) = outcome {
            assert!(verifies(public, "ES256", &DIGEST, &signature));
            count += 1;
        }
    }
    count
}

/// Waits for as many audit entries of signatures with this result.
fn audited(server: &Server, least: usize, result: &str) -> usize {
    let with_result = |record: &serde_json::Value| {
        record["operationName"] == "KeySign" && record["resultSignature"] == result
    };
    server.audit_where(least, with_result).len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_queue_refuses_at_once_and_keeps_only_calls_that_are_waited_for() {
    let server = Server::start_with(&[], SETTINGS);
    let mut dev = server.client("dev").await;
    let bundle = dev.create(ec("invoices", "P-256")).await.unwrap();
    let public = bundle.key.unwrap();
    let (dev_rest, user) = (Rest::authenticated(&server, "dev").await, server.client("crypto-user").await);
    let user_token = server.access_token("crypto-user").await;
    let (connection, user_rest) = (H2::open(&server).await, dev_rest.with_token(&user_token));
    assert!(matches!(sign(dev.clone()).await, Outcome::Signed(_)));

    // One caller sends four times as many calls as the queue holds.
    let stopped = Stopped::stop(&server);
    let mut flood = JoinSet::new();
    for number in 0..4 * QUEUE {
        if number % 2 == 0 {
            flood.spawn(sign(dev.clone()));
        } else {
            flood.spawn(sign_over_rest(dev_rest.clone()));
        }
    }
    refusals(&mut flood, 4 * QUEUE - QUEUE - IN_WORKER).await;

    // Another caller gets places, which the first one loses.
    let mut others = JoinSet::new();
    others.spawn(sign(user.clone()));
    others.spawn(sign(user.clone()));
    others.spawn(sign_over_rest(user_rest.clone()));
    refusals(&mut flood, 3).await;

    // Clients that are gone leave the queue: a cancelled request, and a closed connection.
    let mut gone = JoinSet::new();
    gone.spawn(sign(user.clone()));
    gone.spawn(sign(user.clone()));
    gone.spawn(sign_over_rest(user_rest.clone()));
    refusals(&mut flood, 3).await;
    gone.shutdown().await;
    audited(&server, 3, "CANCELLED");

    // So do calls at their deadline, or with a deadline in the past.
    let started = Instant::now();
    let mut late = user.clone();
    let mut limited = tonic::Request::new(request());
    limited.set_timeout(Duration::from_millis(1000));
    let (client_status, first, second, third) = tokio::join!(
        late.crypto.sign(limited),
        sign_until(&connection, &user_token, 1000),
        sign_until(&connection, &user_token, 1000),
        sign_until(&connection, &user_token, 0),
    );
    assert!(started.elapsed() >= Duration::from_millis(1000));
    let client_code = client_status.unwrap_err().code();
    assert!(matches!(client_code, Code::Cancelled | Code::DeadlineExceeded), "{client_code:?}");
    for status in [first, second, third] {
        let told = (status.code(), reason(&status));
        assert_eq!(told, (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned()), "{status:?}");
    }
    audited(&server, 3, "DEADLINE_EXCEEDED");

    // Their places are free for more calls than these; the rest is refused.
    let mut more = JoinSet::new();
    for _ in 0..QUEUE {
        more.spawn(sign(dev.clone()));
    }
    refusals(&mut more, QUEUE - 4).await;

    drop(stopped);
    assert_eq!(signatures(others, &public).await, 3, "a caller with few calls starved");
    let of_flood = signatures(flood, &public).await;
    let answered = 3 + of_flood + signatures(more, &public).await;
    // Had a call that nobody waits for kept its place, one of these would have been refused.
    assert!(answered >= QUEUE + IN_WORKER - HEALTH, "{answered} calls were answered");
    // The token has run the calls that were answered, and no others.
    let ok = audited(&server, 1 + answered, "OK");
    assert_eq!(ok, 1 + answered);
}
