//! Authentication: the challenge, the host names of data planes, and accepted audiences.

use http::Method;

use super::client::{Rest, RestResponse};
use crate::support::Server;

#[track_caller]
fn assert_challenge(answer: &RestResponse, authority: &str, resource: &str, body: &str) {
    let challenge = format!(r#"Bearer authorization="{authority}", resource="{resource}""#);
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, challenge.as_str()), "{answer:?}");
    assert_eq!(answer.text, body, "{answer:?}");
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("content-length", if body.is_empty() { "0" } else { "2" }),
        ("content-security-policy", "default-src 'self'"),
        ("content-type", "application/json; charset=utf-8"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-ms-keyvault-region", ""),
        ("x-ms-keyvault-network-info", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}: {answer:?}");
    }
    assert!(uuid::Uuid::parse_str(answer.header("x-ms-request-id")).is_ok());
    assert!(answer.header("x-ms-server-latency").parse::<u64>().is_ok());
    assert_eq!(answer.header("x-ms-build-version").is_empty(), body.is_empty());
}

#[tokio::test]
async fn unauthenticated_requests_are_always_challenged() {
    let server = Server::start();
    let connection = server.connection();
    let unauthenticated = Rest::unauthenticated(&server);
    let authority = format!("{}/{}", connection.authority, connection.tenant_id);
    let resource = unauthenticated.base.replace("local.", "");
    for (method, path) in [
        (Method::GET, "/keys/a?api-version=7.6"),
        (Method::GET, "/keys"),
        (Method::GET, "/nothing/like/this?api-version=%ff"),
        (Method::GET, "///providers/Microsoft.Authorization/roleDefinitions"),
        (Method::POST, "/keys/a/create"),
        (Method::POST, "/backup"),
        (Method::PUT, "/keys/a%00"),
        (Method::PATCH, "/keys/a/"),
        (Method::DELETE, "/deletedkeys/a"),
    ] {
        let body = if method == Method::GET { "OK" } else { "" };
        assert_challenge(&unauthenticated.raw(method.clone(), path, "").await, &authority, &resource, body);
        assert_challenge(
            &unauthenticated.raw(method.clone(), path, "{nonsense").await,
            &authority,
            &resource,
            body,
        );
        let wrong = unauthenticated.with_token("eyJhbGciOiJub25lIn0.e30.");
        assert_challenge(&wrong.raw(method, path, "").await, &authority, &resource, body);
    }
    // Each call has an audit entry.
    let refused = server.audit_where(27, |record| record["resultSignature"] == "UNAUTHENTICATED");
    assert!(refused.iter().all(|record| record["httpStatusCode"] == 401), "{refused:?}");
}

/// The part of the challenge that the SDKs verify: the host ends with the resource's host, port included.
#[tokio::test]
async fn challenge_names_authority_and_resource_of_the_host() {
    let server = Server::start();
    let connection = server.connection();
    let unauthenticated = Rest::unauthenticated(&server);
    let port = unauthenticated.base.rsplit(':').next().unwrap();
    let tenant = &connection.tenant_id;
    for (host, authority, resource) in [
        (
            format!("local.managedhsm.localhost:{port}"),
            format!("login.localhost:{port}"),
            format!("managedhsm.localhost:{port}"),
        ),
        (
            format!("nothing.managedhsm.localhost:{port}"),
            format!("login.localhost:{port}"),
            format!("managedhsm.localhost:{port}"),
        ),
        (
            format!("localhost:{port}"),
            format!("login.localhost:{port}"),
            format!("managedhsm.localhost:{port}"),
        ),
        (
            format!("127.0.0.1:{port}"),
            format!("login.localhost:{port}"),
            format!("managedhsm.localhost:{port}"),
        ),
        // Without a port, the server is reached on port 443 by Azure's own host names.
        (
            "local.managedhsm.azure.net".to_owned(),
            "login.microsoftonline.com".to_owned(),
            "managedhsm.azure.net".to_owned(),
        ),
    ] {
        let answer = unauthenticated.at_host(&host).get("/keys").await;
        let (authority, resource) = (format!("https://{authority}/{tenant}"), format!("https://{resource}"));
        assert_challenge(&answer, &authority, &resource, "OK");
    }
}

#[tokio::test]
async fn every_audience_is_accepted_on_every_host() {
    let server = Server::start();
    let unauthenticated = Rest::unauthenticated(&server);
    let port = unauthenticated.base.rsplit(':').next().unwrap().to_owned();
    let audiences = [
        "https://managedhsm.azure.net".to_owned(),
        format!("https://managedhsm.localhost:{port}"),
        "https://managedhsm.localhost".to_owned(),
    ];
    let hosts = [
        format!("local.managedhsm.localhost:{port}"),
        format!("localhost:{port}"),
        "local.managedhsm.azure.net".to_owned(),
    ];
    for audience in &audiences {
        let token = server.access_token_for("dev", audience).await;
        for host in &hosts {
            let caller = unauthenticated.with_token(&token).at_host(host);
            let name = host.split([':', '.']).next().unwrap();
            let key = caller.create(name, serde_json::json!({"kty": "oct-HSM"})).await;
            let kid = key["key"]["kid"].as_str().unwrap();
            assert!(kid.starts_with(&format!("https://{host}/keys/{name}/")), "{kid}");
        }
    }
    let dev = Rest::authenticated(&server, "dev").await;
    let message = dev.at_host(&format!("nothing.managedhsm.localhost:{port}")).get("/keys").await;
    assert_eq!(message.error(404, "ResourceNotFound"), "Managed HSM not found: hsms/nothing");
}

#[tokio::test]
async fn responses_have_the_headers_of_azure() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let found = dev.get("/keys").await;
    assert_eq!(found.status, 200);
    let made = dev.post("/keys/a/create", serde_json::json!({"kty": "oct-HSM"})).await;
    for answer in [&found, &made] {
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.header("x-ms-keyvault-region"), "localhost");
        assert_eq!(
            answer.header("x-ms-keyvault-network-info"),
            "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=Ipv4;"
        );
        for absent in ["x-ms-keyvault-service-version", "pragma", "expires", "server", "www-authenticate"] {
            assert_eq!(answer.header(absent), "", "{absent}: {answer:?}");
        }
    }
    assert!(!found.header("x-ms-build-version").is_empty());
    assert!(made.header("x-ms-build-version").is_empty());
    let refused = dev.get("/keys/none").await;
    assert_eq!(refused.header("content-type"), "application/json; charset=utf-8");
    for absent in ["x-ms-keyvault-region", "x-ms-keyvault-network-info"] {
        assert_eq!(refused.header(absent), "", "{absent}");
    }
    // The request id of the response identifies the audit entry.
    let id = refused.header("x-ms-request-id").to_owned();
    let record = &server.audit_where(1, |record| record["correlationId"] == id.as_str())[0];
    assert_eq!((&record["operationName"], &record["operationVersion"]), (&"KeyGet".into(), &"7.6".into()));
    assert_eq!(record["requestUri"], "/keys/none");
}
