//! Tests the simulator's authority beyond client secrets: certificates, v1 and v2 access tokens, the directory (Graph),
//! managed identities.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sha1::Digest as _;
use tonic::Code;

use crate::rest::client::Rest;
use crate::support::{Client, Server, reason};
use crate::tokens::{Signer, encode, parts, read};

/// Reads `connection.json`.
pub(crate) fn connection_file(server: &Server) -> Value {
    serde_json::from_slice(&std::fs::read(server.directory().join("connection.json")).unwrap()).unwrap()
}

/// Returns a principal's entry in `connection.json`.
fn principal(server: &Server, name: &str) -> Value {
    let all = connection_file(server)["principals"].as_array().unwrap().clone();
    all.into_iter().find(|principal| principal["name"] == name).unwrap()
}

/// Requests an access token with the certificate in a file.
async fn sign_in(server: &Server, client_id: &str, file: &str) -> Value {
    let connection = server.connection();
    let pem = std::fs::read_to_string(file).unwrap();
    let (key, certificate) = pem.split_once("-----BEGIN CERTIFICATE-----").unwrap();
    let base64: String = certificate.lines().take_while(|line| !line.starts_with("-----END")).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap();
    let url = format!("{}/{}/oauth2/v2.0/token", connection.authority, connection.tenant_id);
    let until = jsonwebtoken::get_current_timestamp() + 600;
    let claims = json!({"aud": url, "iss": client_id, "sub": client_id, "exp": until});
    let header = json!({"alg": "RS256", "x5t": encode(sha1::Sha1::digest(&der))});
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &Signer::from_pem(key).sign(&header, &claims)),
        ("scope", &format!("{}/.default", connection.audience)),
    ];
    server.http().post(url).form(&form).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn application_authenticates_with_its_generated_certificate() {
    let mut server = Server::start();
    let dev = principal(&server, "dev");
    let (id, file) = (dev["client_id"].as_str().unwrap(), dev["certificate_file"].as_str().unwrap());
    let pem = std::fs::read(file).unwrap();
    let answer = sign_in(&server, id, file).await;
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(Rest::unauthenticated(&server).with_token(token).get("/keys").await.status, 200);
    let mut client = Client::new(server.channel().await, Some(token));
    client.create(crate::support::ec("invoices", "P-256")).await.unwrap();

    // The certificate of another application is rejected.
    let owner = principal(&server, "owner");
    let answer = sign_in(&server, id, owner["certificate_file"].as_str().unwrap()).await;
    assert_eq!(answer["error_codes"], json!([700_027]), "{answer}");
    assert_eq!(principal(&server, "nobody")["certificate_file"], Value::Null);
    server.restart();
    assert_eq!(std::fs::read(file).unwrap(), pem);
    assert!(sign_in(&server, id, file).await["access_token"].is_string());
}

#[tokio::test]
async fn seed_accepts_custom_certificate_file() {
    let directory = tempfile::tempdir().unwrap();
    let (file, seed) = (directory.path().join("own.pem"), directory.path().join("seed.toml"));
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap().pem();
    std::fs::write(&file, format!("{}{certificate}", pair.serialize_pem())).unwrap();
    let own = format!("certificate_file = {:?}", file.to_str().unwrap());
    let built_in = include_str!("../../hsm-config/dev.toml");
    std::fs::write(&seed, built_in.replacen("certificate = true", &own, 1)).unwrap();
    let environment = [("STRONGROOM_SIMULATOR__SEED_FILE", seed.to_str().unwrap())];
    let server = Server::start_with(&[], &environment);
    let dev = principal(&server, "dev");
    assert_eq!(dev["certificate_file"], file.to_str().unwrap());
    let answer = sign_in(&server, dev["client_id"].as_str().unwrap(), file.to_str().unwrap()).await;
    assert!(answer["access_token"].is_string(), "{answer}");
}

#[tokio::test]
async fn v2_access_tokens_authenticate_on_both_surfaces() {
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__ACCESS_TOKEN_VERSION", "2")]);
    let token = server.access_token("dev").await;
    let claims = read(parts(&token)[1]);
    let connection = server.connection();
    assert_eq!(claims["ver"], "2.0");
    assert_eq!(claims["iss"], format!("{}/{}/v2.0", connection.authority, connection.tenant_id));
    let metadata = format!("{}/v2.0/.well-known/openid-configuration", connection.tenant_id);
    let metadata = server.http().get(format!("{}/{metadata}", connection.authority)).send().await.unwrap();
    assert_eq!(metadata.json::<Value>().await.unwrap()["issuer"], claims["iss"]);
    assert_eq!(Rest::unauthenticated(&server).with_token(&token).get("/keys").await.status, 200);
    server.client("dev").await.create(crate::support::ec("invoices", "P-256")).await.unwrap();
    let record = server.audit_where(1, |record| record["operationName"] == "KeyCreate").remove(0);
    assert!(record.to_string().contains(&server.principal("dev").client_id), "{record}");
}

/// Lists subscriptions on the control plane and returns the status.
async fn list_subscriptions(server: &Server, token: &str) -> StatusCode {
    let port = server.connection().endpoint.rsplit(':').next().unwrap().to_owned();
    let url = format!("https://management.localhost:{port}/subscriptions?api-version=2022-12-01");
    server.http().get(url).bearer_auth(token).send().await.unwrap().status()
}

#[tokio::test]
async fn graph_tokens_read_the_directory_but_not_the_data_plane() {
    let server = Server::start();
    let connection = server.connection();
    let port = connection.endpoint.rsplit(':').next().unwrap();
    let dev = server.principal("dev");
    for host in ["graph.microsoft.com", "login.localhost", "login.microsoftonline.com"] {
        let token = server.access_token_for("nobody", &format!("https://{host}:{port}/")).await;
        let url = format!("https://{host}:{port}/v1.0/directoryObjects/getByIds");
        let body = json!({"ids": [dev.object_id]});
        let request = server.http().post(&url).bearer_auth(&token).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["value"][0]["displayName"], "dev", "{host} {answer}");
        assert_eq!(Rest::unauthenticated(&server).with_token(&token).get("/keys").await.status, 401);
        assert_eq!(list_subscriptions(&server, &token).await, StatusCode::UNAUTHORIZED);
        let mut client = Client::new(server.channel().await, Some(&token));
        let refused = client.create(crate::support::ec("invoices", "P-256")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"));

        for audience in [connection.audience.clone(), format!("https://management.localhost:{port}/")] {
            let token = server.access_token_for("dev", &audience).await;
            let refused = server.http().post(&url).bearer_auth(&token).json(&body).send().await.unwrap();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{host} {audience}");
        }
    }
    let token = server.access_token_for("dev", "https://management.azure.com/").await;
    assert_eq!(list_subscriptions(&server, &token).await, StatusCode::OK);
    let elsewhere = format!("{}/v1.0/users", connection.endpoint.replace("127.0.0.1", "localhost"));
    assert_eq!(server.http().get(elsewhere).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn managed_identity_endpoints_issue_tokens_without_secret() {
    let mut server = Server::start();
    let identity = connection_file(&server)["managed_identity"].clone();
    let (host, header) = (identity["host"].as_str().unwrap(), identity["header"].as_str().unwrap());
    assert!(host.starts_with("http://127.0.0.1:") && identity["endpoint"] == format!("{host}/msi/token"));
    let audience = server.connection().audience;
    let http = reqwest::Client::new();
    let app_service = http
        .get(format!("{host}/msi/token?api-version=2019-08-01&resource={audience}"))
        .header("x-identity-header", header);
    let imds = http
        .get(format!("{host}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={audience}"))
        .header("metadata", "true");
    for request in [app_service, imds] {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(read(parts(token)[1])["oid"], server.principal("crypto-user").object_id);
        assert_eq!(Rest::unauthenticated(&server).with_token(token).get("/keys").await.status, 200);
    }
    // The plain HTTP listener serves nothing else.
    for path in ["/healthz", "/ca.pem", "/keys", "/v1.0/users", "/"] {
        assert_eq!(http.get(format!("{host}{path}")).send().await.unwrap().status(), 404, "{path}");
    }
    server.restart();
    assert_eq!(connection_file(&server)["managed_identity"]["header"], header);
}

#[tokio::test]
async fn percent_encoded_letters_are_decoded_on_every_host() {
    let server = Server::start();
    let connection = server.connection();
    let identity = connection_file(&server)["managed_identity"].clone();
    let (tenant, port) = (connection.tenant_id, connection.endpoint.rsplit(':').next().unwrap().to_owned());
    let token = server.access_token_for("nobody", &format!("https://graph.microsoft.com:{port}/")).await;
    let answer = async |url: String| {
        let request = server.http().get(&url).bearer_auth(&token).header("metadata", "true");
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    let login = format!("https://login.localhost:{port}/{tenant}");
    let graph = format!("https://graph.microsoft.com:{port}");
    let imds = identity["host"].as_str().unwrap();
    for (plain, escaped) in [
        (
            format!("{login}/v2.0/.well-known/openid-configuration"),
            format!("{login}/%762.0/%2Ewell%2dknown/openid-%63onfiguration"),
        ),
        (format!("{graph}/v1.0/servicePrincipals"), format!("{graph}/v%31.0/%73ervicePrincipals")),
        (format!("{}/ca.pem", connection.endpoint), format!("{}/c%61.pem", connection.endpoint)),
        (format!("{}/healthz", connection.endpoint), format!("{}/%68ealthz", connection.endpoint)),
        (
            format!("{imds}/metadata/identity/oauth2/token"),
            format!("{imds}/metadat%61/identity/oauth2/token"),
        ),
    ] {
        let (expected, decoded) = (answer(plain.clone()).await, answer(escaped).await);
        assert_ne!(expected.0, StatusCode::NOT_FOUND, "{plain}");
        assert_eq!(decoded.0, expected.0, "{plain}: {decoded:?}");
        // The body of a response from `/healthz` or of an error contains times and identifiers.
        assert_eq!(decoded.1.len(), expected.1.len(), "{plain}");
    }
}

#[test]
fn occupied_port_disables_only_managed_identities() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let environment = [("STRONGROOM_SIMULATOR__MANAGED_IDENTITY_LISTEN", address.as_str())];
    let server = Server::start_with(&[], &environment);
    assert_eq!(connection_file(&server)["managed_identity"], Value::Null);
    let log = server.log();
    assert!(log.contains(&address) && log.contains("simulator.managed_identity_listen"), "{log}");
    let elsewhere = crate::support::strongroom()
        .env("STRONGROOM_SIMULATOR__MANAGED_IDENTITY_LISTEN", "0.0.0.0:0")
        .args(["config", "check", "--dev"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&elsewhere.stderr).contains("must be a loopback address"),
        "{elsewhere:?}"
    );
}
