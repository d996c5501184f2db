//! Tests a full file system under the audit log, the database, the tokens and the backups.

use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom::api::grpc::pb;

use super::scenario::Calls;
use super::{Injection, errors_with, refused_start, storage_fault, wait_for_health};
use crate::full_backups::{back_up, directory, finished};
use crate::support::{Server, reason, strongroom};

const NO_SPACE: &str = "no space is left";

/// A small file system in memory, mounted until it is dropped.
struct SmallFileSystem(PathBuf);

impl SmallFileSystem {
    /// Mounts one, if this process may.
    fn mount(at: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(at).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(at).output();
        let output = mount.map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(Self(at.to_owned())),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallFileSystem {
    fn drop(&mut self) {
        // The server may still run.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The calls and checks while everything is full, and after space is freed.
async fn everything_is_full(mut server: Server, fill: impl Fn(), free: impl Fn()) {
    let mut calls = Calls::begin(&server).await;
    fill();
    calls.assert_refused(NO_SPACE).await;
    assert!(calls.create("refused").await.is_err());
    let health = wait_for_health(&server, 503).await;
    assert_eq!(
        (health["status"].as_str(), health["failing"][0]["reason"].as_str()),
        (Some("not serving"), Some("STORAGE_UNAVAILABLE"))
    );
    assert!(health["failing"][0]["detail"].as_str().unwrap().contains(NO_SPACE), "{health}");
    let healthcheck =
        strongroom().arg("--data-dir").arg(server.directory()).arg("healthcheck").output().unwrap();
    let said = String::from_utf8_lossy(&healthcheck.stderr).into_owned();
    assert!(!healthcheck.status.success() && said.contains("not serving"), "{said}");

    let before = server.log().len();
    let mut refused = 0;
    for _ in 0..300 {
        refused += usize::from(calls.sign().await.is_err());
    }
    assert!(refused > 200, "{refused}");
    let added = server.log().len() - before;
    assert!(added < 4096, "the log grows by {added} bytes: {}", server.log());
    assert_eq!(errors_with(&server, "the audit log cannot be written"), 1, "{}", server.log());

    // The service recovers by itself, and health says so before any call.
    free();
    let health = wait_for_health(&server, 200).await;
    assert_eq!((health["status"].as_str(), health.get("reason")), (Some("serving"), None));
    calls.wait_until_served(&server).await;
    calls.create("after").await.unwrap();
    calls.assert_nothing_lost(&server).await;
    assert!(server.log().contains("the audit log can be written again"), "{}", server.log());
    server.restart();
    calls.connect(&server).await;
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn full_file_system_refuses_calls_until_space_is_freed() {
    let directory = crate::directory::in_memory();
    let data = directory.path().join("data");
    let mounted = match SmallFileSystem::mount(&data) {
        Ok(mounted) => mounted,
        Err(why) => {
            // Containers without the privilege to mount run the same calls with a library that lets writes fail.
            println!("NOT TESTED on a real file system, since none can be mounted: {why}");
            return injected().await;
        }
    };
    crate::prepared::copy_to(&data);
    let server = Server::start_in(directory, &[], &[]);
    everything_is_full(server, || mounted.fill(), || mounted.free()).await;
}

#[tokio::test]
async fn failing_writes_refuse_calls_until_space_is_freed() {
    injected().await;
}

async fn injected() {
    let fault = storage_fault();
    let server = fault.start();
    let full = format!("ENOSPC {}", server.directory().display());
    everything_is_full(server, || fault.set(&full), || fault.clear()).await;
}

/// Starts a server, and returns with it the calls, and the fault of a full file or directory.
async fn full(below: &str) -> (Injection, Server, Calls, String) {
    let fault = storage_fault();
    let server = fault.start();
    let calls = Calls::begin(&server).await;
    let full = format!("ENOSPC {}", server.directory().join(below).display());
    (fault, server, calls, full)
}

#[tokio::test]
async fn full_database_refuses_changes_and_is_told_in_health() {
    let (fault, server, mut calls, full) = full("strongroom.db").await;
    fault.set(&full);
    let refused = calls.create("refused").await.unwrap_err();
    assert!(refused.message().contains("the database cannot be written: no space is left"), "{refused:?}");
    let health = wait_for_health(&server, 503).await;
    assert_eq!(health["failing"][0]["detail"], "the database cannot be written: no space is left");
    for number in 0..50 {
        calls.create(&format!("refused-{number}")).await.unwrap_err();
    }
    assert_eq!(errors_with(&server, "the database cannot be written"), 1, "{}", server.log());
    fault.clear();
    wait_for_health(&server, 200).await;
    calls.wait_until_served(&server).await;
    calls.create("after").await.unwrap();
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn full_token_directory_fails_creations_and_no_signatures() {
    let (fault, server, mut calls, full) = full("softhsm").await;
    fault.set(&full);
    let refused = calls.create("refused").await.unwrap_err();
    assert_eq!(reason(&refused), "TOKEN_FAILED");
    calls.sign().await.unwrap();
    fault.clear();
    calls.create("refused").await.unwrap();
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn full_backup_directory_fails_the_job_and_leaves_no_backup() {
    let (fault, server, mut calls, full) = full("backups").await;
    fault.set(&full);
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: directory() };
    let started = calls.client.backups.start_backup(request).await;
    // The check of the location fails, or the job does.
    match started {
        Err(status) => assert!(status.message().to_lowercase().contains("no space"), "{status:?}"),
        Ok(job) => {
            let job = finished(&mut calls.client, job.into_inner()).await;
            assert_eq!(job.status, "Failed", "{job:?}");
            assert!(format!("{job:?}").to_lowercase().contains("no space"), "{job:?}");
        }
    }
    calls.sign().await.unwrap();
    fault.clear();
    back_up(&mut calls.client, "local").await;
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn start_on_a_full_file_system_is_refused_with_the_file() {
    let (fault, mut server, mut calls, full) = full("").await;
    assert!(server.stop().success());
    fault.set(&full);
    let said = refused_start(&server.directory(), &fault.environment());
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains(server.directory().to_str().unwrap()), "{said}");
    fault.clear();
    server.start_again();
    calls.connect(&server).await;
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn kill_while_full_loses_nothing() {
    let (fault, mut server, mut calls, full) = full("").await;
    fault.set(&full);
    calls.sign().await.unwrap_err();
    calls.create("refused").await.unwrap_err();
    server.kill();
    fault.clear();
    server.start_again();
    calls.connect(&server).await;
    calls.assert_nothing_lost(&server).await;
}
