//! Tests that the audit chain is signed, and that the next start and `strongroom audit verify` detect modified files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use strongroom::api::grpc::pb;

use crate::support::{Client, Server, ec, strongroom};

async fn call(client: &mut Client, times: usize) {
    for _ in 0..times {
        let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
        client.keys.list_keys(request).await.unwrap();
    }
}

fn signatures(server: &Server, least: usize) -> Vec<Value> {
    server.audit_where(least, |record| record["operationName"] == "AuditLogSign")
}

/// Runs `strongroom audit`.
fn audit(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = strongroom();
    command.arg("audit").args(arguments).arg("--directory").arg(directory);
    command.output().unwrap()
}

/// Returns the JSON report of `strongroom audit verify`.
fn verify(directory: &Path, arguments: &[&str]) -> Value {
    let output = audit(directory, &[&["verify", "--output", "json"], arguments].concat());
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(found["verified"] == true, output.status.success(), "{found}");
    found
}

/// Returns the lines of an audit file.
fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

fn write(file: &Path, lines: &[String]) {
    std::fs::write(file, lines.join("\n") + "\n").unwrap();
}

/// Modifies the first entry of a call from this line on, and returns its line, counted from 0. Signatures are between calls.
fn alter_call(lines: &mut [String], from: usize) -> usize {
    let call = lines.iter().skip(from).position(|line| line.contains("KeyList"));
    let at = from + call.unwrap();
    lines[at] = lines[at].replacen("KeyList", "KeyLost", 1);
    at
}

/// Recomputes all links, as an attacker does who modifies entries and knows how the chain is computed.
fn rechained(lines: &[String], mut chain: String) -> Vec<String> {
    let link = |line: &String| {
        let (covered, _) = line.rsplit_once(",\"chain\":\"").unwrap();
        chain = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{chain}{covered}")));
        format!("{covered},\"chain\":\"{chain}\"}}")
    };
    lines.iter().map(link).collect()
}

/// A backup of the files of an audit log.
struct Backup(PathBuf, BTreeMap<PathBuf, Vec<u8>>);

impl Backup {
    fn of(directory: PathBuf) -> Self {
        let files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        let files = files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect();
        Self(directory, files)
    }

    fn restore(&self) {
        for entry in std::fs::read_dir(&self.0).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (file, bytes) in &self.1 {
            std::fs::write(file, bytes).unwrap();
        }
    }

    fn logs(&self) -> Vec<PathBuf> {
        let is_log = |file: &&PathBuf| file.extension().is_some_and(|kind| kind == "jsonl");
        self.1.keys().filter(is_log).cloned().collect()
    }
}

/// Starts the server, expects it to fail, and returns what it prints on standard error.
fn start_error(server: &Server) -> String {
    let mut command = strongroom();
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"]).arg(server.directory());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed().as_secs() > 20 {
            let _ = child.kill();
            panic!(
                "the server started: {}",
                String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr)
            );
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn chain_head_is_signed_by_token_key_and_verifiable() {
    let mut server = Server::start_with(&[], &[("STRONGROOM_AUDIT__SIGN_SECONDS", "1")]);
    let mut dev = server.client("dev").await;
    call(&mut dev, 3).await;
    let signed = signatures(&server, 1)[0]["signed"].clone();
    let listed = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    assert_eq!(dev.keys.list_keys(listed).await.unwrap().into_inner().keys, []);
    drop(dev);
    assert!(server.stop().success());

    let records = server.audit_where(0, |_| true);
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let all = signatures(&server, 2);
    assert!(all.len() >= 2, "one signature after an interval and one at shutdown: {all:#?}");
    for record in &all {
        let signed = &record["signed"];
        let named = records.iter().find(|record| record["seq"] == signed["seq"]).unwrap();
        assert_eq!(named["chain"], signed["chain"]);
        let decode = |value: &Value, name: &str| URL_SAFE_NO_PAD.decode(text(value, name)).unwrap();
        let point = [&[4][..], &decode(&signed["key"], "x"), &decode(&signed["key"], "y")].concat();
        let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
        let message = format!(
            "strongroom audit log v1\nstatement head\nseq {}\nchain {}\ntime {}\nkey {}\n",
            signed["seq"],
            text(signed, "chain"),
            text(signed, "time"),
            text(signed, "kid")
        );
        key.verify(message.as_bytes(), &Signature::from_slice(&decode(signed, "signature")).unwrap())
            .unwrap();
        let members = format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            text(&signed["key"], "x"),
            text(&signed["key"], "y")
        );
        assert_eq!(text(signed, "kid"), URL_SAFE_NO_PAD.encode(Sha256::digest(members)));
    }
    let last = all.last().unwrap();
    assert_eq!(last["seq"], records.len(), "the chain head is signed at shutdown");
    assert_eq!(last["signed"]["seq"], records.len() - 1);

    let directory = server.directory().join("audit");
    let found = verify(&directory, &[]);
    assert_eq!((&found["verified"], &found["keys"]), (&json!(true), &json!([signed["kid"]])), "{found}");
    assert_eq!((&found["last"], &found["signed"]), (&json!(records.len()), &json!(records.len() - 1)));
    let head: Value = serde_json::from_slice(&audit(&directory, &["head"]).stdout).unwrap();
    assert_eq!(head, last["signed"]);

    // The same key signs after a crash.
    server.start_again();
    server.kill();
    server.start_again();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    assert!(server.stop().success());
    let found = verify(&directory, &[]);
    assert_eq!(found["keys"], json!([signed["kid"]]), "{found}");
    let made = server.audit_where(0, |record| record["operationName"] == "AuditKeyCreate");
    assert_eq!(made.len(), 1, "{made:#?}");
    assert!(!server.log().contains("without material"), "{}", server.log());
}

#[tokio::test]
async fn detects_audit_files_modified_while_stopped() {
    // A small file size, so that there are several files.
    let settings = [("STRONGROOM_AUDIT__ROTATE_BYTES", "65536")];
    let mut server = Server::start_with(&[], &settings);
    let mut dev = server.client("dev").await;
    call(&mut dev, 20).await;
    drop(dev);
    server.restart();
    let mut dev = server.client("dev").await;
    // More entries than the database keeps in addition to the files.
    call(&mut dev, 700).await;
    drop(dev);
    assert!(server.stop().success());
    let directory = server.directory().join("audit");
    // The modifications below need some entries in the last file, and room in it for those of two starts: a start verifies
    // the links of the last file. The file sizes vary with the lengths of timestamps and names.
    let unsuitable =
        |last: &PathBuf| lines(last).len() < 12 || std::fs::metadata(last).unwrap().len() > 49_152;
    while Backup::of(directory.clone()).logs().last().is_none_or(unsuitable) {
        server.start_again();
        let mut dev = server.client("dev").await;
        call(&mut dev, 12).await;
        drop(dev);
        assert!(server.stop().success());
    }
    let early: PathBuf = server.directory().join("early.json");
    std::fs::write(&early, audit(&directory, &["head"]).stdout).unwrap();
    let backup = Backup::of(directory.clone());
    let logs = backup.logs();
    assert!(logs.len() >= 3, "{logs:?}");
    assert_eq!(verify(&directory, &[])["verified"], true);
    let last = logs.last().unwrap();
    let number = |line: &String| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap();

    // An entry and all later links are modified.
    let mut altered: Vec<String> = logs.iter().flat_map(|file| lines(file)).collect();
    alter_call(&mut altered, 9);
    let altered = rechained(&altered, String::new());
    let mut rest = &altered[..];
    for file in &logs {
        let (own, later) = rest.split_at(lines(file).len());
        write(file, own);
        rest = later;
    }
    let found = verify(&directory, &[]);
    assert!(found["wrong"]["why"].as_str().unwrap().contains("signs"), "{found}");
    std::fs::remove_file(directory.join("head.json")).unwrap();
    assert_eq!(verify(&directory, &[])["verified"], false, "the signatures in the log suffice");
    let error = start_error(&server);
    assert!(error.contains("not the one that was written"), "{error}");
    backup.restore();

    // An entry is modified, and the later links are not.
    let mut own = lines(last);
    let at = alter_call(&mut own, 1);
    let wrong = number(&own[at]);
    write(last, &own);
    assert_eq!(verify(&directory, &[])["wrong"]["record"], wrong);
    assert!(start_error(&server).contains(&format!("line {}: the link does not match", at + 1)));
    backup.restore();

    // The log is truncated; then its head file is deleted, too.
    let own = lines(last);
    let missing = number(&own[own.len() - 4]);
    write(last, &own[..own.len() - 4]);
    assert_eq!(verify(&directory, &[])["wrong"]["record"], missing);
    std::fs::remove_file(directory.join("head.json")).unwrap();
    let found = verify(&directory, &[]);
    assert_eq!(found["verified"], true, "without a head file the end of the log is unknown: {found}");
    backup.restore();
    for file in &logs[3..] {
        std::fs::remove_file(file).unwrap();
    }
    std::fs::remove_file(directory.join("head.json")).unwrap();
    assert!(start_error(&server).contains("the audit files end with record"));
    backup.restore();

    // Two entries are swapped.
    let mut own = lines(last);
    own.swap(2, 3);
    write(last, &own);
    assert_eq!(verify(&directory, &[])["wrong"]["record"], number(&own[3]));
    assert!(start_error(&server).contains("is missing"));
    backup.restore();

    // A file in the middle, the first file, and all files are deleted.
    let missing = number(&lines(&logs[1])[0]);
    std::fs::remove_file(&logs[1]).unwrap();
    assert_eq!(verify(&directory, &[])["wrong"]["record"], missing);
    assert!(start_error(&server).contains(&format!("record {missing} is missing")));
    backup.restore();
    std::fs::remove_file(&logs[0]).unwrap();
    assert_eq!(verify(&directory, &[])["wrong"]["record"], 1);
    assert!(start_error(&server).contains("record 1 is missing"));
    assert_eq!(verify(&directory, &["--from", &missing.to_string()])["verified"], true);
    backup.restore();
    logs.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    assert_eq!(verify(&directory, &[])["verified"], false);
    assert!(start_error(&server).contains("the audit files end with record 0"));
    backup.restore();

    // An invalid signature in the log is detected.
    let mut own = lines(last);
    let at = own.iter().position(|line| line.contains("AuditLogSign")).unwrap();
    own[at] = own[at].replacen("\"signature\":\"", "\"signature\":\"AAAA", 1);
    let chain = serde_json::from_str::<Value>(&own[0]).unwrap()["chain"].as_str().unwrap().to_owned();
    let rest = rechained(&own[1..], chain);
    write(last, &[&own[..1], &rest].concat());
    let found = verify(&directory, &["--head", early.to_str().unwrap()]);
    assert_eq!(found["wrong"]["record"], number(&own[at]), "{found}");
    backup.restore();
    assert_eq!(verify(&directory, &["--key", "another"])["verified"], false);

    // The log is truncated, with its head file deleted: the database has counted the entries.
    let own = lines(last);
    write(last, &own[..own.len() - 4]);
    std::fs::remove_file(directory.join("head.json")).unwrap();
    let error = start_error(&server);
    assert!(error.contains("but records up to"), "{error}");
    backup.restore();

    // After a crash, an entry that only the database has is restored, and the restoration is audited.
    server.start_again();
    let mut dev = server.client("dev").await;
    dev.create(ec("last", "P-256")).await.unwrap();
    server.kill();
    let own = lines(last);
    assert!(own.last().is_some_and(|line| line.contains("KeyCreate")), "{:?}", own.last());
    let missing = number(&own[own.len() - 1]);
    write(last, &own[..own.len() - 1]);
    server.start_again();
    assert!(server.stop().success());
    assert_eq!(lines(last)[own.len() - 1], own[own.len() - 1]);
    let restored = server.audit_where(1, |record| record["operationName"] == "AuditLogRestored");
    let description = restored[0]["resultDescription"].as_str().unwrap();
    assert!(description.starts_with(&format!("records {missing} to {missing}")), "{description}");
    assert_eq!(verify(&directory, &["--head", early.to_str().unwrap()])["verified"], true);

    // With `broken_chain = "record"` the server starts despite a broken chain.
    let mut own = lines(last);
    alter_call(&mut own, 1);
    write(last, &own);
    let mut again = Server::start_in_place(server, &[("STRONGROOM_AUDIT__BROKEN_CHAIN", "record")]);
    let broken = again.audit_where(1, |record| record["operationName"] == "AuditLogBroken");
    assert!(broken[0]["resultDescription"].as_str().unwrap().contains("link does not match"), "{broken:#?}");
    assert!(again.stop().success());
}

#[tokio::test]
async fn trims_oldest_files_and_signs_new_start_of_log() {
    let settings = [
        ("STRONGROOM_AUDIT__ROTATE_BYTES", "65536"),
        // Enough for two files regardless of the size of the newest.
        ("STRONGROOM_AUDIT__KEEP_BYTES", "150000"),
        ("STRONGROOM_AUDIT__SIGN_SECONDS", "1"),
    ];
    let mut server = Server::start_in(crate::directory::in_memory(), &[], &settings);
    let mut dev = server.client("dev").await;
    call(&mut dev, 250).await;
    let trimmed = server.audit_where(1, |record| record["operationName"] == "AuditLogTrim");
    drop(dev);
    // The files are deleted after the entry about it is written.
    let directory = server.directory().join("audit");
    let oldest = || lines(&Backup::of(directory.clone()).logs()[0])[0].contains("\"seq\":1,");
    let started = std::time::Instant::now();
    while oldest() || Backup::of(directory.clone()).logs().len() > 3 {
        assert!(started.elapsed().as_secs() < 30, "the oldest files are still there");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(server.stop().success());
    let found = verify(&directory, &[]);
    assert_eq!(found["verified"], true, "{found}");
    let after = found["begins_after"].as_u64().unwrap();
    assert_eq!(found["first"], after + 1);
    assert!(trimmed[0]["files"].as_array().is_some_and(|files| !files.is_empty()), "{trimmed:#?}");

    let first = Backup::of(directory.clone()).logs().remove(0);
    std::fs::remove_file(first).unwrap();
    assert_eq!(verify(&directory, &[])["wrong"]["record"], after + 1);
    assert!(start_error(&server).contains(&format!("record {} is missing", after + 1)));
}

/// Runs the shell commands and the Python script of `docs/audit.md`.
#[tokio::test]
async fn documented_commands_and_script_verify_the_log() {
    let page = std::fs::read_to_string("docs/audit.md").unwrap();
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    call(&mut dev, 3).await;
    drop(dev);
    assert!(server.stop().success());
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(server.directory(), directory.path().join(".strongroom")).unwrap();
    std::fs::write(directory.path().join("check.py"), block("python")).unwrap();
    let script = format!("set -euo pipefail\n{}\npython3 check.py\n", block("sh"));
    let output = crate::tour::shell().args(["-c", &script]).current_dir(directory.path()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("unbroken; the last link is"), "{stdout}");
}
