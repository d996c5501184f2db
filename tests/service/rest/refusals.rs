//! Error messages as recorded from Managed HSM or, where none is recorded, as those of Key Vault.

use serde_json::{Value, json};

use super::client::{Rest, base64url};
use crate::support::Server;

#[tokio::test]
async fn not_found_errors_name_the_requested_url() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let live = format!("Key not found: {}/keys/none", dev.base);
    let deleted = format!("Key not found: {}/deletedkeys/none", dev.base);
    let version = "/keys/none/75f0e58fa686411f25e386edb8c4879c";
    assert_eq!(dev.get("/keys/none").await.error(404, "KeyNotFound"), live);
    assert_eq!(dev.get(version).await.error(404, "KeyNotFound"), live);
    assert_eq!(dev.delete("/keys/none").await.error(404, "KeyNotFound"), live);
    assert_eq!(dev.patch("/keys/none", json!({})).await.error(404, "KeyNotFound"), live);
    assert_eq!(dev.get("/keys/none/rotationpolicy").await.error(404, "KeyNotFound"), live);
    let twice = dev.post("/keys/none/rotate", Value::Null).await.error(404, "KeyNotFound");
    assert_eq!(twice, format!("Key not found: {live}"));
    assert_eq!(dev.get("/deletedkeys/none").await.error(404, "KeyNotFound"), deleted);
    assert_eq!(dev.delete("/deletedkeys/none").await.error(404, "KeyNotFound"), deleted);
    assert_eq!(dev.post("/deletedkeys/none/recover", Value::Null).await.error(404, "KeyNotFound"), deleted);
}

#[tokio::test]
async fn errors_of_unusable_keys_name_the_reason() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let sign = json!({"alg": "ES256", "value": base64url(&[7; 32])});
    let ask = async |name: &str| {
        dev.post(&format!("/keys/{name}/sign"), sign.clone()).await.error(403, "Forbidden")
    };
    let ec = |more: Value| {
        let mut body = json!({"kty": "EC-HSM"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    dev.create("off", ec(json!({"attributes": {"enabled": false}}))).await;
    dev.create("checks", ec(json!({"key_ops": ["verify"]}))).await;
    dev.create("old", ec(json!({"attributes": {"exp": 1_000_000_000}}))).await;
    dev.create("young", ec(json!({"attributes": {"nbf": 32_503_680_000_i64}}))).await;
    assert_eq!(ask("off").await, "Operation sign is not allowed on a disabled key.");
    assert_eq!(ask("checks").await, "Operation sign is not permitted on this key.");
    assert!(ask("old").await.starts_with("Operation sign is not allowed on an expired key"));
    assert!(ask("young").await.starts_with("Operation sign is not allowed on a key that is not yet valid"));

    dev.delete("/keys/old").await.json(200);
    let taken = dev.post("/keys/old/create", json!({"kty": "oct"})).await.error(409, "Conflict");
    assert_eq!(
        taken,
        "Key old is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged."
    );
}

#[tokio::test]
async fn bad_parameter_errors_name_the_json_member() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    dev.create("ec", json!({"kty": "EC-HSM"})).await;
    dev.create("oct", json!({"kty": "oct-HSM"})).await;
    let value = base64url(&[7; 32]);
    for (path, body, begins) in [
        ("/keys/x/create", json!({}), "kty: "),
        ("/keys/x/create", json!({"kty": "OKP"}), "kty: "),
        ("/keys/x/create", json!({"kty": "RSA", "key_size": 1024}), "key_size: "),
        ("/keys/x/create", json!({"kty": "EC", "crv": "P-1"}), "crv: "),
        ("/keys/x/create", json!({"kty": "EC", "key_ops": ["fly"]}), "key_ops: "),
        ("/keys/x/create", json!({"kty": "EC", "attributes": {"exp": 1, "nbf": 2}}), "attributes.exp: "),
        ("/keys/x/create", json!({"kty": "EC", "attributes": {"exp": i64::MAX}}), "attributes.exp: "),
        (
            "/keys/x/create",
            json!({"kty": "EC", "attributes": {"exportable": true}}),
            "Exportable keys must have release policy",
        ),
        (
            "/keys/x/create",
            json!({"kty": "EC", "release_policy": {"data": "e30"}}),
            "Non-exportable keys must not have release policy",
        ),
        ("/keys/x_y/create", json!({"kty": "EC"}), "key: "),
        ("/keys/ec/sign", json!({"value": value}), "alg: "),
        ("/keys/ec/sign", json!({"alg": "RS256", "value": value}), "alg: "),
        ("/keys/ec/sign", json!({"alg": "ES256"}), "value: "),
        ("/keys/ec/sign", json!({"alg": "ES256", "value": "AA"}), "value: "),
        ("/keys/ec/verify", json!({"alg": "ES256", "digest": "AA", "value": value}), "digest: "),
        ("/keys/oct/wrapkey", json!({"alg": "A256KW", "value": "AA"}), "value: "),
        ("/keys/ec/1/sign", json!({"alg": "ES256", "value": value}), "version: "),
        ("/keys/oct/encrypt", json!({"alg": "A256CBC", "value": value, "iv": "AA"}), "iv: "),
        ("/keys/oct/decrypt", json!({"alg": "A256GCM", "value": value, "iv": base64url(&[7; 12])}), "tag: "),
        ("/keys/oct/unwrapkey", json!({"alg": "A256KW", "value": "AA"}), "value: "),
    ] {
        let message = dev.post(path, body.clone()).await.error(400, "BadParameter");
        assert!(message.starts_with(begins), "{path} {body}: {message}");
    }
    let notify =
        json!({"lifetimeActions": [{"action": {"type": "Notify"}, "trigger": {"timeBeforeExpiry": "P30D"}}]});
    for (body, begins) in [
        (notify, "lifetimeActions.action.type: "),
        (json!({"attributes": {"expiryTime": "P1D"}}), "attributes.expiryTime: "),
        (json!({"lifetimeActions": [{"action": {"type": "Rotate"}, "trigger": {}}]}), "lifetimeActions: "),
        (
            json!({"lifetimeActions": [{"action": {"type": "Rotate"}, "trigger": {"timeAfterCreate": "P1D"}}]}),
            "lifetimeActions.trigger.timeAfterCreate: ",
        ),
    ] {
        let message = dev.put("/keys/ec/rotationpolicy", body.clone()).await.error(400, "BadParameter");
        assert!(message.starts_with(begins), "{body}: {message}");
    }
}
