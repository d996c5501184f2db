//! Tests `strongroom audit list`, `strongroom audit tail` and `strongroom token list`: output, filters, and refusals.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::Cli;

/// Returns the records that a command line prints as JSON.
fn records(cli: &Cli, line: &str) -> Vec<serde_json::Value> {
    serde_json::from_str(&cli.ok(&format!("--output json {line}"))).unwrap()
}

#[test]
fn audit_list_finds_who_has_deleted_a_key() {
    let cli = Cli::new();
    cli.ok("key create invoices --kty EC-HSM");
    cli.ok("key delete invoices");
    let found = records(&cli, "--as reader audit list --operation KeyDelete --target keys/invoices");
    let [record] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(record["principal_id"], cli.server.principal("dev").object_id);
    assert_eq!((&record["success"], &record["result"]), (&true.into(), &"OK".into()));
    assert_eq!(record["target"], "hsms/local/keys/invoices");

    let two = records(&cli, "audit list --limit 2");
    assert_eq!(two.len(), 2);
    assert!(two[0]["sequence_number"].as_u64() > two[1]["sequence_number"].as_u64(), "{two:?}");
    let text = cli.ok("audit list --operation KeyCreate");
    assert!(text.starts_with("NUMBER") && text.contains("hsms/local/keys/invoices"), "{text}");
    assert_eq!(records(&cli, "audit list --principal no-one --result Failure"), [] as [serde_json::Value; 0]);
    assert!(cli.fails("--as nobody audit list").contains("Microsoft.Insights/logs/AZKVAuditLogs/read"));
}

#[test]
fn audit_tail_prints_records_as_they_are_written() {
    let cli = Cli::new();
    let mut tail = cli
        .strongroom()
        .args(["audit", "tail", "--operation", "KeyCreate", "--count", "2", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first record tells that the watch is open.
    cli.server.audit_where(1, |record| record["operationName"] == "AuditRecordWatch");
    cli.ok("key create first --kty EC-HSM");
    cli.ok("key create second --kty EC-HSM");
    let lines: Vec<String> =
        BufReader::new(tail.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(tail.wait().unwrap().success());
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("keys/first") && lines[1].contains("keys/second"), "{lines:?}");
}

#[test]
fn token_list_shows_workers_and_calls() {
    let cli = Cli::new();
    cli.ok("key create invoices --kty EC-HSM");
    let tokens = records(&cli, "--as reader token list");
    let of_hsm =
        tokens.iter().find(|token| token["containers"].as_array().unwrap().contains(&"hsms/local".into()));
    let token = of_hsm.unwrap();
    assert!(
        token["running_workers"].as_u64().unwrap() > 0 && token["calls"].as_u64().unwrap() > 0,
        "{token}"
    );
    assert!(cli.ok("token list").starts_with("SERIAL"));
    assert!(cli.fails("--as crypto-user token list").contains("Microsoft.Insights/metrics/read"));
}
