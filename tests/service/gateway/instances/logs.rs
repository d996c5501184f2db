//! Tests the audit logs of several instances over one database: all of them are verified and exported together, and each modification
//! of the export is found.

use std::path::PathBuf;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::fixture::ADMIN;
use super::super::{HSM, assign_crypto_user_of};
use super::kit::{Instances, create};

/// The logs of instances that have stopped.
struct Logs(Instances);

impl Logs {
    /// Two instances have created six keys in turns.
    async fn new() -> Self {
        let mut all = Instances::start(2);
        let mut admins = all.clients(ADMIN).await;
        assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
        for round in 0..6 {
            create(&mut admins[round % 2], &format!("key-{round}")).await.unwrap();
        }
        drop(admins);
        all.stop_all();
        Self(all)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.gateway.path(name)
    }

    /// Runs `strongroom audit` in the folder with the data directories `data-0` and `data-1`.
    fn audit(&self, line: &str) -> Output {
        let arguments: Vec<&str> = ["audit"].into_iter().chain(line.split(' ')).collect();
        self.0.gateway.command(&arguments).output().unwrap()
    }

    /// The JSON report of `strongroom audit verify`.
    fn verify(&self, line: &str) -> Value {
        let output = self.audit(&format!("verify --output json {line}"));
        let found: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{line}: {}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(found["verified"] == true, output.status.success(), "{found}");
        found
    }

    /// What a command prints on standard error, which must fail.
    fn fails(&self, line: &str) -> String {
        let output = self.audit(line);
        assert!(!output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Exports records of both logs, and returns the lines of the file.
    fn export(&self, options: &str) -> Vec<String> {
        let line =
            format!("export --directory data-0/audit --directory data-1/audit --file all.jsonl{options}");
        let output = self.audit(&line);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(self.path("all.jsonl")).unwrap().lines().map(str::to_owned).collect()
    }

    /// Writes these lines to a file, and returns the reasons for which it is not verified.
    fn violations(&self, lines: &[String]) -> Vec<String> {
        std::fs::write(self.path("modified.jsonl"), lines.join("\n") + "\n").unwrap();
        let found = self.verify("--export modified.jsonl");
        let chains = found["chains"].as_array().unwrap().iter();
        let wrong =
            chains.map(|chain| &chain["wrong"]).chain([&found["wrong"]]).filter(|wrong| !wrong.is_null());
        wrong.map(|wrong| wrong["why"].as_str().unwrap().to_owned()).collect()
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// The indices of the lines with records of an instance, in order.
fn records_of(lines: &[String], instance: &str) -> Vec<usize> {
    let is_of = |line: &String| line.starts_with(&format!("{{\"instance\":\"{instance}\",\"position\":"));
    (0..lines.len()).filter(|index| is_of(&lines[*index])).collect()
}

/// The times, targets and indices of the lines about created keys.
fn created(lines: &[String]) -> Vec<(String, String, usize)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = lines.iter().enumerate().map(|(index, line)| (index, parsed(line)));
    let created = lines.filter(|(_, line)| line["record"]["operationName"] == "KeyCreate");
    created
        .map(|(index, line)| (text(&line["record"]["time"]), text(&line["record"]["target"]), index))
        .collect()
}

/// Computes the links of an instance again, and states the last one in its header, as one does who knows how they are computed.
fn rechain(lines: &mut [String], instance: &str) {
    let mut chain = String::new();
    for index in records_of(lines, instance) {
        let (envelope, record) = lines[index].split_once(",\"record\":").unwrap();
        let (covered, _) = record.rsplit_once(",\"chain\":\"").unwrap();
        chain = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{chain}{covered}")));
        lines[index] = format!("{envelope},\"record\":{covered},\"chain\":\"{chain}\"}}}}");
    }
    let is_header =
        |line: &&mut String| line.starts_with(&format!("{{\"instance\":\"{instance}\",\"after\""));
    let header = lines.iter_mut().find(is_header).unwrap();
    let stated = parsed(header)["last"]["chain"].as_str().unwrap().to_owned();
    *header = header.replacen(&stated, &chain, 1);
}

#[tokio::test]
async fn logs_of_all_instances_are_verified_together() {
    let logs = Logs::new().await;
    let one = logs.verify("--directory data-0/audit");
    assert_eq!((&one["verified"], &one["instance"]), (&true.into(), &"i0".into()), "{one}");
    let both = "--directory data-0/audit --directory data-1/audit";
    let found = logs.verify(both);
    let names: Vec<&Value> = found["chains"].as_array().unwrap().iter().map(|one| &one["instance"]).collect();
    assert_eq!(names, ["i0", "i1"], "{found}");
    assert!(found["chains"][1]["signatures"].as_u64() > Some(0), "{found}");

    // A head that is stored elsewhere belongs to one of the logs.
    std::fs::write(logs.path("head.json"), logs.audit("head --directory data-1/audit").stdout).unwrap();
    assert_eq!(logs.verify(&format!("{both} --head head.json"))["verified"], true);
    assert!(logs.fails(&format!("verify {both} --from 2")).contains("numbers of one log"));

    // A copy of a log is no log of another instance, whether it is complete or not.
    std::fs::create_dir(logs.path("copy")).unwrap();
    let file = std::fs::read_dir(logs.path("data-0/audit")).unwrap().map(|entry| entry.unwrap().path());
    let file = file.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl")).min().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let begin = text.lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(logs.path("copy").join(file.file_name().unwrap()), begin).unwrap();
    for other in ["copy", "data-0/../data-0/audit"] {
        let refused = logs.fails(&format!("verify --directory data-0/audit --directory {other}"));
        assert!(refused.contains("have records of the same chain"), "{refused}");
    }

    // A violation in one log is reported as one of that log, and nothing is exported.
    std::fs::write(
        &file,
        text.replacen("\"operationName\":\"KeyCreate\"", "\"operationName\":\"KeyDelete\"", 1),
    )
    .unwrap();
    let found = logs.verify(both);
    assert!(
        found["chains"][0]["wrong"]["why"].as_str().unwrap().contains("the link does not match"),
        "{found}"
    );
    assert_eq!(found["chains"][1]["verified"], true, "{found}");
    let text = String::from_utf8(logs.audit(&format!("verify {both}")).stdout).unwrap();
    assert!(
        text.ends_with("1 of 2 chains are broken\n") && text.contains("data-0/audit:\n  WRONG at record "),
        "{text}"
    );
    let refused = logs.fails(&format!("export {both} --file all.jsonl"));
    assert!(
        refused.contains("does not match what was written") && !logs.path("all.jsonl").exists(),
        "{refused}"
    );
}

#[tokio::test]
async fn logs_of_all_instances_are_exported_in_order_of_time() {
    let logs = Logs::new().await;
    let lines = logs.export("");
    let keys = created(&lines);
    let targets: Vec<String> = keys.iter().map(|(_, target, _)| target.clone()).collect();
    assert_eq!(targets, (0..6).map(|round| format!("{HSM}/keys/key-{round}")).collect::<Vec<_>>());
    let found = logs.verify("--export all.jsonl");
    assert_eq!(
        (&found["verified"], &found["chains"][1]["instance"]),
        (&true.into(), &"i1".into()),
        "{found}"
    );
    assert_eq!(records_of(&lines, "i0").len() + records_of(&lines, "i1").len() + 2, lines.len());
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(logs.path("all.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    std::fs::write(logs.path("head.json"), logs.audit("head --directory data-1/audit").stdout).unwrap();
    assert_eq!(logs.verify("--export all.jsonl --head head.json")["verified"], true);
    assert!(logs.audit("export --directory data-0/audit --file one.jsonl").status.success());
    let found = logs.verify("--export one.jsonl --head head.json");
    assert_eq!(found["missing_heads"][0], "head.json", "{found}");

    // A period is a part of each chain.
    let part = logs.export(&format!(" --from {} --to {}", keys[2].0, keys[5].0));
    let targets = created(&part);
    assert_eq!((targets.len(), targets[0].1.as_str()), (3, "hsms/payments/keys/key-2"), "{targets:?}");
    assert!(parsed(&part[records_of(&part, "i0")[0]])["position"].as_u64() > Some(1));
    assert_eq!(logs.verify("--export all.jsonl")["verified"], true);
}

#[tokio::test]
async fn a_modified_export_is_found() {
    let logs = Logs::new().await;
    let lines = logs.export("");
    assert_eq!(logs.violations(&lines), [] as [&str; 0]);
    let altered = created(&lines)[2].2;
    let found = |modify: &dyn Fn(&mut Vec<String>), expected: &str| {
        let mut changed = lines.clone();
        modify(&mut changed);
        let violations = logs.violations(&changed);
        assert!(violations.iter().any(|why| why.contains(expected)), "{expected}: {violations:?}");
    };
    let alter =
        |lines: &mut Vec<String>| lines[altered] = lines[altered].replacen("KeyCreate", "KeyDelete", 1);
    found(&|lines| drop(lines.remove(altered)), "is missing");
    found(&|lines| drop(lines.pop()), "is missing");
    found(&alter, "the link does not match the record and its predecessor");
    found(
        &|lines| {
            let records = records_of(lines, "i0");
            lines.swap(records[2], records[3]);
        },
        "is missing",
    );
    found(&|lines| drop(lines.remove(0)), "no chain of the instance i0");
    // Links that are computed again do not match what was signed, in the header and in the chain itself.
    found(
        &|lines| {
            alter(lines);
            rechain(lines, "i0");
        },
        "the link is not the one that was signed at",
    );
    found(
        &|lines| {
            alter(lines);
            rechain(lines, "i0");
            let (before, _) = lines[0].split_once(",\"head\":").unwrap();
            lines[0] = format!("{before}}}");
        },
        "signs",
    );
    // The name of an instance is in its signed records.
    found(
        &|lines| {
            for line in lines {
                *line = line.replacen("{\"instance\":\"i1\"", "{\"instance\":\"i7\"", 1);
            }
        },
        "the records are signed by the instance i1",
    );
}
