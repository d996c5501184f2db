//! Tests authentication: calls without a credential and calls with an invalid access token are rejected.

use std::time::{Duration, Instant};

use hmac::{KeyInit as _, Mac as _};
use prost::Message as _;
use serde_json::json;
use strongroom::api::grpc::pb;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::raw::{self, Answer, Rpc};
use crate::requests::{SUBSCRIPTION, valid_request};
use crate::support::{AccessTokens, Client, Server, reason};
use crate::tokens::{Signer, encode, parts, read, with_changes};

const LIST: &str = "/strongroom.v1.KeyService/ListKeys";

/// Lists keys with this `authorization` header, or without one.
async fn list(channel: &Channel, authorization: Option<&str>) -> Answer {
    let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    raw::send(channel, LIST, &headers, raw::frame(&prost::Message::encode_to_vec(&request))).await
}

fn assert_unauthenticated(status: &Status, what: &str) {
    assert_eq!(status.code(), Code::Unauthenticated, "{what}: {status:?}");
    assert_eq!(reason(status), "UNAUTHENTICATED", "{what}");
    assert!(!status.message().is_empty(), "{what}");
}

#[tokio::test]
async fn rejects_missing_and_invalid_access_tokens() {
    let (server, other) = (Server::start(), Server::start_in(crate::directory::in_memory(), &[], &[]));
    let channel = server.channel().await;
    let good = server.access_token("dev").await;
    let foreign = other.access_token("dev").await;
    let [header, payload, signature] = parts(&good);
    let (head, claims) = (read(header), read(payload));
    let nobody = server.principal("nobody").object_id;
    let key = Signer::from_file(&server.directory().join("authority/signing-key.pem"));
    let mine = Signer::new();
    let forged = |changes| key.sign(&head, &with_changes(&claims, &changes));
    let now = claims["iat"].as_u64().unwrap();

    // Positive control: tokens that the test signs with the authority's key are accepted if their claims are valid.
    for token in [good.clone(), forged(json!({})), forged(json!({"exp": now + 60}))] {
        let answer = list(&channel, Some(&format!("Bearer {token}"))).await;
        assert_eq!(answer.status.code(), Code::Ok, "{:?}", answer.status);
    }

    let mut headers: Vec<(&str, Option<String>)> = vec![
        ("no header", None),
        ("an empty header", Some(String::new())),
        ("a scheme alone", Some("Bearer".to_owned())),
        ("no token", Some("Bearer ".to_owned())),
        ("no scheme", Some(good.clone())),
        ("another scheme", Some("Basic ZGV2OmRldg==".to_owned())),
        ("a token under another scheme", Some(format!("Basic {good}"))),
        ("a token and something else", Some(format!("Bearer {good} {good}"))),
    ];
    let tampered = encode(with_changes(&claims, &json!({"oid": nobody})).to_string());
    let mut flipped = signature.as_bytes().to_vec();
    flipped[20] = if flipped[20] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let none = encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    let tokens = [
        ("no JSON Web Token", "x".to_owned()),
        ("dots", "..".to_owned()),
        ("no signature", format!("{header}.{payload}.")),
        ("another payload", format!("{header}.{tampered}.{signature}")),
        ("another signature", format!("{header}.{payload}.{flipped}")),
        ("half a signature", format!("{header}.{payload}.{}", &signature[..40])),
        ("alg none", format!("{none}.{payload}.")),
        ("alg none with a signature", format!("{none}.{payload}.{signature}")),
        ("the public key as a secret", with_public_key_as_secret(&key, &head, payload)),
        ("a key of another simulator", foreign),
        ("an unknown signing key", mine.sign(&head, &claims)),
        (
            "an unknown signing key in the header",
            mine.sign(&json!({"alg": "RS256", "jwk": mine.jwks("x")["keys"][0]}), &claims),
        ),
        ("an unknown key id", key.sign(&json!({"alg": "RS256", "kid": "../../dev/null"}), &claims)),
        ("an unknown critical header", key.sign(&with_changes(&head, &json!({"crit": ["exp"]})), &claims)),
        ("another issuer", forged(json!({"iss": "https://sts.example/"}))),
        ("no issuer", forged(json!({"iss": null}))),
        ("another audience", forged(json!({"aud": "https://vault.azure.net"}))),
        ("no audience", forged(json!({"aud": null}))),
        ("another tenant", forged(json!({"tid": nobody}))),
        ("no tenant", forged(json!({"tid": null}))),
        ("no principal", forged(json!({"oid": null}))),
        ("a principal that is no GUID", forged(json!({"oid": "dev"}))),
        ("expired", forged(json!({"exp": now - 60}))),
        ("no expiry", forged(json!({"exp": null}))),
        ("not valid yet", forged(json!({"nbf": now + 600}))),
        ("20 KiB", forged(json!({"groups": "x".repeat(15 * 1024)}))),
        ("20 KiB without dots", "x".repeat(20 * 1024)),
    ];
    headers.extend(tokens.into_iter().map(|(what, token)| (what, Some(format!("Bearer {token}")))));
    for (what, header) in headers {
        let answer = list(&channel, header.as_deref()).await;
        assert_unauthenticated(&answer.status, what);
        // The error message quotes no part of the header.
        let sent = header.unwrap_or_default();
        let parts = sent.split(['.', ' ']).filter(|part| part.len() > 8);
        for part in parts {
            assert!(!answer.status.message().contains(part), "{what}: {}", answer.status.message());
        }
        assert!(uuid::Uuid::parse_str(answer.correlation_id()).is_ok(), "{what}");
    }
    // The valid access token is still accepted.
    assert_eq!(list(&channel, Some(&format!("bearer {good}"))).await.status.code(), Code::Ok);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

/// Returns a token for the algorithm confusion attack: HS256 with the RSA public key as the secret.
fn with_public_key_as_secret(key: &Signer, head: &serde_json::Value, payload: &str) -> String {
    let header = encode(with_changes(head, &json!({"alg": "HS256"})).to_string());
    let message = format!("{header}.{payload}");
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key.public_pem().as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn rejects_expired_access_token() {
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__TOKEN_LIFETIME_SECONDS", "1")]);
    let channel = server.channel().await;
    let authorization = format!("Bearer {}", server.access_token("dev").await);
    assert_eq!(list(&channel, Some(&authorization)).await.status.code(), Code::Ok);
    // The lifetime is one second and the permitted clock skew five; the cache does not extend it.
    let started = Instant::now();
    let refused = loop {
        let answer = list(&channel, Some(&authorization)).await;
        if answer.status.code() != Code::Ok {
            break answer;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "the expired access token is still accepted");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_unauthenticated(&refused.status, "expired");
    assert!(refused.status.message().contains("expired"), "{}", refused.status.message());
}

#[tokio::test]
async fn every_rpc_except_health_and_reflection_authenticates() {
    let server = Server::start();
    let channel = server.channel().await;
    let mut paths: Vec<String> = raw::rpcs().into_iter().map(|rpc| rpc.path).collect();
    paths.extend([raw::PIPELINE, "/strongroom.v1.KeyService/Fly", "/a.B/C"].map(str::to_owned));
    for path in &paths {
        // Unauthenticated clients get no information about the request format.
        let large = raw::frame(&vec![b'a'; 1024 * 1024 + 1]);
        for body in [raw::frame(&[]), raw::frame(&[0xff; 20]), vec![1], large] {
            let answer = raw::send(&channel, path, &[], body).await;
            assert_unauthenticated(&answer.status, path);
        }
        let answer = raw::send(&channel, path, &[("authorization", "Bearer x")], raw::frame(&[])).await;
        assert_unauthenticated(&answer.status, path);
    }
    let mut unauthenticated = Client::new(channel.clone(), None);
    let refused = unauthenticated.keys.get_key(pb::GetKeyRequest::default()).await.unwrap_err();
    assert_unauthenticated(&refused, "the generated client");

    let health = HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(health.into_inner().status, 1);
    let http = server.http();
    let endpoint = server.connection().endpoint.replace("127.0.0.1", "localhost");
    for (path, status) in [("/healthz", 200), ("/ca.pem", 200), ("/keys", 401), ("/", 401)] {
        assert_eq!(http.get(format!("{endpoint}{path}")).send().await.unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn correlation_id_is_echoed() {
    let server = Server::start();
    let channel = server.channel().await;
    let bearer = format!("Bearer {}", server.access_token("dev").await);
    let mine = "0f0e0d0c-1111-4222-8333-444455556666";
    let message = prost::Message::encode_to_vec(&pb::ListKeysRequest {
        parent: "hsms/local".to_owned(),
        ..Default::default()
    });
    for (what, authorization, body) in [
        ("a reply", &bearer[..], raw::frame(&message)),
        ("an invalid request", &bearer[..], raw::frame(&[])),
        ("no message", &bearer[..], vec![7]),
        ("no credential", "", raw::frame(&message)),
    ] {
        let with = |id| [("authorization", authorization), ("x-correlation-id", id)];
        let answer = raw::send(&channel, LIST, &with(mine), body.clone()).await;
        assert_eq!(answer.correlation_id(), mine, "{what}");
        // Values that are no GUID are replaced, since they would appear in the audit log.
        for other in ["", "x", "' OR 1=1", &"9".repeat(4000)] {
            let answer = raw::send(&channel, LIST, &with(other), body.clone()).await;
            let made = uuid::Uuid::parse_str(answer.correlation_id()).unwrap();
            assert_eq!(made.get_version_num(), 4, "{what}");
        }
    }
}

/// A proxy in the environment could otherwise substitute the issuer's keys.
#[tokio::test(flavor = "multi_thread")]
async fn jwks_download_ignores_proxy_environment() {
    let signer = Signer::new();
    let keys = signer.jwks("k1").to_string();
    let router = axum::Router::new().route("/keys", axum::routing::get(move || async move { keys }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("strongroom.toml");
    let (issuer, audience) = ("https://sts.example/", "https://managedhsm.example");
    let tenant = "80f21547-34fa-57ae-8d8d-ff24c182a929";
    let settings = format!(
        "[[identity.issuers]]\nissuer = {issuer:?}\naudiences = [{audience:?}]\ntenant = {tenant:?}\njwks_url = {url:?}\n"
    );
    std::fs::write(&file, settings).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"]
        .map(|name| (name, "http://127.0.0.1:1"));
    let server = Server::start_in(directory, &["--config", &file], &proxies);
    let now = jsonwebtoken::get_current_timestamp();
    let claims = json!({"iss": issuer, "aud": audience, "tid": tenant,
        "oid": server.principal("nobody").object_id, "iat": now, "nbf": now, "exp": now + 600});
    let token = signer.sign(&json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}), &claims);
    let answer = list(&server.channel().await, Some(&format!("Bearer {token}"))).await;
    assert_eq!(answer.status.code(), Code::PermissionDenied, "{:?}", answer.status);
}

#[tokio::test]
async fn access_token_is_valid_for_its_plane_only() {
    let server = Server::start();
    let (channel, bearers) = (server.channel().await, server.access_tokens("nobody").await);
    let watching = |parent: &str| crate::lifecycle::request(parent, "").encode_to_vec();
    let mut calls: Vec<(Rpc, Vec<u8>)> = Vec::new();
    for rpc in raw::rpcs() {
        let request =
            if rpc.name == "WatchLifecycle" { watching("hsms/local") } else { valid_request(&rpc.name) };
        calls.push((rpc, request));
    }
    let parents = [
        SUBSCRIPTION.to_owned(),
        format!("{SUBSCRIPTION}/budgets"),
        format!("{SUBSCRIPTION}/vaults"),
        "vaults/demo".to_owned(),
        "vaults/demo/secrets".to_owned(),
        "vaults/demo/certificates".to_owned(),
    ];
    for parent in parents {
        let rpc = raw::rpcs().into_iter().find(|rpc| rpc.name == "WatchLifecycle").unwrap();
        calls.push((rpc, watching(&parent)));
    }
    let AccessTokens { data, vault, control } = bearers.clone();
    // Each plane gets each of the access tokens for the other two.
    let crossed = AccessTokens { data: control.clone(), vault: data.clone(), control: vault.clone() };
    let crossed_otherwise = AccessTokens { data: vault, vault: control, control: data };
    for (rpc, request) in calls {
        let status = raw::call(&channel, &rpc, &crossed, &request).await;
        assert_unauthenticated(&status, &rpc.path);
        assert_eq!(status.message(), "the access token is for another audience", "{}", rpc.path);
        let status = raw::call(&channel, &rpc, &crossed_otherwise, &request).await;
        assert_unauthenticated(&status, &rpc.path);
        let status = raw::call(&channel, &rpc, &bearers, &request).await;
        assert_ne!(status.code(), Code::Unauthenticated, "{}: {status:?}", rpc.path);
        // Undecodable requests get the same error.
        if rpc.name != "WatchLifecycle" {
            let status = raw::call(&channel, &rpc, &crossed, &[0xff; 9]).await;
            assert_unauthenticated(&status, &rpc.path);
        }
    }
}
