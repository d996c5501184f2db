//! Messages of vaults that clients show or compare, and members that only some objects have.

use http::Method;
use serde_json::json;

use super::certificates::{with_vault, with_vault_as};
use super::client::{RestResponse, base64url};

/// Asserts the error of a vault, and returns its message.
#[track_caller]
fn message(response: &RestResponse, status: u16, code: &str) -> String {
    let body = response.json(status);
    assert_eq!(body["error"]["code"], code, "{response:?}");
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn purge_protection_refuses_purges() {
    let (_server, dev) = with_vault_as("standard", |vault| vault.purge_protection = true).await;
    dev.put("/secrets/one", json!({"value": "x"})).await.json(200);
    dev.post("/keys/one/create", json!({"kty": "EC"})).await.json(200);
    for collection in ["secrets", "keys"] {
        dev.delete(&format!("/{collection}/one")).await.json(200);
        let refused = dev.delete(&format!("/deleted{collection}/one")).await;
        let expected = "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.\r\nVault: contoso;location=localhost";
        assert_eq!(message(&refused, 403, "Forbidden"), expected);
        dev.get(&format!("/deleted{collection}/one")).await.json(200);
    }
}

#[tokio::test]
async fn invalid_names_in_the_path_have_one_message() {
    let (_server, dev) = with_vault("standard").await;
    let policy = json!({"policy": {"issuer": {"name": "Self"}, "x509_props": {"subject": "CN=a"}}});
    for response in [
        dev.put("/secrets/a_b", json!({"value": "x"})).await,
        dev.get("/secrets/a_b").await,
        dev.post("/keys/a_b/create", json!({"kty": "EC"})).await,
        dev.post("/keys/a_b/sign", json!({"alg": "ES256", "value": "AA"})).await,
        dev.post("/certificates/a_b/create", policy).await,
        dev.get("/deletedcertificates/a_b").await,
    ] {
        let expected = "The request URI contains an invalid name: a_b";
        assert_eq!(message(&response, 400, "BadParameter"), expected, "{response:?}");
    }
}

#[tokio::test]
async fn key_restore_names_the_key_in_use() {
    let (_server, dev) = with_vault("standard").await;
    let made = dev.create("one", json!({"kty": "EC"})).await;
    let kid = made["key"]["kid"].as_str().unwrap();
    let backup = dev.post("/keys/one/backup", json!(null)).await.json(200);
    let live = message(&dev.post("/keys/restore", backup.clone()).await, 409, "Conflict");
    assert!(live.starts_with(&format!("There was a conflict restoring the key '{kid}'. This can")), "{live}");
    dev.delete("/keys/one").await.json(200);
    assert_eq!(message(&dev.post("/keys/restore", backup).await, 409, "Conflict"), live);
}

#[tokio::test]
async fn keys_protected_by_hardware_state_their_platform() {
    let (_server, dev) = with_vault("premium").await;
    dev.create("hard", json!({"kty": "EC-HSM"})).await;
    dev.create("soft", json!({"kty": "EC"})).await;
    let hard = dev.get("/keys/hard").await;
    assert!(hard.text.contains(r#""exportable":false,"hsmPlatform":"2"}"#), "{hard:?}");
    assert!(!dev.get("/keys/soft").await.text.contains("hsmPlatform"));
    let list = dev.get("/keys").await.text;
    assert_eq!(list.matches("hsmPlatform").count(), 1, "{list}");
    let refused = message(&dev.post("/keys/new/create", json!({"kty": "DSA"})).await, 400, "BadParameter");
    assert_eq!(refused, "kty: the key type is one of RSA, RSA-HSM, EC, EC-HSM, oct-HSM");
}

#[tokio::test]
async fn companion_secret_names_the_previous_version() {
    let (_server, dev) = with_vault("standard").await;
    let policy = json!({"policy": {
        "issuer": {"name": "Self"},
        "key_props": {"kty": "EC", "crv": "P-256", "exportable": true, "reuse_key": false},
        "x509_props": {"subject": "CN=web", "key_usage": []},
    }});
    for _ in 0..2 {
        let made = dev.post("/certificates/web/create", policy.clone()).await;
        assert_eq!(made.status, 202, "{made:?}");
    }
    let versions = dev.get("/secrets/web/versions").await.json(200);
    let ids: Vec<&str> =
        versions["value"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    let version = |id: &str| id.rsplit('/').next().unwrap().to_owned();
    let at = async |path: &str, api_version: &str| {
        dev.raw(Method::GET, &format!("{path}?api-version={api_version}"), "").await.json(200)
    };
    let current = at("/secrets/web", "2025-07-01").await;
    let (first, second) =
        (ids.iter().map(|id| version(id)).find(|one| *one == current["previousVersion"]), current);
    let first = first.unwrap();
    assert_ne!(version(second["id"].as_str().unwrap()), first);
    for (path, api_version) in
        [(format!("/secrets/web/{first}"), "2026-04-01"), ("/secrets/web".to_owned(), "7.6")]
    {
        let earlier = at(&path, api_version).await;
        assert!(earlier.get("previousVersion").is_none(), "{earlier}");
    }
    // A certificate without key usage does not restrict its key.
    let key = dev.get("/keys/web").await.json(200);
    assert_eq!(key["key"]["key_ops"], json!(["sign", "verify"]));
    let digest = json!({"alg": "ES256", "value": base64url(&[7; 32])});
    dev.post("/keys/web/sign", digest).await.json(200);
    // The companion cannot be rotated by itself.
    let refused = message(&dev.post("/keys/web/rotate", json!(null)).await, 403, "Forbidden");
    assert!(refused.starts_with("Operation \"rotate\" is not allowed on this key, "), "{refused}");
}
