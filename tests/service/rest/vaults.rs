//! The hosts of vaults: their challenge, audience, headers and errors.

use http::Method;
use serde_json::{Value, json};
use strongroom::api::grpc::pb;

use super::client::{Rest, RestResponse, VERSION};
use crate::control::support::{assign, list_assignments, vault};
use crate::hsms::Container;
use crate::support::Server;
use crate::vaults;

/// The audience of the data planes of vaults in Azure.
const AZURE_AUDIENCE: &str = "https://vault.azure.net";

/// A server with the vault `contoso`, and a client at its host without an access token.
async fn with_vault() -> (Server, Rest) {
    let server = Server::start();
    let container = Container::of(&server);
    let request = container.vault_request("contoso");
    vaults::create(&mut server.client("owner").await, request).await.unwrap();
    let hsm = Rest::unauthenticated(&server);
    let host = hsm.base.replace("https://local.managedhsm.", "contoso.vault.");
    let vault = hsm.at_host(&host);
    (server, vault)
}

/// Returns the client as `principal`, with a token for vaults.
async fn authenticated(server: &Server, vault: &Rest, principal: &str) -> Rest {
    vault.with_token(&server.access_token_for(principal, AZURE_AUDIENCE).await)
}

/// Asserts the headers that vaults send with every response.
#[track_caller]
fn assert_headers(answer: &RestResponse, region: &str) {
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("content-type", "application/json; charset=utf-8"),
        ("expires", "-1"),
        ("pragma", "no-cache"),
        ("strict-transport-security", "max-age=31536000;includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-ms-keyvault-network-info", "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;"),
        ("x-ms-keyvault-region", region),
        ("x-ms-keyvault-service-version", env!("CARGO_PKG_VERSION")),
        ("content-security-policy", ""),
        ("x-frame-options", ""),
        ("x-ms-build-version", ""),
        ("x-ms-server-latency", ""),
        ("x-ms-client-request-id", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}: {answer:?}");
    }
    assert_eq!(answer.header("content-length"), answer.text.len().to_string(), "{answer:?}");
    assert!(uuid::Uuid::parse_str(answer.header("x-ms-request-id")).is_ok());
    assert!(!answer.header("date").is_empty());
}

/// Asserts the error of a vault, which has no activity id, and returns its message.
#[track_caller]
fn error(answer: &RestResponse, status: u16, code: &str) -> String {
    let body = answer.json(status);
    assert_eq!(body["error"]["code"], code, "{answer:?}");
    let message = body["error"]["message"].as_str().unwrap();
    assert_eq!(body, json!({"error": {"code": code, "message": message}}));
    assert!(!message.contains("Activity"), "{message}");
    message.to_owned()
}

#[tokio::test]
async fn every_verb_is_challenged_with_a_body() {
    let (server, vault) = with_vault().await;
    let port = vault.base.rsplit(':').next().unwrap();
    let authority = format!("{}/{}", server.connection().authority, server.connection().tenant_id);
    let missing = r#"{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token."}}"#;
    assert_eq!(missing.len(), 108, "as recorded");
    let expected =
        format!(r#"Bearer authorization="{authority}", resource="https://vault.localhost:{port}""#);
    for (method, path) in [
        (Method::GET, "/secrets/a/?api-version=7.6"),
        (Method::PUT, "/secrets/a"),
        (Method::POST, "/certificates/a/create"),
        (Method::PATCH, "/secrets/a/"),
        (Method::DELETE, "/deletedsecrets/a"),
        (Method::GET, "/nothing/like/this?api-version=%ff"),
    ] {
        let answer = vault.raw(method.clone(), path, "").await;
        assert_eq!((answer.status, answer.text.as_str()), (401, missing), "{method}");
        assert_eq!(answer.header("www-authenticate"), expected);
        assert_headers(&answer, "localhost");
        // An invalid credential gets the same challenge.
        let wrong = vault.with_token("eyJhbGciOiJub25lIn0.e30.").raw(method, path, "{nonsense").await;
        let message = error(&wrong, 401, "Unauthorized");
        assert!(!message.contains("AKV10000") && !message.contains("eyJ"), "{message}");
        assert_eq!(wrong.header("www-authenticate"), expected);
        assert_headers(&wrong, "localhost");
    }
    let refused = server.audit_where(12, |record| record["resultSignature"] == "UNAUTHENTICATED");
    assert!(refused.iter().all(|record| record["httpStatusCode"] == 401), "{refused:?}");
}

/// The challenge of each name refers to the authority and the resource of the same cloud.
#[tokio::test]
async fn challenge_names_authority_and_resource_of_the_host_of_a_vault() {
    let (server, vault) = with_vault().await;
    let port = vault.base.rsplit(':').next().unwrap().to_owned();
    let tenant = server.connection().tenant_id;
    for (host, authority, resource, region) in [
        (
            format!("CONTOSO.vault.localhost:{port}"),
            format!("login.localhost:{port}"),
            format!("vault.localhost:{port}"),
            "localhost",
        ),
        // Without a port, the server is reached on port 443 by Azure's own host names.
        (
            "contoso.vault.azure.net".to_owned(),
            "login.microsoftonline.com".to_owned(),
            "vault.azure.net".to_owned(),
            "localhost",
        ),
        (
            format!("nothing.vault.localhost:{port}"),
            format!("login.localhost:{port}"),
            format!("vault.localhost:{port}"),
            "",
        ),
    ] {
        let answer = vault.at_host(&host).get("/secrets").await;
        let challenge =
            format!(r#"Bearer authorization="https://{authority}/{tenant}", resource="https://{resource}""#);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, challenge.as_str()), "{host}");
        assert_headers(&answer, region);
    }
}

#[tokio::test]
async fn each_kind_of_container_accepts_its_own_audience_only() {
    let (server, vault) = with_vault().await;
    let hsm = Rest::unauthenticated(&server);
    let port = vault.base.rsplit(':').next().unwrap();
    for audience in [
        AZURE_AUDIENCE.to_owned(),
        "https://vault.localhost".to_owned(),
        format!("https://vault.localhost:{port}/"),
    ] {
        let token = server.access_token_for("dev", &audience).await;
        for host in [vault.base.replace("https://", ""), "contoso.vault.azure.net".to_owned()] {
            let answer = vault.with_token(&token).at_host(&host).get("/nothing").await;
            error(&answer, 404, "NotFound");
        }
        assert_eq!(hsm.with_token(&token).get("/keys").await.status, 401, "{audience}");
    }
    for audience in
        ["https://managedhsm.azure.net", "https://management.azure.com", "https://graph.microsoft.com"]
    {
        let token = server.access_token_for("dev", audience).await;
        let answer = vault.with_token(&token).get("/nothing").await;
        assert_eq!(error(&answer, 401, "Unauthorized"), "The access token is for another audience");
    }
}

#[tokio::test]
async fn managed_identity_gets_tokens_for_vaults() {
    let (server, vault) = with_vault().await;
    let identity = crate::authority::connection_file(&server)["managed_identity"].clone();
    let (host, header) = (identity["host"].as_str().unwrap(), identity["header"].as_str().unwrap());
    let http = reqwest::Client::new();
    let resources = [AZURE_AUDIENCE, "https://vault.azure.net/", "https://vault.localhost"];
    for resource in resources {
        let app_service = http
            .get(format!("{host}/msi/token?api-version=2019-08-01&resource={resource}"))
            .header("x-identity-header", header);
        let imds = http
            .get(format!("{host}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}"))
            .header("metadata", "true");
        for request in [app_service, imds] {
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
            error(&vault.with_token(token).get("/nothing").await, 404, "NotFound");
            assert_eq!(Rest::unauthenticated(&server).with_token(token).get("/keys").await.status, 401);
        }
    }
}

#[tokio::test]
async fn absent_and_soft_deleted_vaults_are_not_found() {
    let (server, vault) = with_vault().await;
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let nobody = authenticated(&server, &vault, "nobody").await;
    let at = |name: &str| vault.base.replace("https://contoso", name);
    error(&nobody.get("/nothing").await, 404, "NotFound");
    vaults::delete(&mut owner, container.vault("contoso")).await.unwrap();
    for (name, path) in
        [("nothing", "/secrets/a"), ("nothing", "/"), ("contoso", "/secrets/a"), ("contoso", "/certificates")]
    {
        let answer = nobody.at_host(&at(name)).get(path).await;
        assert_eq!(error(&answer, 404, "ResourceNotFound"), format!("Vault not found: vaults/{name}"));
        assert_headers(&answer, "");
    }
    // The name is of no vault.
    let answer = nobody.at_host(&at("a--b")).get("/secrets/a").await;
    error(&answer, 400, "BadParameter");
    vaults::recover(&mut owner, container.deleted_vault("contoso")).await.unwrap();
    let answer = nobody.get("/nothing").await;
    error(&answer, 404, "NotFound");
    assert_headers(&answer, "localhost");
    // The request id identifies the audit entry.
    let id = answer.header("x-ms-request-id").to_owned();
    let record = &server.audit_where(1, |record| record["correlationId"] == id.as_str())[0];
    assert_eq!((&record["httpStatusCode"], &record["requestUri"]), (&404.into(), &"/nothing".into()));
}

#[tokio::test]
async fn routes_of_managed_hsms_do_not_exist_at_vaults() {
    let (server, vault) = with_vault().await;
    let dev = authenticated(&server, &vault, "dev").await;
    for (method, path) in [
        (Method::POST, "/rng"),
        (Method::POST, "/backup"),
        (Method::PUT, "/restore"),
        (Method::POST, "/securitydomain/download"),
        (Method::GET, "/settings"),
        (Method::GET, "/providers/Microsoft.Authorization/roleDefinitions"),
        (Method::GET, "/keys/providers/Microsoft.Authorization/roleAssignments"),
        (Method::GET, "/ekm/connection"),
        (Method::GET, "/"),
    ] {
        let answer = dev.raw(method.clone(), &format!("{path}?api-version={VERSION}"), "{}").await;
        // The second path is one of a key.
        assert!(matches!(answer.status, 404 | 501), "{method} {path}: {answer:?}");
        if answer.status == 404 {
            assert_eq!(error(&answer, 404, "NotFound"), "There is no such route", "{method} {path}");
        }
        assert_headers(&answer, "localhost");
    }
}

#[tokio::test]
async fn client_request_id_is_returned_if_wanted() {
    let (server, vault) = with_vault().await;
    let url = format!("{}/secrets?api-version={VERSION}", vault.base);
    for (wanted, expected) in [(Some("true"), "my-id"), (Some("false"), ""), (None, "")] {
        let mut request = server.http().get(&url).header("x-ms-client-request-id", "my-id");
        if let Some(wanted) = wanted {
            request = request.header("x-ms-return-client-request-id", wanted);
        }
        let answer = request.send().await.unwrap();
        let returned = answer.headers().get("x-ms-client-request-id");
        assert_eq!(returned.map_or("", |id| id.to_str().unwrap()), expected, "{wanted:?}");
    }
}

#[tokio::test]
async fn certificate_names_the_hosts_of_vaults() {
    let (server, vault) = with_vault().await;
    let port = vault.base.rsplit(':').next().unwrap();
    // `http` verifies the certificate with the authority of `connection.json`.
    for host in [format!("contoso.vault.localhost:{port}"), "contoso.vault.azure.net".to_owned()] {
        assert_eq!(vault.at_host(&host).get("/secrets").await.status, 401, "{host}");
    }
    let below = server.http().get(format!("https://a.b.vault.localhost:{port}/healthz")).send().await;
    assert!(below.is_err(), "the wildcard is one label");
}

#[tokio::test]
async fn responses_name_the_deciding_role_assignment() {
    const HEADER: &str = "x-ms-keyvault-rbac-assignment-id";
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let hsm = Rest::authenticated(&server, "dev").await;
    let demo = hsm.at_host(&hsm.base.replace("https://local.managedhsm.", "demo.vault."));
    let token = async |name| server.access_token_for(name, "https://vault.azure.net").await;
    let (dev, nobody) = (demo.with_token(&token("dev").await), demo.with_token(&token("nobody").await));
    let assigned = list_assignments(&mut owner, &vault("demo"), &server.principal("dev").object_id).await;
    let of_vault = assigned.iter().find(|one| one.scope.ends_with("/vaults/demo")).unwrap();
    let id = of_vault.name.rsplit('/').next().unwrap().replace('-', "");
    assert_eq!(id.len(), 32);
    // Of every authorized call, whether it succeeds or fails.
    for answer in [
        dev.put("/secrets/a", serde_json::json!({"value": "x"})).await,
        dev.get("/secrets").await,
        dev.post("/keys/k/create", serde_json::json!({"kty": "EC"})).await,
        dev.get("/secrets/unknown").await,
    ] {
        assert_eq!(answer.header(HEADER), id, "{answer:?}");
    }
    assert_eq!(nobody.get("/secrets/a").await.header(HEADER), "");
    // Another assignment decides for another principal.
    let principal = server.principal("nobody").object_id;
    let secret = format!("{}/secrets/a", vault("demo"));
    let made = assign(&mut owner, "4633458b-17de-408a-b874-0445c86b69e6", &principal, &secret).await;
    let other = made.name.rsplit('/').next().unwrap().replace('-', "");
    let read = nobody.get("/secrets/a").await;
    assert_eq!((read.status, read.header(HEADER)), (200, other.as_str()));
    // Neither in managed HSMs nor if access policies decide.
    assert_eq!(hsm.get("/keys").await.header(HEADER), "");
    let request = pb::UpdateVaultRequest {
        vault: Some(pb::Vault {
            name: Container::of(&server).vault("demo"),
            rbac_authorization: Some(false),
            access_policies: vec![crate::secrets::policy(&server, "dev", &["all"])],
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["rbac_authorization".to_owned(), "access_policies".to_owned()],
        }),
    };
    owner.vaults.update_vault(request).await.unwrap();
    let read = dev.get("/secrets/a").await;
    assert_eq!((read.status, read.header(HEADER)), (200, ""));
}
