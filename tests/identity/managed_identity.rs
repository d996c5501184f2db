//! Tests the managed identity endpoints over HTTP: App Service and IMDS.

use std::os::unix::fs::PermissionsExt as _;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use strongroom::model::name::PrincipalId;
use strongroom::simulator::authority::{Client, ManagedIdentities, ManagedIdentity};
use uuid::Uuid;

use crate::authority::{APPLICATION, RunningAuthority, decode_jwt_part};
use crate::support::*;

const SECOND: Uuid = Uuid::from_u128(0xb0);
const RESOURCE: &str =
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/payroll";

/// An endpoint that listens on a socket, with two identities.
struct Endpoint {
    running: RunningAuthority,
    base: String,
    header: String,
}

impl Endpoint {
    async fn start() -> Self {
        let running = RunningAuthority::start().await;
        let second = Client {
            name: "billing".into(),
            object_id: PrincipalId(Uuid::from_u128(0xb1)),
            client_id: SECOND,
            groups: Vec::new(),
        };
        running.authority.register(second, None, Vec::new()).unwrap();
        let identities = open(&running);
        let header = identities.header().expose_secret().to_owned();
        let (address, _) = serve(identities.router()).await;
        Self { running, base: format!("http://{address}"), header }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut request = self.running.http.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers().get("location"), None);
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn app_service(&self, query: &str) -> (u16, Value) {
        self.get(&format!("/msi/token?{query}"), &[("X-IDENTITY-HEADER", &self.header)]).await
    }

    async fn imds(&self, query: &str) -> (u16, Value) {
        self.get(&format!("/metadata/identity/oauth2/token?{query}"), &[("Metadata", "true")]).await
    }
}

fn open(running: &RunningAuthority) -> ManagedIdentities {
    let identity = |client_id, resource: &str| ManagedIdentity { client_id, resource: resource.to_owned() };
    let identities = vec![identity(APPLICATION, RESOURCE), identity(SECOND, "/second")];
    ManagedIdentities::open(running.directory.path(), running.authority.clone(), identities).unwrap()
}

#[tokio::test]
async fn app_service_and_imds_issue_tokens_with_identity_claims() {
    let endpoint = Endpoint::start().await;
    let app_service = endpoint.app_service(&format!("api-version=2019-08-01&resource={AUDIENCE}")).await;
    let imds = endpoint.imds(&format!("api-version=2018-02-01&resource={AUDIENCE}")).await;
    for (status, answer) in [&app_service, &imds] {
        assert_eq!(*status, 200, "{answer}");
        let claims = decode_jwt_part(answer["access_token"].as_str().unwrap(), 1);
        assert_eq!((&claims["oid"], &claims["aud"]), (&json!(PRINCIPAL), &json!(AUDIENCE)));
        assert_eq!((&claims["appidacr"], &claims["xms_mirid"]), (&json!("2"), &json!(RESOURCE)));
        assert_eq!((&answer["token_type"], &answer["resource"]), (&json!("Bearer"), &json!(AUDIENCE)));
        assert_eq!(answer["client_id"], json!(APPLICATION));
        assert_eq!(answer["expires_on"], json!(claims["exp"].to_string()));
        assert!(answer.as_object().unwrap().values().all(Value::is_string), "{answer}");
    }
    let with_slash = format!("/metadata/identity/oauth2/token/?api-version=2018-02-01&resource={AUDIENCE}");
    assert_eq!(endpoint.get(&with_slash, &[("Metadata", "true")]).await.0, 200);
    assert_eq!(app_service.1.as_object().unwrap().len(), 5);
    assert_eq!((&imds.1["expires_in"], imds.1.as_object().unwrap().len()), (&json!("3599"), 8));
}

#[tokio::test]
async fn selects_identity_by_client_object_or_resource_id() {
    let endpoint = Endpoint::start().await;
    let oid = Uuid::from_u128(0xb1);
    for (choice, found) in [
        (String::new(), APPLICATION),
        (format!("client_id={APPLICATION}"), APPLICATION),
        (format!("client_id={SECOND}"), SECOND),
        (format!("object_id={oid}"), SECOND),
        (format!("principal_id={oid}"), SECOND),
        ("mi_res_id=/SECOND".to_owned(), SECOND),
        (format!("msi_res_id={RESOURCE}"), APPLICATION),
        (format!("client_id={SECOND}&object_id={oid}"), SECOND),
    ] {
        let (_, one) =
            endpoint.app_service(&format!("api-version=2019-08-01&resource={AUDIENCE}&{choice}")).await;
        let (_, other) = endpoint.imds(&format!("api-version=2018-02-01&resource={AUDIENCE}&{choice}")).await;
        assert_eq!(
            (&one["client_id"], &other["client_id"]),
            (&json!(found), &json!(found)),
            "{choice} {one} {other}"
        );
    }
    for choice in [
        format!("client_id={}", Uuid::from_u128(3)),
        "client_id=".to_owned(),
        "mi_res_id=/third".to_owned(),
        format!("client_id={SECOND}&object_id={PRINCIPAL}"),
    ] {
        let (status, one) =
            endpoint.app_service(&format!("api-version=2019-08-01&resource={AUDIENCE}&{choice}")).await;
        assert_eq!((status, &one["statusCode"]), (400, &json!(400)), "{choice}");
        assert!(
            one["message"].as_str().unwrap().contains("Managed Identity found for specified ClientId"),
            "{one}"
        );
        let (status, other) =
            endpoint.imds(&format!("api-version=2018-02-01&resource={AUDIENCE}&{choice}")).await;
        let expected = json!({"error": "invalid_request", "error_description": "Identity not found"});
        assert_eq!((status, other), (400, expected), "{choice}");
    }
}

#[tokio::test]
async fn rejects_requests_without_header_or_with_foreign_host() {
    let endpoint = Endpoint::start().await;
    let query = format!("resource={AUDIENCE}");
    let app_service = format!("/msi/token?api-version=2019-08-01&{query}");
    let wrong = format!("{}x", endpoint.header);
    for headers in
        [&[][..], &[("X-IDENTITY-HEADER", "")], &[("X-IDENTITY-HEADER", &wrong)], &[("Metadata", "true")]]
    {
        let (status, answer) = endpoint.get(&app_service, headers).await;
        assert_eq!((status, &answer["statusCode"]), (401, &json!(401)), "{headers:?}");
        assert!(!answer.to_string().contains(&endpoint.header));
    }
    let imds = format!("/metadata/identity/oauth2/token?api-version=2018-02-01&{query}");
    for headers in
        [&[][..], &[("Metadata", "false")], &[("Metadata", "true"), ("X-Forwarded-For", "10.0.0.1")]]
    {
        let (status, answer) = endpoint.get(&imds, headers).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{headers:?}");
    }
    // DNS rebinding: requests of a browser have a foreign host name and are rejected.
    let header = ("X-IDENTITY-HEADER", endpoint.header.as_str());
    for (host, status) in [
        ("rebound.example", 403),
        ("login.localhost", 403),
        ("10.0.0.1", 403),
        ("127.0.0.1:8444", 200),
        ("localhost", 200),
        ("[::1]:1", 200),
        ("169.254.169.254", 200),
    ] {
        let both = [("host", host), header, ("Metadata", "true")];
        for path in [&app_service, &imds] {
            assert_eq!(endpoint.get(path, &both).await.0, status, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn reports_missing_and_invalid_parameters() {
    let endpoint = Endpoint::start().await;
    for (query, status) in [
        ("resource=https://managedhsm.example", 400),
        ("api-version=2017-09-01&resource=https://managedhsm.example", 400),
        ("api-version=2019-08-01", 400),
        ("api-version=2019-08-01&resource=", 400),
        ("api-version=2019-08-01&resource=https://vault.example", 400),
        ("api-version=2019-08-01&resource=https://managedhsm.example&resource=x", 400),
        ("api-version=2019-08-01&resource=https://managedhsm.example:8443/", 200),
    ] {
        assert_eq!(endpoint.app_service(query).await.0, status, "{query}");
    }
    let (_, answer) = endpoint.imds("resource=https://managedhsm.example").await;
    assert_eq!(answer["newest-versions"], json!(["2018-02-01"]));
    let (_, answer) = endpoint.imds("api-version=2018-02-01").await;
    assert_eq!(answer["error_description"], "Required query variable 'resource' is missing");
    let (status, answer) = endpoint.imds("api-version=2018-02-01&resource=https://vault.example").await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_resource")));
    assert_eq!(endpoint.get("/elsewhere", &[]).await.0, 404);
    let posted = endpoint.running.http.post(format!("{}/msi/token", endpoint.base)).send().await.unwrap();
    assert_eq!(posted.status(), 405);
}

#[tokio::test]
async fn identity_header_is_persisted_with_mode_0600() {
    let running = RunningAuthority::start().await;
    let identity = |client_id| vec![ManagedIdentity { client_id, resource: RESOURCE.to_owned() }];
    let open = |client_id| {
        ManagedIdentities::open(running.directory.path(), running.authority.clone(), identity(client_id))
    };
    let first = open(APPLICATION).unwrap().header().expose_secret().to_owned();
    assert_eq!(first.len(), 43);
    assert_eq!(open(APPLICATION).unwrap().header().expose_secret(), first);
    let file = running.directory.path().join("identity-header");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(open(SECOND).is_err());
}
