//! Tests that the authority's token requests are audited, granted or refused, with the client and the audience.

use serde_json::Value;

use crate::support::Server;

fn issues(server: &Server, least: usize) -> Vec<Value> {
    server.audit_where(least, |record| record["operationName"] == "TokenIssue")
}

#[tokio::test]
async fn token_endpoint_requests_are_audited_before_the_response() {
    let server = Server::start();
    let token = server.access_token("crypto-user").await;
    let connection = server.connection();
    let url =
        |version: &str| format!("{}/{}/oauth2/{version}token", connection.authority, connection.tenant_id);
    let principal = server.principal("crypto-user");
    let form = |resource: &'static str, secret: &str| {
        [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", principal.client_id.clone()),
            ("client_secret", secret.to_owned()),
            ("resource", resource.to_owned()),
        ]
    };
    let http = server.http();
    let managed = "https://managedhsm.localhost";
    let secret = &principal.client_secret;
    assert_eq!(http.post(url("")).form(&form(managed, secret)).send().await.unwrap().status(), 200);
    assert_eq!(http.post(url("")).form(&form(managed, "wrong")).send().await.unwrap().status(), 401);
    assert_eq!(
        http.post(url("")).form(&form("https://x.example", secret)).send().await.unwrap().status(),
        400
    );
    let records = issues(&server, 4);
    let outcomes: Vec<_> = records
        .iter()
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            (record["httpStatusCode"].as_u64().unwrap(), text("resultSignature"), text("target"))
        })
        .collect();
    let row = |status: u64, signature: &str, target: &str| (status, signature.to_owned(), target.to_owned());
    assert_eq!(
        outcomes,
        [
            row(200, "OK", &connection.audience),
            row(200, "OK", managed),
            row(401, "invalid_client", ""),
            row(400, "invalid_resource", "")
        ]
    );
    for record in &records[..2] {
        let identity = record["identity"].as_str().unwrap();
        assert!(
            identity.contains(&principal.object_id) && identity.contains(&principal.client_id),
            "{record}"
        );
        assert_eq!(record["callerIpAddress"], "127.0.0.1");
        assert!(record["requestUri"].as_str().unwrap().ends_with("/token"), "{record}");
    }
    let written = serde_json::to_string(&records).unwrap();
    assert!(!written.contains(secret) && !written.contains(token.rsplit('.').next().unwrap()));
}

#[tokio::test]
async fn managed_identity_tokens_are_audited_up_to_the_limit() {
    let settings = [
        ("STRONGROOM_AUDIT__REFUSALS_PER_ADDRESS", "3"),
        ("STRONGROOM_AUDIT__REFUSAL_WINDOW_SECONDS", "3600"),
        ("STRONGROOM_SIMULATOR__MANAGED_IDENTITY_LISTEN", "127.0.0.1:0"),
    ];
    let mut server = Server::start_with(&[], &settings);
    let file = std::fs::read(server.directory().join("connection.json")).unwrap();
    let connection: Value = serde_json::from_slice(&file).unwrap();
    let host = connection["managed_identity"]["host"].as_str().unwrap();
    let url = format!(
        "{host}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://managedhsm.localhost"
    );
    let http = reqwest::Client::new();
    for _ in 0..10 {
        let answer = http.get(&url).header("metadata", "true").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }
    assert_eq!(http.get(&url).send().await.unwrap().status(), 400);
    let records = issues(&server, 3);
    assert_eq!(records.len(), 3);
    assert_eq!(records[0]["resultSignature"], "OK");
    assert_eq!(records[0]["target"], "https://managedhsm.localhost");
    assert!(records[0]["identity"].as_str().unwrap().contains("objectidentifier"), "{}", records[0]);
    assert!(server.stop().success());
    let summary = server.audit_where(1, |record| record["operationName"] == "UnauthenticatedCalls");
    assert_eq!((&summary[0]["calls"], &summary[0]["tokensIssued"]), (&8.into(), &7.into()), "{summary:#?}");
}
