//! Tests a simulator whose calls to the token run in worker processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use strongroom::api::grpc::pb;

use crate::key_backups::remove as remove_key;
use crate::support::{Client, Server, ec, hsm_tokens, reason, strongroom};

const PROCESSES: &[(&str, &str)] = &[("STRONGROOM_TOKEN__ISOLATION", "process")];

/// The worker processes of a server: its children.
pub(crate) fn workers(server: &Server) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.process_id())).unwrap();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).ok());
    let ids = lists
        .flat_map(|list| list.split_whitespace().map(|id| id.parse::<i32>().unwrap()).collect::<Vec<_>>());
    ids.filter_map(Pid::from_raw).collect()
}

/// Whether a process runs: one that has ended may still wait for its parent to notice.
fn is_running(process: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    status.is_ok_and(|status| !status.contains(") Z "))
}

async fn sign(client: &mut Client) -> Result<usize, tonic::Status> {
    let request = pb::SignRequest {
        name: "hsms/local/keys/invoices".to_owned(),
        algorithm: "ES256".to_owned(),
        digest: vec![7; 32],
    };
    client.crypto.sign(request).await.map(|answer| answer.into_inner().signature.len())
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "{what}");
        #[expect(clippy::disallowed_methods, reason = "processes start and end in real time")]
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn service_survives_its_workers_and_they_do_not_survive_it() {
    let mut server = Server::start_with(&[], PROCESSES);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    assert_eq!(sign(&mut dev).await.unwrap(), 64);
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", server.process_id())).unwrap();
    assert!(!maps.contains("softhsm"), "the service has loaded the module itself");

    let first = workers(&server);
    assert!(first.len() >= 2, "{} workers", first.len());
    for worker in &first {
        kill_process(*worker, Signal::SEGV).unwrap();
    }
    // The call waits for the next process.
    assert_eq!(sign(&mut dev).await.unwrap(), 64);
    dev.create(ec("receipts", "P-256")).await.unwrap();

    // A crash of the service: its workers notice, and the next service waits for them.
    let second = workers(&server);
    server.kill();
    server.start_again();
    for worker in &second {
        assert!(!is_running(*worker), "a worker of the killed service still runs");
    }
    let mut dev = server.client("dev").await;
    assert_eq!(sign(&mut dev).await.unwrap(), 64);

    // Service managers and terminals send the signal to all processes of a service.
    let third = workers(&server);
    for worker in &third {
        for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
            kill_process(*worker, signal).unwrap();
        }
    }
    assert_eq!(sign(&mut dev).await.unwrap(), 64);
    assert_eq!(workers(&server), third);
    assert!(server.stop().success());
    for worker in &third {
        assert!(!is_running(*worker), "a worker of the stopped service still runs");
    }
}

#[tokio::test]
async fn retry_command_has_workers_replaced() {
    let mut server = Server::start_with(&[], PROCESSES);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let first = workers(&server);
    let directory = server.directory();
    let retry = || strongroom().arg("--data-dir").arg(&directory).args(["token", "retry"]).output().unwrap();
    let output = retry();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    until("the workers are replaced", async || {
        let now = workers(&server);
        now.len() == first.len() && !now.iter().any(|worker| first.contains(worker))
    })
    .await;
    assert_eq!(sign(&mut dev).await.unwrap(), 64);
    assert!(server.stop().success());
    let output = retry();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("no service uses"), "{text}");
}

#[tokio::test]
async fn health_tells_of_a_token_that_is_gone_until_it_is_back() {
    let server = Server::start_with(&[], PROCESSES);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let healthy = || async {
        let url = format!("{}/healthz", server.connection().endpoint);
        server.http().get(url).send().await.unwrap().status().is_success()
    };
    until("healthy", async || healthy().await).await;
    let (tokens, elsewhere) =
        (server.directory().join("softhsm/tokens"), server.directory().join("elsewhere"));
    std::fs::rename(&tokens, &elsewhere).unwrap();
    // A session copy of the key remains in memory: the token counts as gone once it has been looked at.
    until("not healthy", async || !healthy().await).await;
    until("refused", async || {
        sign(&mut dev).await.is_err_and(|status| reason(&status) == "TOKEN_UNAVAILABLE")
    })
    .await;
    std::fs::rename(&elsewhere, &tokens).unwrap();
    until("healthy again", async || healthy().await).await;
    assert_eq!(sign(&mut dev).await.unwrap(), 64);
}

/// The files of a SoftHSM token's directory.
fn files(token: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(token).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Has processes of SoftHSM read the list of a token's objects again, as after a change by another process.
fn announce_change(token: &Path) {
    let generation = token.join("generation");
    let mut number = std::fs::read(&generation).unwrap();
    *number.last_mut().unwrap() ^= 0x40;
    std::fs::write(generation, number).unwrap();
}

#[tokio::test]
async fn worker_that_overlooks_a_key_is_replaced() {
    let one = [PROCESSES, &[("STRONGROOM_TOKEN__PROCESSES", "1")]].concat();
    let server = Server::start_with(&[], &one);
    let mut dev = server.client("dev").await;
    for other in ["receipts", "orders"] {
        dev.create(ec(other, "P-256")).await.unwrap();
    }
    let before: Vec<_> = hsm_tokens(&server).into_iter().map(|token| (files(&token), token)).collect();
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let added = |(before, token): &(BTreeSet<PathBuf>, PathBuf)| {
        let objects: Vec<PathBuf> = files(token).difference(before).cloned().collect();
        (!objects.is_empty()).then(|| (token.clone(), objects))
    };
    let (token, objects) = before.iter().find_map(added).unwrap();
    // On the same file system.
    let elsewhere = tempfile::tempdir_in(server.directory()).unwrap();
    let away = |file: &PathBuf| elsewhere.path().join(file.file_name().unwrap());
    let hide = || {
        for file in &objects {
            std::fs::rename(file, away(file)).unwrap();
        }
        announce_change(&token);
    };

    // The process reads the list of objects, which a search does, while the key is incomplete.
    hide();
    remove_key(&mut dev, "receipts").await;
    for file in &objects {
        std::fs::rename(away(file), file).unwrap();
    }
    let first = workers(&server);
    assert_eq!(sign(&mut dev).await.unwrap(), 64);
    assert_ne!(workers(&server), first, "the worker has not overlooked the key");

    // A key that is missing is looked for once by a new process, and then not for a while.
    hide();
    remove_key(&mut dev, "orders").await;
    let missing = |answer: Result<usize, tonic::Status>| reason(&answer.unwrap_err());
    assert_eq!(missing(sign(&mut dev).await), "KEY_MATERIAL_MISSING");
    let second = workers(&server);
    assert_ne!(second, first);
    assert_eq!(missing(sign(&mut dev).await), "KEY_MATERIAL_MISSING");
    assert_eq!(workers(&server), second);
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_workers_is_limited_by_the_sessions_of_the_token() {
    // A process of SoftHSM's profile has four sessions.
    for (sessions, most) in [("0", 3), ("8", 2)] {
        let settings = [("STRONGROOM_TOKEN__PROCESSES", "3"), ("STRONGROOM_TOKEN__SESSIONS_TOTAL", sessions)];
        let server = Server::start_with(&[], &[PROCESSES, &settings].concat());
        let mut dev = server.client("dev").await;
        let others = workers(&server).len() - 1;
        dev.create(ec("invoices", "P-256")).await.unwrap();
        let mut greatest = 0;
        until("all workers have started", async || {
            let calls = (0..64).map(|_| {
                let mut dev = dev.clone();
                tokio::spawn(async move { sign(&mut dev).await.unwrap() })
            });
            for call in calls.collect::<Vec<_>>() {
                call.await.unwrap();
            }
            greatest = greatest.max(workers(&server).len() - others);
            greatest >= most
        })
        .await;
        assert_eq!(greatest, most, "{sessions} sessions");
    }
    let output = strongroom()
        .env("STRONGROOM_TOKEN__ISOLATION", "threads")
        .env("STRONGROOM_TOKEN__SESSIONS_TOTAL", "8")
        .env("STRONGROOM_DATA_DIR", tempfile::tempdir().unwrap().path())
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("token.sessions_total"), "{text}");
}
