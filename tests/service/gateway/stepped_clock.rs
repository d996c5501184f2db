//! Tests a gateway whose machine's clock is set back by hours while it runs, and across a restart.

use std::time::{Duration, Instant};

use serde_json::json;
use strongroom::api::grpc::pb;

use super::fixture::{ADMIN, AUDIENCE, Gateway, ISSUER, TENANT};
use super::{HSM, KEY, assign_crypto_user, create_invoices_key, sign};
use crate::host_faults::stepped_clock;
use crate::support::{Client, ec, micros};

const HOURS: i64 = 3 * 3600;

/// Returns an access token that is valid from five hours ago.
fn long_token(gateway: &Gateway) -> String {
    let now = jsonwebtoken::get_current_timestamp();
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "oid": ADMIN,
        "iat": now - 18_000, "nbf": now - 18_000, "exp": now + 3600});
    gateway.issuer.sign(&json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}), &claims)
}

async fn client(gateway: &Gateway, port: u16) -> Client {
    Client::new(gateway.connect(port, None).await.unwrap(), Some(&long_token(gateway)))
}

async fn health(gateway: &Gateway, port: u16) -> serde_json::Value {
    let http = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(gateway.authority.pem.as_bytes()).unwrap()])
        .build()
        .unwrap();
    http.get(format!("https://127.0.0.1:{port}/healthz")).send().await.unwrap().json().await.unwrap()
}

/// Waits until health and log say that the clock is behind.
async fn wait_until_behind(gateway: &Gateway, port: u16, told: usize) {
    let started = Instant::now();
    let said = || gateway.log().matches("clock is behind its high-water mark").count();
    while said() < told {
        assert!(started.elapsed() < Duration::from_secs(30), "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let health = health(gateway, port).await;
    assert_eq!((health["status"].as_str(), health["clock"].as_str()), (Some("serving"), Some("behind")));
}

/// Asserts that no entry of the audit log is dated before the one that precedes it.
fn assert_monotone(gateway: &Gateway) -> usize {
    let mut files: Vec<_> =
        std::fs::read_dir(gateway.path("data/audit")).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let records: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut calls = records.iter().filter(|record| record["category"] == "AuditEvent");
    let mut last = calls.next().unwrap();
    for record in calls {
        let (before, after) = (last["time"].as_str().unwrap(), record["time"].as_str().unwrap());
        let [before, after] = [before, after].map(|time| time.parse::<jiff::Timestamp>().unwrap());
        // Calls that run at the same time are recorded in the order of their ends.
        assert!(after.duration_since(before).as_secs() > -5, "{last} precedes {record}");
        last = record;
    }
    records.len()
}

async fn deleted(client: &mut Client) -> pb::DeletedKeyBundle {
    let name = "hsms/payments/deletedKeys/old".to_owned();
    client.keys.get_deleted_key(pb::GetDeletedKeyRequest { name }).await.unwrap().into_inner()
}

#[tokio::test]
async fn clock_set_back_by_hours_dates_nothing_before_and_destroys_nothing() {
    let step = stepped_clock();
    step.set("0");
    let mut gateway = Gateway::new();
    gateway.environment = step.environment();
    let port = gateway.start();
    let mut admin = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)));
    assign_crypto_user(&mut admin, ADMIN).await;
    let roles = pb::ListRoleDefinitionsRequest { parent: HSM.to_owned() };
    let roles = admin.access.list_role_definitions(roles).await.unwrap().into_inner().role_definitions;
    let officer = roles.iter().find(|role| role.role_name == "Managed HSM Crypto Officer").unwrap();
    let request = pb::CreateRoleAssignmentRequest {
        parent: HSM.to_owned(),
        role_definition: officer.name.clone(),
        principal_id: ADMIN.to_owned(),
        scope: "/".to_owned(),
        ..Default::default()
    };
    admin.access.create_role_assignment(request).await.unwrap();
    let invoices = create_invoices_key(&mut admin).await.unwrap();
    admin.create(pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec("old", "P-256") }).await.unwrap();
    admin.keys.delete_key(pb::DeleteKeyRequest { name: "hsms/payments/keys/old".to_owned() }).await.unwrap();
    let before = deleted(&mut admin).await;
    // The high-water mark is written at most once a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    sign(&mut admin, &invoices).await.unwrap();

    step.set(&format!("-{HOURS}"));
    wait_until_behind(&gateway, port, 1).await;
    // By the clock of the machine, a new access token is not valid yet; one that was valid then is accepted.
    let mut refused = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)));
    let get = pb::GetKeyRequest { name: KEY.to_owned() };
    let status = refused.keys.get_key(get).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated, "{status:?}");
    let mut admin = client(&gateway, port).await;
    sign(&mut admin, &invoices).await.unwrap();
    let created = |bundle: &pb::KeyBundle| micros(bundle.created);
    let later = pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec("later", "P-256") };
    let later = admin.create(later).await.unwrap();
    assert!(created(&later) >= created(&invoices), "{later:?}");
    assert_eq!(deleted(&mut admin).await, before, "the scheduled purge date does not move");

    // Also across a restart.
    gateway.stop();
    let port = gateway.start();
    wait_until_behind(&gateway, port, 2).await;
    let mut admin = client(&gateway, port).await;
    sign(&mut admin, &invoices).await.unwrap();
    let last = pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec("last", "P-256") };
    let last = admin.create(last).await.unwrap();
    assert!(created(&last) >= created(&later), "{last:?}");
    assert_eq!(deleted(&mut admin).await, before);

    step.set("0");
    let started = Instant::now();
    while health(&gateway, port).await["clock"] != "running" {
        assert!(started.elapsed() < Duration::from_secs(30), "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    sign(&mut admin, &invoices).await.unwrap();
    gateway.stop();
    assert!(assert_monotone(&gateway) > 10);
    let report = strongroom::audit::verify(&gateway.path("data/audit")).unwrap();
    assert_eq!(report.broken, None);
}
