//! The requests of Microsoft's OpenSSL 3 provider (`akv_provider`), as its `http_client.rs` makes them: it is in no registry,
//! so they are made here. Its only host is `{hsm}.managedhsm.azure.net`; it requests no challenge, names keys without a
//! version, and reads keys without an `api-version`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use strongroom::api::grpc::pb;

use super::client::{Rest, base64url};
use crate::software::{flip, rsa_key, verifies};
use crate::support::Server;

/// Returns a client as the provider is: at the HSM `local`, with an access token for the provider's fixed resource.
async fn provider(server: &Server) -> Rest {
    let token = server.access_token_for("crypto-user", "https://managedhsm.azure.net").await;
    Rest::unauthenticated(server).with_token(&token).at_host("local.managedhsm.azure.net")
}

/// `GET https://local.managedhsm.azure.net/keys/{key}`
async fn get(provider: &Rest, key: &str) -> Value {
    provider.raw(Method::GET, &format!("/keys/{key}"), "").await.json(200)["key"].clone()
}

/// `POST https://local.managedhsm.azure.net/keys/{key}/{verb}?api-version=7.2`
async fn post(provider: &Rest, key: &str, verb: &str, alg: &str, value: &[u8]) -> Vec<u8> {
    let body = json!({"alg": alg, "value": base64url(value)}).to_string();
    let answer = provider.raw(Method::POST, &format!("/keys/{key}/{verb}?api-version=7.2"), body).await;
    bytes(&answer.json(200)["value"])
}

fn bytes(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap_or_default()).unwrap()
}

/// Returns the public key in the type that the other implementation accepts.
fn public(jwk: &Value) -> pb::JsonWebKey {
    pb::JsonWebKey {
        crv: jwk["crv"].as_str().unwrap_or_default().to_owned(),
        n: bytes(&jwk["n"]),
        e: bytes(&jwk["e"]),
        x: bytes(&jwk["x"]),
        y: bytes(&jwk["y"]),
    }
}

#[tokio::test]
async fn serves_the_requests_of_the_provider() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    dev.create("myrsakey", json!({"kty": "RSA-HSM", "key_size": 3072})).await;
    dev.create("ecckey", json!({"kty": "EC-HSM", "crv": "P-256"})).await;
    dev.create("myaeskey", json!({"kty": "oct-HSM", "key_size": 256})).await;
    let provider = provider(&server).await;
    let (rsa, ec) = (get(&provider, "myrsakey").await, get(&provider, "ecckey").await);
    assert_eq!((&rsa["kty"], &ec["kty"], &ec["crv"]), (&"RSA-HSM".into(), &"EC-HSM".into(), &"P-256".into()));
    assert_eq!(get(&provider, "myaeskey").await["kty"], "oct-HSM");
    assert!(rsa["kid"].as_str().unwrap().starts_with("https://local.managedhsm.azure.net/keys/myrsakey/"));

    for (key, jwk, algorithm) in
        [("myrsakey", &rsa, "PS256"), ("myrsakey", &rsa, "RS256"), ("ecckey", &ec, "ES256")]
    {
        let signature = post(&provider, key, "sign", algorithm, &[7; 32]).await;
        assert!(verifies(&public(jwk), algorithm, &[7; 32], &signature), "{algorithm}");
        assert!(!verifies(&public(jwk), algorithm, &[8; 32], &signature), "{algorithm}");
    }
    for algorithm in ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"] {
        let sealed = rsa_key::encrypt(&public(&rsa), algorithm, b"plain");
        assert_eq!(post(&provider, "myrsakey", "decrypt", algorithm, &sealed).await, b"plain", "{algorithm}");
    }
    let wrapped = post(&provider, "myaeskey", "wrapkey", "A256KW", &[9; 32]).await;
    assert_eq!(wrapped.len(), 40);
    assert_eq!(post(&provider, "myaeskey", "unwrapkey", "A256KW", &wrapped).await, [9; 32]);
    // A tampered ciphertext is a client error, not a server error.
    for bit in [0, 64, 319] {
        let body = json!({"alg": "A256KW", "value": base64url(&flip(&wrapped, bit))}).to_string();
        let answer = provider.raw(Method::POST, "/keys/myaeskey/unwrapkey?api-version=7.2", body).await;
        answer.error(400, "BadParameter");
    }
    let missing = provider.raw(Method::GET, "/keys/none", "").await.error(404, "KeyNotFound");
    assert_eq!(missing, "Key not found: https://local.managedhsm.azure.net/keys/none");
}
