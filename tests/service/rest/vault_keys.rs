//! Keys at the host of a vault: responses with their members in the recorded order, and errors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use super::client::{Rest, RestResponse, base64url};
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::RsaKey;
use crate::software::verifies;
use crate::support::Server;

/// A server, and `dev` at the host of the vault of the seed.
async fn start() -> (Server, Rest) {
    let server = Server::start();
    let vault = at_vault(&server, "dev").await;
    (server, vault)
}

async fn at_vault(server: &Server, principal: &str) -> Rest {
    let hsm = Rest::unauthenticated(server);
    let port = hsm.base.rsplit(':').next().unwrap();
    let token = server.access_token_for(principal, "https://vault.azure.net").await;
    hsm.at_host(&format!("demo.vault.localhost:{port}")).with_token(&token)
}

/// Asserts the text of a response. In `expected`, `{…}` stands for the values of these members of the response.
#[track_caller]
fn assert_text(response: &RestResponse, expected: &str, values: &[(&str, &Value)]) {
    assert_eq!(response.status, 200, "{response:?}");
    let mut wanted = expected.to_owned();
    for (name, value) in values {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        wanted = wanted.replace(&format!("{{{name}}}"), &text);
    }
    assert_eq!(response.text, wanted);
}

/// Asserts the error of a vault, and returns its message and its inner code.
#[track_caller]
fn error(response: &RestResponse, status: u16, code: &str) -> (String, String) {
    let body = response.json(status);
    assert_eq!(body["error"]["code"], code, "{response:?}");
    let inner = body["error"]["innererror"]["code"].as_str().unwrap_or_default();
    (body["error"]["message"].as_str().unwrap().to_owned(), inner.to_owned())
}

#[tokio::test]
async fn responses_have_their_members_in_the_recorded_order() {
    let (_server, dev) = start().await;
    let base = Value::from(dev.base.as_str());
    // As az and the SDKs send it.
    let body = json!({"kty": "RSA", "attributes": {"enabled": true, "exp": 4_000_000_000_i64, "nbf": 1_000_000_000}, "tags": {"b": "2", "a": "1"}});
    let made = dev.post("/keys/Invoices/create", body).await;
    let first = made.json(200);
    let attributes = r#"{"enabled":true,"nbf":1000000000,"exp":4000000000,"created":{created},"updated":{created},"recoveryLevel":"Recoverable+Purgeable","recoverableDays":90,"exportable":false}"#;
    let key = r#"{"kid":"{kid}","kty":"RSA","key_ops":["encrypt","decrypt","sign","verify","wrapKey","unwrapKey"],"n":"{n}","e":"AQAB"}"#;
    let bundle = format!(r#"{{"key":{key},"attributes":{attributes},"tags":{{"a":"1","b":"2"}}}}"#);
    let created = &first["attributes"]["created"];
    let (kid, n) = (&first["key"]["kid"], &first["key"]["n"]);
    let values = [("base", &base), ("created", created), ("kid", kid), ("n", n)];
    assert_text(&made, &bundle, &values);
    let version = kid.as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(kid.as_str().unwrap(), format!("{}/keys/Invoices/{version}", dev.base));
    assert!(version.len() == 32 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
    // With and without version; the name is case-insensitive.
    for path in
        [format!("/keys/invoices/{version}"), "/keys/INVOICES".to_owned(), "/keys/invoices/".to_owned()]
    {
        assert_text(&dev.get(&path).await, &bundle, &values);
    }
    // api-version 7.0 has no recoverableDays.
    let old = dev.raw(Method::GET, "/keys/invoices?api-version=7.0", "").await;
    assert_text(&old, &bundle.replace(r#","recoverableDays":90"#, ""), &values);
    let item = r#"{"kid":"{base}/keys/Invoices","attributes":{attributes},"tags":{"a":"1","b":"2"}}"#
        .replace("{attributes}", attributes);
    let list = |item: &str| format!(r#"{{"value":[{item}],"nextLink":null}}"#);
    assert_text(&dev.get("/keys").await, &list(&item), &values);
    let of_version = list(&item.replace("{base}/keys/Invoices", "{kid}"));
    assert_text(&dev.get("/keys/Invoices/versions").await, &of_version, &values);

    let digest = base64url(&[7; 32]);
    let signed = dev.post("/keys/invoices/sign", json!({"alg": "RS256", "value": digest})).await;
    let value = signed.json(200)["value"].clone();
    assert_text(&signed, r#"{"kid":"{kid}","value":"{value}"}"#, &[("kid", kid), ("value", &value)]);
    let verify = json!({"alg": "RS256", "digest": digest, "value": value});
    assert_text(
        &dev.post(&format!("/keys/invoices/{version}/verify"), verify).await,
        r#"{"value":true}"#,
        &[],
    );
    for (seal, open) in [("encrypt", "decrypt"), ("wrapkey", "unwrapkey")] {
        let sealed =
            dev.post(&format!("/keys/invoices/{seal}"), json!({"alg": "RSA-OAEP", "value": "AQID"})).await;
        let value = sealed.json(200)["value"].clone();
        assert_text(&sealed, r#"{"kid":"{kid}","value":"{value}"}"#, &[("kid", kid), ("value", &value)]);
        let opened =
            dev.post(&format!("/keys/invoices/{open}"), json!({"alg": "RSA-OAEP", "value": value})).await;
        assert_text(&opened, r#"{"kid":"{kid}","value":"AQID"}"#, &values);
    }

    let deleted = dev.delete("/keys/invoices").await;
    let shown = deleted.json(200);
    let dates = r#""recoveryId":"{base}/deletedkeys/Invoices","deletedDate":{deleted},"scheduledPurgeDate":{scheduled},"#;
    let (at, until) = (shown["deletedDate"].as_i64().unwrap(), shown["scheduledPurgeDate"].as_i64().unwrap());
    assert_eq!(until - at, 90 * 86_400);
    let values =
        [&values[..], &[("deleted", &shown["deletedDate"]), ("scheduled", &shown["scheduledPurgeDate"])]]
            .concat();
    let deleted_bundle = bundle.replacen('{', &format!("{{{dates}"), 1);
    assert_text(&deleted, &deleted_bundle, &values);
    assert_text(&dev.get("/deletedkeys/invoices").await, &deleted_bundle, &values);
    let deleted_item = item.replacen('{', &format!("{{{dates}"), 1);
    assert_text(&dev.get("/deletedkeys").await, &list(&deleted_item), &values);
    assert_text(&dev.post("/deletedkeys/invoices/recover", Value::Null).await, &bundle, &values);
    dev.delete("/keys/invoices").await.json(200);
    let purged = dev.delete("/deletedkeys/invoices").await;
    assert_eq!((purged.status, purged.text.as_str(), purged.header("content-type")), (204, "", ""));
}

#[tokio::test]
async fn curve_keys_policies_and_backups_have_the_recorded_members() {
    let (_server, dev) = start().await;
    let base = Value::from(dev.base.as_str());
    let made = dev.post("/keys/ec/create", json!({"kty": "EC-HSM", "crv": "P-384"})).await;
    let shown = made.json(200);
    let (kid, x, y) = (&shown["key"]["kid"], &shown["key"]["x"], &shown["key"]["y"]);
    let created = &shown["attributes"]["created"];
    let bundle = r#"{"key":{"kid":"{kid}","kty":"EC-HSM","key_ops":["sign","verify"],"crv":"P-384","x":"{x}","y":"{y}"},"attributes":{"enabled":true,"created":{created},"updated":{created},"recoveryLevel":"Recoverable+Purgeable","recoverableDays":90,"exportable":false,"hsmPlatform":"2"}}"#;
    assert_text(&made, bundle, &[("kid", kid), ("x", x), ("y", y), ("created", created)]);

    // Every key has a policy that notifies 30 days before expiry.
    let policy = dev.get("/keys/ec/rotationpolicy").await;
    let notify = r#"{"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}"#;
    let expected = format!(
        r#"{{"id":"{{base}}/keys/ec/rotationpolicy","lifetimeActions":[{notify}],"attributes":{{}}}}"#
    );
    assert_text(&policy, &expected, &[("base", &base)]);
    let rotate = json!({"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "rotate"}});
    let default = json!({"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}});
    let body = json!({"lifetimeActions": [rotate, default], "attributes": {"expiryTime": "P100D"}});
    let policy = dev.put("/keys/ec/rotationpolicy", body).await;
    let dates = &policy.json(200)["attributes"];
    let rotates = r#"{"trigger":{"timeAfterCreate":"P60D"},"action":{"type":"Rotate"}}"#;
    let expected = format!(
        r#"{{"id":"{{base}}/keys/ec/rotationpolicy","lifetimeActions":[{rotates},{notify}],"attributes":{{"expiryTime":"P100D","created":{{created}},"updated":{{updated}}}}}}"#
    );
    let values = [("base", &base), ("created", &dates["created"]), ("updated", &dates["updated"])];
    assert_text(&policy, &expected, &values);
    assert_text(&dev.get("/keys/ec/rotationpolicy").await, &expected, &values);
    let other =
        json!({"lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P7D"}, "action": {"type": "Notify"}}]});
    error(&dev.put("/keys/ec/rotationpolicy", other).await, 501, "NotSupported");
    assert_text(&dev.get("/keys/ec/rotationpolicy").await, &expected, &values);
    let rotated = dev.post("/keys/ec/rotate", Value::Null).await.json(200);
    assert!(rotated["key"]["kid"] != *kid && rotated["attributes"]["exp"].is_i64(), "{rotated}");

    let backup = dev.post("/keys/ec/backup", Value::Null).await;
    let value = backup.json(200)["value"].clone();
    assert_text(&backup, r#"{"value":"{value}"}"#, &[("value", &value)]);
    let conflict = dev.post("/keys/restore", json!({"value": value})).await;
    let (message, _) = error(&conflict, 409, "Conflict");
    assert!(!message.contains("Activity"), "{message}");
    dev.delete("/keys/ec").await.json(200);
    error(&dev.post("/keys/restore", json!({"value": value})).await, 409, "Conflict");
    assert_eq!(dev.delete("/deletedkeys/ec").await.status, 204);
    let restored = dev.post("/keys/restore", json!({"value": value})).await.json(200);
    assert_eq!(restored, rotated);
    error(&dev.post("/keys/restore", json!({"value": "AAAA"})).await, 400, "MalformedBackupBlob");
}

#[tokio::test]
async fn imports_name_their_protection_beside_the_key() {
    let (_server, dev) = start().await;
    let rsa = RsaKey::of_2048_bits().material();
    let jwk = json!({"kty": "RSA", "n": base64url(&rsa.n), "e": base64url(&rsa.e), "d": base64url(&rsa.d), "p": base64url(&rsa.p),
        "q": base64url(&rsa.q), "dp": base64url(&rsa.dp), "dq": base64url(&rsa.dq), "qi": base64url(&rsa.qi), "key_ops": ["sign"]});
    let ec = EcKey::new("P-256", 9).material();
    let ec_jwk = |kty: &str| json!({"kty": kty, "crv": "P-256", "x": base64url(&ec.x), "y": base64url(&ec.y), "d": base64url(&ec.d)});
    for (name, body, kty) in [
        ("one", json!({"key": jwk, "Hsm": true}), "RSA-HSM"),
        ("two", json!({"key": jwk, "Hsm": false}), "RSA"),
        ("three", json!({"key": jwk}), "RSA"),
        ("four", json!({"key": ec_jwk("EC"), "Hsm": true, "attributes": {"enabled": true}}), "EC-HSM"),
        ("five", json!({"key": ec_jwk("EC")}), "EC"),
        ("six", json!({"key": ec_jwk("EC-HSM")}), "EC-HSM"),
    ] {
        let imported = dev.put(&format!("/keys/{name}"), body).await.json(200);
        assert_eq!(imported["key"]["kty"], kty, "{name}");
    }
    let signed =
        dev.post("/keys/four/sign", json!({"alg": "ES256", "value": base64url(&[7; 32])})).await.json(200);
    let signature = URL_SAFE_NO_PAD.decode(signed["value"].as_str().unwrap()).unwrap();
    let public = strongroom::api::grpc::pb::JsonWebKey {
        crv: ec.crv.clone(),
        x: ec.x.clone(),
        y: ec.y.clone(),
        ..Default::default()
    };
    assert!(verifies(&public, "ES256", &[7; 32], &signature));
    let oct = json!({"key": {"kty": "oct", "k": base64url(&[7; 32])}, "Hsm": true});
    error(&dev.put("/keys/oct", oct).await, 501, "NotSupported");
    error(&dev.post("/keys/oct/create", json!({"kty": "oct-HSM"})).await, 501, "NotSupported");
}

#[tokio::test]
async fn errors_are_those_of_vaults() {
    let (server, dev) = start().await;
    dev.create("k", json!({"kty": "EC"})).await;
    let (message, _) = error(&dev.get("/keys/nothing").await, 404, "KeyNotFound");
    assert_eq!(
        message,
        "A key with (name/id) nothing was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
    );
    for path in ["/deletedkeys/k", "/deletedkeys/nothing"] {
        let (message, inner) = error(&dev.get(path).await, 404, "KeyNotFound");
        assert_eq!((message, inner.as_str()), (format!("Deleted Key not found: {}", &path[13..]), ""));
    }
    dev.patch("/keys/k/", json!({"attributes": {"enabled": false}})).await.json(200);
    let sign = json!({"alg": "ES256", "value": base64url(&[7; 32])});
    let disabled = error(&dev.post("/keys/k/sign", sign.clone()).await, 403, "Forbidden");
    assert_eq!(
        disabled,
        ("Operation sign is not allowed on a disabled key.".to_owned(), "KeyDisabled".to_owned())
    );
    dev.delete("/keys/k").await.json(200);
    let response = dev.post("/keys/k/create", json!({"kty": "EC"})).await;
    let (message, inner) = error(&response, 409, "Conflict");
    assert_eq!(inner, "ObjectIsDeletedButRecoverable");
    assert_eq!(
        message,
        "Key k is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged."
    );
    let nobody = at_vault(&server, "nobody").await;
    let (message, inner) = error(&nobody.post("/keys/k/sign", sign).await, 403, "Forbidden");
    assert_eq!(inner, "ForbiddenByRbac");
    assert!(message.contains("\r\nAction: 'Microsoft.KeyVault/vaults/keys/sign/action'\r\n"), "{message}");
    // Key release is not available.
    assert_eq!(dev.post("/keys/k/release", json!({"target": "x"})).await.status, 501);
}
