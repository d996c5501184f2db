//! Tests metrics: what Prometheus' client library reads is what the catalogue of metrics lists.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;
use strongroom::api::grpc::pb;
use strongroom::telemetry::{ALL, Kind, Metric};

use super::sandbox::install_clients;
use crate::kit::rest::Rest;
use crate::support::{Client, Server, days, ec, oct};

/// A metric as Prometheus' client library reads it.
#[derive(Deserialize, Debug)]
struct Family {
    name: String,
    kind: String,
    help: String,
    samples: Vec<Sample>,
}

#[derive(Deserialize, Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: String,
}

/// Metrics that appear only when something fails or ends: a test of the fault shows them.
const ONLY_AFTER_FAULTS: &[&str] = &[
    "strongroom_connections_refused_total",
    "strongroom_token_errors_total",
    "strongroom_token_logins_renewed_total",
    "strongroom_token_worker_ends_total",
];

/// Metrics that appear only if instances share a database.
const ONLY_IF_SHARED: &[&str] = &[
    "strongroom_calls_decided_again_total",
    "strongroom_change_log_applied_total",
    "strongroom_change_log_position",
    "strongroom_instance_takeovers_total",
    "strongroom_lease_held",
];

fn scrape(server: &Server) -> Vec<Family> {
    let python = install_clients("python").join("bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python/metrics.py");
    let url = server.connection().metrics.expect("the server serves metrics");
    let output = Command::new(python).arg(script).arg(url).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The sum of the samples with this name whose labels include these.
fn value(families: &[Family], name: &str, labels: &[(&str, &str)]) -> f64 {
    let samples = families.iter().flat_map(|family| &family.samples).filter(|sample| sample.name == name);
    let includes = |sample: &&Sample| {
        labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
    };
    samples.filter(includes).map(|sample| sample.value.parse::<f64>().unwrap()).sum()
}

async fn sign(client: &mut Client, key: &str) -> Result<(), tonic::Status> {
    let request = pb::SignRequest {
        name: format!("hsms/local/keys/{key}"),
        algorithm: "ES256".to_owned(),
        digest: vec![7; 32],
    };
    client.crypto.sign(request).await.map(drop)
}

#[tokio::test]
async fn prometheus_reads_all_metrics_of_the_catalogue() {
    let environment =
        [("STRONGROOM_METRICS__LISTEN", "127.0.0.1:0"), ("STRONGROOM_TOKEN__ISOLATION", "process")];
    let server = Server::start_with(&[], &environment);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(oct("secrets", 256)).await.unwrap();
    for _ in 0..5 {
        sign(&mut dev, "invoices").await.unwrap();
    }
    sign(&mut dev, "absent").await.unwrap_err();
    let item = |length| pb::SignItem { algorithm: "ES256".to_owned(), digest: vec![1; length] };
    let batch =
        pb::BatchSignRequest { name: "hsms/local/keys/invoices".to_owned(), items: vec![item(32), item(3)] };
    dev.crypto.batch_sign(batch).await.unwrap();
    let rest = Rest::authenticated(&server, "dev").await;
    rest.get("/keys/invoices").await.json(200);
    rest.get("/keys/absent").await.json(404);
    let name = "hsms/local/keys/secrets".to_owned();
    dev.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap();
    dev.clock.advance_clock(days(91)).await.unwrap();
    let name = "hsms/local/keys/invoices".to_owned();
    dev.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap();
    // A connection that is no TLS.
    let address = server.connection().endpoint.replace("https://", "");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").unwrap();
    std::io::Read::read_to_end(&mut stream, &mut Vec::new()).unwrap_or_default();

    let families = scrape(&server);
    let expected: BTreeMap<&str, &Metric> = ALL.iter().map(|metric| (metric.name, metric)).collect();
    let mut seen = BTreeSet::new();
    for Family { name, kind, help, samples } in &families {
        // The library removes the suffix of counters.
        let name = if kind == "counter" { format!("{name}_total") } else { name.clone() };
        let metric = expected.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        assert_eq!((kind.as_str(), help.as_str()), (metric.kind.as_str(), metric.help), "{name}");
        for sample in samples {
            let mut labels: BTreeSet<&str> = sample.labels.keys().map(String::as_str).collect();
            if metric.kind == Kind::Histogram {
                labels.remove("le");
            }
            assert_eq!(labels, metric.labels.iter().copied().collect(), "{sample:?}");
        }
        seen.insert(name);
    }
    let mut left_out: BTreeSet<&str> = ONLY_AFTER_FAULTS.iter().chain(ONLY_IF_SHARED).copied().collect();
    left_out.extend(seen.iter().map(String::as_str));
    let missing: Vec<_> = expected.keys().filter(|name| !left_out.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let shared: Vec<_> = ONLY_IF_SHARED.iter().filter(|name| seen.contains(**name)).collect();
    assert!(shared.is_empty(), "the database is a file: {shared:?}");

    let calls = |labels: &[(&str, &str)]| value(&families, "strongroom_calls_total", labels);
    assert_eq!(calls(&[("surface", "grpc"), ("operation", "KeySign"), ("result", "ok")]), 5.0);
    assert_eq!(calls(&[("surface", "grpc"), ("operation", "KeySign"), ("result", "KEY_NOT_FOUND")]), 1.0);
    assert_eq!(calls(&[("surface", "rest"), ("operation", "KeyGet"), ("result", "ok")]), 1.0);
    assert!(calls(&[("surface", "service"), ("result", "ok")]) >= 1.0, "the purge of the key");
    assert!(calls(&[("surface", "authority")]) >= 2.0);
    let items = |result| value(&families, "strongroom_batch_items_total", &[("result", result)]);
    assert_eq!((items("ok"), items("failed")), (1.0, 1.0));
    let signed = [("surface", "grpc"), ("operation", "KeySign")];
    assert_eq!(value(&families, "strongroom_call_duration_seconds_count", &signed), 6.0);
    assert!(value(&families, "strongroom_call_duration_seconds_sum", &signed) > 0.0);
    assert_eq!(value(&families, "strongroom_calls_in_progress", &[]), 0.0);
    assert_eq!(value(&families, "strongroom_managed_hsms", &[("state", "active")]), 1.0);
    assert_eq!(value(&families, "strongroom_ready", &[]), 1.0);
    assert!(value(&families, "strongroom_token_workers", &[("state", "running")]) >= 1.0);
    assert!(value(&families, "strongroom_accrued_cost", &[("container", "hsms/local")]) > 0.0);
    assert!(value(&families, "strongroom_audit_position", &[]) > 10.0);
    let scheduled = [("work", "purge"), ("result", "done")];
    assert_eq!(value(&families, "strongroom_scheduled_work_total", &scheduled), 1.0);
}
