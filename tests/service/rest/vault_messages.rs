//! Messages of vaults that clients show or compare, and members that only some objects have.

use http::Method;
use serde_json::json;
use strongroom::api::grpc::pb;

use super::certificates::{with_vault, with_vault_as};
use super::client::{RestResponse, base64url};
use crate::hsms::Container;

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
async fn keys_protected_by_hardware_are_restored_in_premium_vaults() {
    let (server, dev) = with_vault("premium").await;
    dev.create("hard", json!({"kty": "EC-HSM"})).await;
    let backup = dev.post("/keys/hard/backup", json!(null)).await.json(200);
    dev.delete("/keys/hard").await.json(200);
    assert_eq!(dev.delete("/deletedkeys/hard").await.status, 204);
    let update = |sku: &str| pb::UpdateVaultRequest {
        vault: Some(pb::Vault {
            name: Container::of(&server).vault("contoso"),
            sku: Some(sku.to_owned()),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["sku".to_owned()] }),
    };
    let mut owner = server.client("owner").await;
    owner.vaults.update_vault(update("standard")).await.unwrap();
    let refused = message(&dev.post("/keys/restore", backup.clone()).await, 400, "BadParameter");
    assert!(refused.starts_with("value: keys protected by hardware"), "{refused}");
    owner.vaults.update_vault(update("premium")).await.unwrap();
    dev.post("/keys/restore", backup).await.json(200);
}

#[tokio::test]
async fn pages_of_pending_certificates_continue_with_them() {
    let (_server, dev) = with_vault("standard").await;
    let policy = json!({"policy": {
        "issuer": {"name": "Unknown"},
        "key_props": {"kty": "EC", "crv": "P-256", "exportable": false, "reuse_key": false},
        "x509_props": {"subject": "CN=web"},
    }});
    for name in ["a", "b", "c"] {
        let made = dev.post(&format!("/certificates/{name}/create"), policy.clone()).await;
        assert_eq!(made.status, 202, "{made:?}");
    }
    let (mut found, mut next) = (0, Some("/certificates?includePending=TRUE&maxresults=2".to_owned()));
    while let Some(link) = next {
        let link = if link.starts_with("https:") { link } else { format!("{link}&api-version=7.6") };
        let page = dev.raw(Method::GET, &link, "").await.json(200);
        found += page["value"].as_array().unwrap().len();
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(found, 3);
    assert_eq!(dev.get("/certificates").await.json(200)["value"], json!([]));
}

#[tokio::test]
async fn certificates_take_no_name_of_a_key_or_of_a_path() {
    let (_server, dev) = with_vault("standard").await;
    dev.create("plain", json!({"kty": "EC"})).await;
    let policy = json!({"policy": {"issuer": {"name": "Self"}, "x509_props": {"subject": "CN=a"}}});
    let refused = message(&dev.post("/certificates/plain/create", policy.clone()).await, 409, "Conflict");
    assert_eq!(
        refused,
        "A key with the name plain exists in this key vault, so that no certificate can have this name."
    );
    dev.delete("/keys/plain").await.json(200);
    let refused = dev.post("/certificates/plain/create", policy.clone()).await;
    assert_eq!(refused.json(409)["error"]["innererror"]["code"], "ObjectIsDeletedButRecoverable");
    for name in ["contacts", "issuers"] {
        let refused = dev.post(&format!("/certificates/{name}/create"), policy.clone()).await;
        message(&refused, 400, "BadParameter");
    }
    let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let refused =
        message(&dev.post("/certificates/new/import", json!({"value": pem})).await, 400, "BadParameter");
    assert!(
        refused.starts_with("The specified PEM X.509 certificate content is in an unexpected format."),
        "{refused}"
    );
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
