//! Tests `strongroom top`, and the listener of the metrics.

use std::process::{Command, Output};

use strongroom::api::grpc::pb;

use crate::support::{Server, ec, strongroom};

const METRICS: &[(&str, &str)] = &[("STRONGROOM_METRICS__LISTEN", "127.0.0.1:0")];

fn top(server: &Server, arguments: &[&str]) -> Command {
    let mut command = strongroom();
    command.arg("--data-dir").arg(server.directory()).args(["top", "--interval", "1"]).args(arguments);
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

#[tokio::test]
async fn top_shows_operations_and_tokens_of_an_interval() {
    let server = Server::start_with(&[], METRICS);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let shown = top(&server, &["--once"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    // Calls go on during the interval, whenever it begins.
    let waiting = tokio::task::spawn_blocking(move || shown.wait_with_output().unwrap());
    while !waiting.is_finished() {
        let request = pb::SignRequest {
            name: "hsms/local/keys/invoices".to_owned(),
            algorithm: "ES256".to_owned(),
            digest: vec![7; 32],
        };
        dev.crypto.sign(request).await.unwrap();
    }
    let output = waiting.await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let shown = text(&output);
    let sign = shown.lines().find(|line| line.contains("KeySign")).unwrap_or_else(|| panic!("{shown}"));
    let rate: f64 = sign.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!(sign.starts_with("grpc") && rate > 0.0, "{shown}");
    for expected in ["simulator, ready", "records/s", "TOKEN", "up", "nothing scheduled"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }

    let output = top(&server, &["--output", "json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["is_ready"].as_bool(), report["mode"].as_str()), (Some(true), Some("simulator")));
    assert_eq!(report["tokens"][0]["is_up"], true, "{report}");
    assert!(report["tokens"][0]["sessions"].as_f64().unwrap() >= 1.0, "{report}");
}

#[tokio::test]
async fn metrics_are_served_without_credential_and_a_taken_address_is_no_failure() {
    let server = Server::start_with(&[], METRICS);
    let url = server.connection().metrics.unwrap();
    let metrics = reqwest::get(&url).await.unwrap();
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(metrics.text().await.unwrap().contains("strongroom_build_info"));
    let probe = async |path| {
        let answer = reqwest::get(url.replace("/metrics", path)).await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap()["status"].clone())
    };
    assert_eq!(probe("/livez").await, (200, "alive".into()));
    assert_eq!(probe("/readyz").await, (200, "ready".into()));
    assert_eq!(probe("/healthz").await, (200, "serving".into()));

    let address = url.trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    let other = Server::start_with(&[], &[("STRONGROOM_METRICS__LISTEN", &address)]);
    assert!(other.connection().metrics.is_none());
    assert!(other.log().contains("metrics.unavailable") && other.log().contains(&address), "{}", other.log());
    let output = top(&other, &["--once"]).output().unwrap();
    assert!(!output.status.success() && text(&output).contains("serves no metrics"), "{}", text(&output));
    let output = top(&other, &["--once", "--metrics", "http://127.0.0.1:9/metrics"]).output().unwrap();
    assert!(!output.status.success() && text(&output).contains("cannot read metrics"), "{}", text(&output));
}
