//! Tests `strongroom backup` and `strongroom restore` while they wait for a job: interruptions, and output.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use tempfile::tempdir;

use super::{Answer, Cli};
use crate::held_storage::{HeldStorage, SIGNATURE};

fn has_job(cli: &Cli) -> bool {
    let is_watch = |entry: &serde_json::Value| entry["operationName"] == "HsmBackupStatusWatch";
    !cli.server.audit_where(0, is_watch).is_empty()
}

/// A job that a restart of the server interrupts has failed, and the waiting command reports it.
#[test]
fn backup_start_continues_after_a_restart_of_the_server() {
    let storage = HeldStorage::start();
    let mut cli = Cli { server: HeldStorage::server(), directory: tempdir().unwrap() };
    let waiting = cli
        .strongroom()
        .args(["backup", "start", "--storage", &storage.uri()])
        .env("STRONGROOM_STORAGE_TOKEN", SIGNATURE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !has_job(&cli) {
        assert!(started.elapsed() < Duration::from_secs(20), "the job does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    cli.server.kill();
    cli.server.start_again();
    let answer = Answer::of(waiting.wait_with_output().unwrap());
    assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{answer:?}");
    assert!(answer.err.starts_with("error: the job ") && answer.err.contains("has failed"), "{answer:?}");
}

/// Standard error is no terminal here, so that a successful command writes nothing to it.
#[test]
fn commands_that_wait_print_only_the_result() {
    let cli = Cli::new();
    cli.ok("key create invoices --kty EC");
    let text = cli.ok("backup start --storage file:///nightly");
    let (status, folder) = text.trim_end().split_once('\n').unwrap();
    assert!(status.starts_with("Succeeded ") && folder.starts_with("file:///nightly/"), "{text}");
    let id = status.strip_prefix("Succeeded ").unwrap();
    assert_eq!(cli.ok(&format!("backup status {id}")), text);
    let json = cli.json(&format!("restore start --storage {folder}"));
    assert_eq!(json["status"], "Succeeded");
    let failure = cli.fails("restore start --storage file:///nightly/none");
    assert!(failure.contains("has failed: "), "{failure}");
}

/// Failed jobs are listed, too, and do not make the command fail.
#[test]
fn lists_show_the_last_jobs() {
    let cli = Cli::new();
    assert_eq!(cli.json("backup list"), serde_json::json!([]));
    cli.ok("backup check --storage file:///nightly");
    let started = cli.json("backup start --storage file:///nightly");
    cli.fails("restore check --storage file:///nightly/none");
    let backups = cli.json("backup list");
    assert_eq!(backups.as_array().unwrap().len(), 2);
    assert_eq!((&backups[0]["kind"], &backups[1]["kind"]), (&"Backup".into(), &"BackupCheck".into()));
    assert_eq!((&backups[0]["job"], &backups[0]["folder"]), (&started["job"], &started["folder"]));
    let restores = cli.json("restore list");
    assert_eq!(restores.as_array().unwrap().len(), 1);
    assert_eq!((&restores[0]["kind"], &restores[0]["status"]), (&"RestoreCheck".into(), &"Failed".into()));
    let reason = restores[0]["error_reason"].as_str().unwrap();
    let table = cli.ok("restore list");
    assert!(table.starts_with("JOB ") && table.trim_end().ends_with(reason), "{table}");
}

/// The bar is cleared when the job has ended, so that the result remains.
#[test]
#[cfg(target_os = "linux")]
fn terminal_shows_a_progress_bar() {
    let storage = HeldStorage::start();
    let cli = Cli { server: HeldStorage::server(), directory: tempdir().unwrap() };
    for name in ["first", "second", "third"] {
        cli.ok(&format!("key create {name} --kty EC"));
    }
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let terminal = openpt(flags).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let stderr = ioctl_tiocgptpeer(&terminal, flags).unwrap();
    let waiting = cli
        .strongroom()
        .args(["backup", "start", "--storage", &storage.uri()])
        .env("STRONGROOM_STORAGE_TOKEN", SIGNATURE)
        .env("TERM", "xterm")
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .unwrap();
    let (mut terminal, mut shown, mut buffer) = (File::from(terminal), String::new(), [0; 4096]);
    // The read ends with an error when the program, the last user of the terminal, has ended.
    while let Ok(length @ 1..) = terminal.read(&mut buffer) {
        shown += &String::from_utf8_lossy(&buffer[..length]);
        if shown.contains("[========================================] 3 of 3 keys") {
            storage.answer("201 Created");
        }
    }
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success(), "{shown:?}");
    assert!(output.stdout.starts_with(b"Succeeded "), "{output:?}");
    assert!(shown.contains("0 keys") && shown.ends_with("\r\u{1b}[2K"), "{shown:?}");
}

/// A role that permits to start backups, and not to read their status.
#[test]
fn failure_to_follow_a_job_names_the_job_and_its_command() {
    let cli = Cli::new();
    let nobody = cli.server.principal("nobody").object_id;
    cli.ok("role definition create Starter --data-action backup/start/action");
    cli.ok(&format!("role assignment create --role Starter --assignee {nobody} --scope /"));
    let failure = cli.fails("--as nobody backup start --storage file:///nightly");
    assert!(
        failure.starts_with("error: the job ") && failure.contains("`strongroom backup status "),
        "{failure}"
    );
    assert!(failure.contains("managedHsm/backup/status/action"), "{failure}");
}
