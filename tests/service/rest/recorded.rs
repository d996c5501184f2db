//! Responses have the same members, of the same types, as those recorded from Azure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Rest, base64url};
use crate::support::Server;

/// Returns the path and type of every member. The first item of a list represents all.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(path: &str, value: &Value, found: &mut BTreeSet<String>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_i64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(items) => {
                if let Some(first) = items.first() {
                    walk(&format!("{path}[]"), first, found);
                }
                "list"
            }
            Value::Object(members) => {
                for (name, member) in members {
                    walk(&format!("{path}.{name}"), member, found);
                }
                "object"
            }
        };
        found.insert(format!("{path}: {kind}"));
    }
    let mut found = BTreeSet::new();
    walk("", value, &mut found);
    found
}

#[track_caller]
fn assert_same_shape(what: &str, recorded: &Value, ours: &Value) {
    let (recorded, found) = (shape(recorded), shape(ours));
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    let (missing, surplus) = (only(&recorded, &found), only(&found, &recorded));
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}: missing {missing:?}, surplus {surplus:?} in {ours}"
    );
}

fn attributes() -> Value {
    json!({"created": 1_748_906_422, "enabled": true, "exportable": false, "recoverableDays": 7,
        "recoveryLevel": "CustomizedRecoverable+Purgeable", "updated": 1_748_906_422})
}

fn ec_key() -> Value {
    json!({"crv": "P-256", "key_ops": ["verify", "deriveKey", "sign"],
        "kid": "https://h.managedhsm.azure.net/keys/k/75f0e58fa686411f25e386edb8c4879c", "kty": "EC-HSM", "x": "x", "y": "y"})
}

#[tokio::test]
async fn key_responses_have_the_recorded_shape() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let made = dev.create("ec", json!({"kty": "EC", "tags": {"purpose": "unit test"}})).await;
    assert_same_shape(
        "EC key",
        &json!({"attributes": attributes(), "key": ec_key(), "tags": {"purpose": "unit test"}}),
        &made,
    );
    let rsa = dev.create("rsa", json!({"kty": "RSA"})).await;
    let rsa_key = json!({"e": "AQAB", "key_ops": ["wrapKey"], "kid": "k", "kty": "RSA-HSM", "n": "n"});
    assert_same_shape("RSA key", &json!({"attributes": attributes(), "key": rsa_key}), &rsa);
    let oct = dev
        .create("oct", json!({"kty": "oct", "attributes": {"nbf": 1_700_000_000, "exp": 4_000_000_000_i64}}))
        .await;
    let mut with_dates = attributes();
    with_dates["nbf"] = json!(1_700_000_000);
    with_dates["exp"] = json!(4_000_000_000_i64);
    let oct_key = json!({"key_ops": ["wrapKey"], "kid": "k", "kty": "oct-HSM"});
    assert_same_shape("secret key", &json!({"attributes": with_dates, "key": oct_key}), &oct);

    let item =
        json!({"attributes": attributes(), "kid": "https://h/keys/k", "tags": {"purpose": "unit test"}});
    assert_same_shape("list", &json!({"value": [item]}), &dev.get("/keys").await.json(200));
    assert_same_shape("versions", &json!({"value": [item]}), &dev.get("/keys/ec/versions").await.json(200));

    let officer = Rest::authenticated(&server, "crypto-officer").await;
    let deleted = dev.delete("/keys/ec").await.json(200);
    let recorded = json!({"attributes": attributes(), "deletedDate": 1_748_906_425, "key": ec_key(),
        "recoveryId": "https://h/deletedkeys/k", "scheduledPurgeDate": 1_749_511_225, "tags": {"purpose": "unit test"}});
    assert_same_shape("deleted key", &recorded, &deleted);
    assert_eq!(officer.get("/deletedkeys/ec").await.json(200), deleted);
    let item = json!({"attributes": attributes(), "deletedDate": 1, "kid": "https://h/keys/k",
        "recoveryId": "https://h/deletedkeys/k", "scheduledPurgeDate": 2, "tags": {"purpose": "unit test"}});
    assert_same_shape(
        "deleted keys",
        &json!({"value": [item]}),
        &officer.get("/deletedkeys").await.json(200),
    );
    assert_eq!(officer.post("/deletedkeys/ec/recover", Value::Null).await.json(200), made);
}

#[tokio::test]
async fn crypto_responses_have_the_recorded_shape() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    dev.create("ec", json!({"kty": "EC-HSM"})).await;
    dev.create("oct", json!({"kty": "oct-HSM"})).await;
    dev.create("rsa", json!({"kty": "RSA-HSM"})).await;
    let plain = json!({"alg": "a", "kid": "k", "value": "v"});
    let bytes = |length: usize| base64url(&vec![7; length]);
    let ask = async |path: &str, body: Value| dev.post(path, body).await.json(200);

    let signed = ask("/keys/ec/sign", json!({"alg": "ES256", "value": bytes(32)})).await;
    assert_same_shape("sign", &plain, &signed);
    let verify = json!({"alg": "ES256", "digest": bytes(32), "value": signed["value"]});
    assert_same_shape(
        "verify",
        &json!({"alg": "a", "kid": "k", "value": true}),
        &ask("/keys/ec/verify", verify).await,
    );
    assert_same_shape(
        "RSA",
        &plain,
        &ask("/keys/rsa/encrypt", json!({"alg": "RSA-OAEP", "value": bytes(32)})).await,
    );
    let gcm = json!({"alg": "A256GCM", "value": bytes(32), "aad": bytes(3)});
    let recorded = json!({"aad": "a", "alg": "a", "iv": "i", "kid": "k", "tag": "t", "value": "v"});
    assert_same_shape("GCM", &recorded, &ask("/keys/oct/encrypt", gcm).await);
    let cbc = json!({"alg": "A256CBCPAD", "value": bytes(32), "iv": bytes(16), "aad": bytes(3)});
    let sealed = ask("/keys/oct/encrypt", cbc).await;
    assert_same_shape("CBC", &json!({"alg": "a", "iv": "i", "kid": "k", "value": "v"}), &sealed);
    assert_same_shape("decrypt", &plain, &ask("/keys/oct/decrypt", sealed).await);
    let wrapped = ask("/keys/oct/wrapkey", json!({"alg": "A256KW", "value": bytes(32)})).await;
    assert_same_shape("wrap", &plain, &wrapped);
    assert_same_shape("unwrap", &plain, &ask("/keys/oct/unwrapKey", wrapped).await);
    assert_same_shape("random", &json!({"value": "v"}), &ask("/rng", json!({"count": 5})).await);
}

#[tokio::test]
async fn rotation_responses_have_the_recorded_shape() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let first = dev.create("r", json!({"kty": "RSA-HSM", "tags": {"a": "b"}})).await;
    let blank = dev.get("/keys/r/rotationpolicy").await.json(200);
    assert_eq!(blank, json!({"attributes": {}, "id": "keys/r/rotationpolicy", "lifetimeActions": []}));
    assert_eq!(
        dev.post("/keys/r/rotate", Value::Null).await.error(400, "BadParameter"),
        "Key r has no rotation policy; a key can be rotated once it has one"
    );
    let policy = json!({"lifetimeActions": [{"action": {"type": "Rotate"},
        "trigger": {"timeAfterCreate": "P2M", "timeBeforeExpiry": null}}], "attributes": {"expiryTime": "P90D"}});
    let recorded = json!({"attributes": {"created": 1, "expiryTime": "P90D", "updated": 1}, "id": "keys/r/rotationpolicy",
        "lifetimeActions": [{"action": {"type": "rotate"}, "trigger": {"timeAfterCreate": "P2M"}}]});
    let put = dev.put("/keys/r/rotationpolicy", policy).await.json(200);
    assert_same_shape("policy", &recorded, &put);
    assert_eq!(put["lifetimeActions"], recorded["lifetimeActions"]);
    assert_eq!(put["attributes"]["expiryTime"], "P90D");
    assert_eq!(dev.get("/keys/r/rotationpolicy").await.json(200), put);
    let second = dev.post("/keys/r/rotate", Value::Null).await.json(200);
    assert_ne!(second["key"]["kid"], first["key"]["kid"]);
    assert_eq!((&second["tags"], &second["key"]["key_ops"]), (&first["tags"], &first["key"]["key_ops"]));
    let lifetime =
        second["attributes"]["exp"].as_i64().unwrap() - second["attributes"]["created"].as_i64().unwrap();
    assert_eq!(lifetime, 90 * 86_400);
    assert_eq!(dev.get("/keys/r").await.json(200), second);
    dev.put("/keys/r/rotationpolicy", json!({"lifetimeActions": [], "attributes": {}})).await.json(200);
    assert_eq!(dev.get("/keys/r/rotationpolicy").await.json(200), blank);
}
