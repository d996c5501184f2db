//! Tests the limit on audit entries of unauthenticated calls, and that there are none when disk space is low.

use serde_json::Value;
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::raw;
use crate::support::{Server, ec};

/// Returns the entries that summarize several calls.
fn summaries(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|record| record["operationName"] == "UnauthenticatedCalls").collect()
}

/// Sends calls without a valid credential to every surface. Returns the number of calls.
async fn attack(server: &Server) -> usize {
    let (http, connection) = (server.http(), server.connection());
    let port = connection.endpoint.rsplit(':').next().unwrap().to_owned();
    let channel = server.channel().await;
    let agent = "x".repeat(4_000);
    let mut sent = 0;
    for round in 0..5 {
        for url in [
            format!("https://local.managedhsm.localhost:{port}/keys/{}?api-version=7.6", "k".repeat(1_000)),
            format!("https://local.managedhsm.localhost:{port}/nothing/{round}"),
            format!("https://management.localhost:{port}/subscriptions?api-version=2022-12-01"),
        ] {
            let answer = http.get(&url).header("user-agent", &agent).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{url}");
            let forged = http.get(&url).bearer_auth("x.y.z").send().await.unwrap();
            assert_eq!(forged.status(), 401, "{url}");
            sent += 2;
        }
        for method in ["KeyService/GetKey", "CryptoService/Sign", "KeyService/Nothing"] {
            let path = format!("/strongroom.v1.{method}");
            let answer = raw::send(&channel, &path, &[], raw::frame(&[0xff; 9])).await;
            assert_eq!(answer.status.code(), Code::Unauthenticated);
            sent += 1;
        }
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*server.principal("dev").client_id),
            ("client_secret", "a guess"),
            ("scope", "https://managedhsm.localhost/.default"),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", connection.authority, connection.tenant_id);
        assert_eq!(http.post(url).form(&form).send().await.unwrap().status(), 401);
        sent += 1;
    }
    sent
}

#[tokio::test]
async fn unauthenticated_calls_above_limit_share_one_audit_entry() {
    let settings = [
        ("STRONGROOM_AUDIT__REFUSALS_PER_ADDRESS", "4"),
        ("STRONGROOM_AUDIT__REFUSAL_WINDOW_SECONDS", "3600"),
    ];
    let mut server = Server::start_with(&[], &settings);
    let mut dev = server.client("dev").await;
    let sent = attack(&server).await;
    dev.create(ec("a", "P-256")).await.unwrap();
    assert!(server.stop().success());

    let records = server.audit_where(0, |_| true);
    let unauthenticated = |record: &&Value| record["httpStatusCode"] == 401 && record["calls"].is_null();
    let single: Vec<_> = records.iter().filter(unauthenticated).collect();
    assert_eq!(single.len(), 4, "{single:#?}");
    for record in single {
        assert!(record["clientInfo"].as_str().unwrap().len() <= 128, "{record}");
        assert!(record["requestUri"].as_str().unwrap().len() <= 128, "{record}");
    }
    let summary = summaries(&records);
    assert_eq!(summary.len(), 1, "{summary:#?}");
    assert_eq!(summary[0]["calls"], sent - 4);
    assert_eq!(summary[0]["callerIpAddress"], "127.0.0.1");
    let description = summary[0]["resultDescription"].as_str().unwrap();
    assert_eq!(description, format!("{} more calls like this from 127.0.0.1", sent - 4));
    let created = records.iter().filter(|record| record["operationName"] == "KeyCreate").count();
    assert_eq!(created, 1, "authenticated calls are audited individually");
    assert_eq!(strongroom::audit::verify(&server.directory().join("audit")).unwrap().broken, None);
}

#[tokio::test]
async fn closed_window_writes_its_count_while_running() {
    let settings =
        [("STRONGROOM_AUDIT__REFUSALS_PER_ADDRESS", "1"), ("STRONGROOM_AUDIT__REFUSAL_WINDOW_SECONDS", "1")];
    let server = Server::start_with(&[], &settings);
    let channel = server.channel().await;
    for _ in 0..50 {
        raw::send(&channel, "/strongroom.v1.KeyService/GetKey", &[], raw::frame(&[])).await;
    }
    let summary = server.audit_where(1, |record| record["operationName"] == "UnauthenticatedCalls");
    assert!(summary[0]["calls"].as_u64().unwrap() >= 1, "{summary:?}");
}

#[tokio::test]
async fn low_disk_space_rejects_unauthenticated_and_serves_others() {
    let settings = [("STRONGROOM_AUDIT__RESERVE_BYTES", "9000000000000000000")];
    let mut server = Server::start_with(&[], &settings);
    attack(&server).await;
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let list = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    assert_eq!(dev.keys.list_keys(list).await.unwrap().into_inner().keys.len(), 1);
    assert!(server.stop().success());
    let records = server.audit_where(0, |_| true);
    assert!(records.iter().all(|record| record["httpStatusCode"] != 401), "{records:#?}");
    assert!(records.iter().any(|record| record["operationName"] == "KeyCreate"));
    assert!(server.log().contains("little space is left"), "{}", server.log());
}
