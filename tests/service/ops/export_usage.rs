//! Exporting daily costs as CSV and JSON files with the columns of FOCUS.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use strongroom::api::grpc::pb;

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, metadata, sign};
use crate::support::{Client, Server, ec, error_metadata};
use crate::usage::{freeze_clock_at, midnight, statement, subscription, vault};
use crate::vault_keys;

fn request(server: &Server, format: &str) -> pb::ExportUsageRequest {
    pb::ExportUsageRequest {
        parent: subscription(server),
        from: midnight("2050-01-01"),
        to: midnight("2050-02-01"),
        plan: "vault-premium".to_owned(),
        format: format.to_owned(),
        page_token: String::new(),
    }
}

async fn file(client: &mut Client, mut request: pb::ExportUsageRequest) -> Vec<u8> {
    let mut file = Vec::new();
    loop {
        let page = client.usage.export_usage(request.clone()).await.unwrap().into_inner();
        file.extend(page.content);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return file;
        }
    }
}

/// Exports a plan in both formats, and asserts that the rows agree with each other and with the statement. Returns the rows.
async fn assert_rows_sum_to_total(
    server: &Server,
    client: &mut Client,
    parent: &str,
    plan: &str,
) -> Vec<serde_json::Value> {
    let (parent, plan) = (parent.to_owned(), plan.to_owned());
    let request = pb::ExportUsageRequest { parent, plan, ..request(server, "csv") };
    let csv = file(client, request.clone()).await;
    let mut reader = csv::Reader::from_reader(&*csv);
    let cost = reader.headers().unwrap().iter().position(|name| name == "BilledCost").unwrap();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let sum: Decimal = rows.iter().map(|row| Decimal::from_str_exact(&row[cost]).unwrap()).sum();
    let ask = statement(&request.parent, "2050-01-01", "2050-02-01", &request.plan);
    let total = client.usage.get_statement(ask).await.unwrap().into_inner().total;
    assert_eq!(sum.normalize().to_string(), total, "{}", request.plan);

    let json = file(client, pb::ExportUsageRequest { format: "json".to_owned(), ..request }).await;
    let lines: Vec<serde_json::Value> = json
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), rows.len());
    assert!(lines.iter().zip(&rows).all(|(line, row)| line["BilledCost"] == row[cost]));
    lines
}

#[tokio::test]
async fn rows_sum_to_the_statement_total() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    freeze_clock_at(&mut dev, "2050-01-10").await;
    dev.create(ec("sample", "P-256")).await.unwrap();
    sign(&mut dev, "sample").await.unwrap();
    freeze_clock_at(&mut dev, "2050-02-01").await;

    let answer = dev.usage.export_usage(request(&server, "csv")).await;
    assert_audited(&server, metadata(&answer), "UsageExport", "OK", &format!("/{}", subscription(&server)));
    for plan in ["vault-premium", "managed-hsm"] {
        assert_rows_sum_to_total(&server, &mut dev, &subscription(&server), plan).await;
    }
    let rows = file(&mut dev, request(&server, "json")).await;
    assert!(String::from_utf8(rows).unwrap().contains("\"ResourceName\":\"sample\""));
}

#[tokio::test]
async fn rows_of_a_vault_sum_to_its_statement_total() {
    let (server, mut dev) = vault_keys::start().await;
    let mut owner = server.client("owner").await;
    freeze_clock_at(&mut owner, "2050-01-10").await;
    let made = vault_keys::create(&mut dev, vault_keys::VAULT, "signing", "EC-HSM");
    let made = made.await.unwrap();
    vault_keys::assert_signs(&mut dev, &made.name, &made).await;
    freeze_clock_at(&mut owner, "2050-02-01").await;

    let mut reader = server.client("reader").await;
    let parent = vault(&server, "demo");
    let rows = assert_rows_sum_to_total(&server, &mut reader, &parent, "key-vault").await;
    assert!(rows.iter().any(|row| row["BilledCost"] != "0"), "{rows:?}");
    let resource = format!("/{parent}").replace("/vaults/", "/providers/Microsoft.KeyVault/vaults/");
    let kinds: BTreeSet<_> = rows
        .iter()
        .map(|row| {
            assert!(row["ResourceId"].as_str().unwrap().starts_with(&resource), "{row}");
            (row["ResourceName"].as_str().unwrap(), row["ResourceType"].as_str().unwrap())
        })
        .collect();
    assert_eq!(kinds, [("demo", "Vault"), ("signing", "Key")].into());
}

#[tokio::test]
async fn days_without_hsms_export_only_the_header() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let between = |from: i64, to: i64| pb::ExportUsageRequest {
        from: Some(prost_types::Timestamp { seconds: from, nanos: 0 }),
        to: Some(prost_types::Timestamp { seconds: to, nanos: 0 }),
        ..request(&server, "csv")
    };
    for request in [between(-62_000_000_000, 0), between(253_000_000_000, 253_400_000_000)] {
        let file = String::from_utf8(file(&mut reader, request).await).unwrap();
        assert_eq!(file.lines().count(), 1, "{file}");
        assert!(file.starts_with("AvailabilityZone,BilledCost,"));
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    for name in ["administrator", "contributor", "nobody"] {
        let mut caller = server.client(name).await;
        let status = assert_not_granted(caller.usage.export_usage(request(&server, "csv")).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.Consumption/usageDetails/read");
    }
    let mut reader = server.client("reader").await;
    for format in ["", "CSV", "xml"] {
        assert_bad_parameter(reader.usage.export_usage(request(&server, format)).await, "format");
    }
    for token in ["x", "0", "9999999999999999999"] {
        let token = pb::ExportUsageRequest { page_token: token.to_owned(), ..request(&server, "csv") };
        assert_bad_parameter(reader.usage.export_usage(token).await, "page_token");
    }
}
