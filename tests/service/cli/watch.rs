//! Tests `strongroom watch`: text and JSON output, resumption, and when it ends.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tempfile::tempdir;

use super::Cli;
use crate::support::{Client, Server};

/// Returns the events that a command line prints as JSON.
fn events(cli: &Cli, line: &str) -> Vec<serde_json::Value> {
    let text = cli.ok(&format!("--output json {line}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn watch_prints_one_event_per_line_and_resumes_by_token() {
    let cli = Cli::new();
    cli.ok("key create invoices --kty EC-HSM");
    cli.ok("key delete invoices");
    let all = events(&cli, "watch --since 0 --until-now");
    assert_eq!((&all[0]["kind"], &all[1]["kind"]), (&"key.created".into(), &"key.deleted".into()));
    assert_eq!(all[1]["subject"], "hsms/local/deletedKeys/invoices");
    assert!(all[1]["scheduled_purge_at"].is_string() && all[0].get("scheduled_purge_at").is_none());
    assert_eq!(events(&cli, "watch --since 0 --count 1"), all[..1]);
    let token = all[0]["resume_token"].as_str().unwrap();
    assert_eq!(events(&cli, &format!("watch --since {token} --until-now")), all[1..]);
    assert_eq!(events(&cli, "watch --until-now"), [] as [serde_json::Value; 0]);

    let text = cli.ok("watch --since 0 --until-now");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("key.deleted") && text.contains("(purged 20"), "{text}");
    let hsms = events(&cli, "--as reader watch --hsms --since 0 --until-now");
    assert_eq!((hsms.len(), &hsms[0]["kind"]), (1, &"hsm.created".into()));
    assert!(cli.fails("--as reader watch").contains("managedHsm/keys/read/action at /keys"));
    assert!(cli.fails("watch --since soon").contains("resume_token"));
    assert_eq!(cli.run("watch --count 0").code, 2);
}

#[test]
fn watch_renews_its_expired_access_token() {
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__TOKEN_LIFETIME_SECONDS", "3")]);
    let cli = Cli { server, directory: tempdir().unwrap() };
    cli.ok("key create first --kty EC-HSM");
    let mut watching = cli
        .strongroom()
        .args(["watch", "--since", "0", "--count", "2", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("keys/first/"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        // This access token is issued later than that of the watch, so it expires later.
        let token = cli.server.access_token("dev").await;
        let mut client = Client::new(cli.server.channel().await, Some(&token));
        let started = Instant::now();
        while client.clock.get_clock(pb::GetClockRequest {}).await.is_ok() {
            assert!(started.elapsed() < Duration::from_secs(30), "the token does not expire");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    cli.ok("key create second --kty EC-HSM");
    assert!(lines.next().unwrap().unwrap().contains("keys/second/"));
    assert!(watching.wait().unwrap().success());
}
