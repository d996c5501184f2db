//! Each rung of the ladder of errors, and the recovery without a restart.

use std::time::Duration;

use rustix::process::Pid;
use tonic::Code;

use super::rig::{BOTH, Isolation, Rig, until};
use crate::calls::{key, refusal, sign};
use crate::rest::client::{Rest, base64url};
use crate::support::{Client, ec, reason};
use crate::worker_processes::workers;

async fn sign_once(client: &mut Client) -> Result<(), tonic::Status> {
    sign(client, &key("signer"), "ES256", &[7; 32]).await.map(drop)
}

async fn started(isolation: Isolation) -> (Rig, Client) {
    let rig = Rig::start(isolation);
    let mut dev = rig.server.client("dev").await;
    dev.create(ec("signer", "P-256")).await.unwrap();
    sign_once(&mut dev).await.unwrap();
    (rig, dev)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_logins_and_handles_are_renewed_within_the_call() {
    for isolation in BOTH {
        let (mut rig, mut dev) = started(isolation).await;
        for function in ["C_SignInit", "C_Sign"] {
            for fault in [
                "return = \"CKR_SESSION_HANDLE_INVALID\"",
                "return = \"CKR_SESSION_CLOSED\"",
                "return = \"CKR_OPERATION_ACTIVE\"",
                "return = \"CKR_USER_NOT_LOGGED_IN\"",
                "return = \"CKR_KEY_HANDLE_INVALID\"",
                "return = \"CKR_OBJECT_HANDLE_INVALID\"",
                "lose = \"sessions\"",
                "lose = \"login\"",
            ] {
                if fault.starts_with("lose") {
                    // Threads that are idle now would find their loss in one of the next calls.
                    (rig, dev) = started(isolation).await;
                }
                rig.order(&format!("[[fault]]\nfunction = \"{function}\"\nlabel = \"local\"\n{fault}\n"));
                sign_once(&mut dev)
                    .await
                    .unwrap_or_else(|status| panic!("{isolation:?} {function} {fault}: {status}"));
                sign_once(&mut dev).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_token_is_unavailable_on_every_surface_until_it_is_back() {
    for isolation in BOTH {
        let (rig, mut dev) = started(isolation).await;
        let rest = Rest::authenticated(&rig.server, "dev").await;
        rig.order("[[fault]]\ntoken = \"absent\"\nlabel = \"local\"\n");
        for _ in 0..3 {
            let refused = sign_once(&mut dev).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "TOKEN_UNAVAILABLE"));
            use tonic_types::StatusExt as _;
            assert!(refused.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some()));
            let body = serde_json::json!({"alg": "ES256", "value": base64url(&[7; 32])});
            let refused = rest.post("/keys/signer/sign", body).await;
            refused.error(503, "ServiceUnavailable");
            assert!(!refused.header("retry-after").is_empty());
        }
        let url = format!("{}/healthz", rig.server.connection().endpoint);
        let healthy = async || rig.server.http().get(&url).send().await.unwrap().status().is_success();
        until("health tells of it", async || !healthy().await).await;
        rest.get("/keys/signer").await.json(200);
        rig.calm();
        until("recovery", async || sign_once(&mut dev).await.is_ok()).await;
        until("health", async || healthy().await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_whose_calls_keep_failing_is_replaced() {
    let (rig, mut dev) = started(Isolation::Process).await;
    // The state of the module in this process is broken: another process has none.
    rig.order("[[fault]]\nfunction = \"C_SignInit\"\nlabel = \"local\"\nreturn = \"CKR_GENERAL_ERROR\"\ntimes = 0\n");
    let failed = refusal(sign(&mut dev, &key("signer"), "ES256", &[7; 32]).await);
    assert_eq!(failed, (Code::Internal, "TOKEN_FAILED".to_owned()));
    // The service may have more processes than the one that signs.
    let lines = rig.log_lines("C_SignInit");
    let process =
        lines.first().unwrap().split_whitespace().find_map(|field| field.strip_prefix("pid=")).unwrap();
    let process = process.parse::<i32>().ok().and_then(Pid::from_raw).unwrap();
    until("replaced", async || {
        let _ = sign_once(&mut dev).await;
        !workers(&rig.server).contains(&process)
    })
    .await;
    rig.calm();
    until("recovery", async || sign_once(&mut dev).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_that_hangs_is_answered_in_time() {
    for isolation in BOTH {
        let (rig, mut dev) = started(isolation).await;
        // Once, although a process that was ended is replaced.
        let counter = rig.path("counter");
        rig.order(&format!(
            "[[fault]]\nfunction = \"C_Sign\"\nlabel = \"local\"\nhang = true\ncounter = \"{}\"\n",
            counter.display()
        ));
        let started = std::time::Instant::now();
        let failed = refusal(sign(&mut dev, &key("signer"), "ES256", &[7; 32]).await);
        assert_eq!(failed, (Code::DeadlineExceeded, "TOKEN_TIMEOUT".to_owned()));
        assert!(started.elapsed() < Duration::from_secs(5));
        // In a process the call is ended, in a thread the others are used.
        until("recovery", async || sign_once(&mut dev).await.is_ok()).await;
        rig.calm();
    }
}
