//! The lifecycle of a key over REST, and one key on both surfaces.

use aes_gcm::KeyInit as _;
use serde_json::{Value, json};
use strongroom::api::grpc::pb;

use super::client::{Rest, base64url};
use crate::support::{Server, ec};

#[tokio::test]
async fn creates_updates_deletes_recovers_and_purges_a_key() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let first = dev
        .create(
            "pay",
            json!({"kty": "EC", "crv": "P-384", "key_ops": ["sign", "verify"],
        "attributes": {"enabled": true, "exp": 4_000_000_000_i64}, "tags": {"team": "billing"}}),
        )
        .await;
    let key = &first["key"];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["key_ops"]),
        (&"EC-HSM".into(), &"P-384".into(), &json!(["sign", "verify"]))
    );
    let attributes = &first["attributes"];
    assert_eq!(attributes["created"], attributes["updated"]);
    assert_eq!(
        (&attributes["recoverableDays"], &attributes["recoveryLevel"], &attributes["exportable"]),
        (&90.into(), &"Recoverable+Purgeable".into(), &false.into())
    );

    // A new version inherits nothing.
    let second = dev.create("pay", json!({"kty": "RSA", "key_size": 2048, "public_exponent": 3})).await;
    assert_eq!((&second["key"]["e"], &second["key"]["kty"]), (&"Aw".into(), &"RSA-HSM".into()));
    assert!(second.get("tags").is_none());
    assert_eq!(dev.get("/keys/pay").await.json(200), second);
    let first_path = dev.path(&first["key"]["kid"]).to_owned();
    assert_eq!(dev.get(&first_path).await.json(200), first);

    // Present members replace values, absent members keep them.
    let updated = dev.patch(&first_path, json!({"attributes": {"enabled": false}})).await.json(200);
    assert_eq!(
        (&updated["attributes"]["enabled"], &updated["tags"]),
        (&false.into(), &json!({"team": "billing"}))
    );
    assert_eq!(updated["attributes"]["exp"], 4_000_000_000_i64);
    let updated = dev
        .patch(
            &first_path,
            json!({"tags": {}, "key_ops": ["verify"], "attributes": {"exp": 4_000_000_001_i64}}),
        )
        .await
        .json(200);
    assert_eq!((updated.get("tags"), &updated["key"]["key_ops"]), (None, &json!(["verify"])));
    assert_eq!(
        (&updated["attributes"]["exp"], &updated["attributes"]["enabled"]),
        (&4_000_000_001_i64.into(), &false.into())
    );
    assert_eq!(dev.get(&first_path).await.json(200), updated);

    let deleted = dev.delete("/keys/pay").await.json(200);
    assert_eq!(deleted["key"], second["key"]);
    let (from, until) =
        (deleted["deletedDate"].as_i64().unwrap(), deleted["scheduledPurgeDate"].as_i64().unwrap());
    assert_eq!(until - from, 90 * 86_400);
    dev.get("/keys/pay").await.error(404, "KeyNotFound");
    assert_eq!(dev.post("/deletedkeys/pay/recover", Value::Null).await.json(200), second);
    assert_eq!(dev.get(&first_path).await.json(200), updated);
    dev.delete("/keys/pay").await.json(200);
    let purged = dev.delete("/deletedkeys/pay").await;
    assert_eq!((purged.status, purged.text.as_str()), (204, ""));
    assert_eq!(purged.header("content-type"), "application/json; charset=utf-8");
    dev.get("/deletedkeys/pay").await.error(404, "KeyNotFound");
    dev.create("pay", json!({"kty": "oct-HSM", "key_size": 192})).await;
}

#[tokio::test]
async fn imports_symmetric_and_ec_keys() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let secret = [7_u8; 32];
    let body = json!({"Hsm": true, "key": {"kty": "oct", "k": base64url(&secret), "key_ops": ["wrapKey", "unwrapKey"]}, "tags": {"a": "b"}});
    let made = dev.put("/keys/secret", body).await.json(200);
    assert_eq!(made["key"]["kty"], "oct-HSM");
    assert_eq!(
        (made["key"].get("k"), &made["key"]["key_ops"], &made["tags"]["a"]),
        (None, &json!(["wrapKey", "unwrapKey"]), &"b".into())
    );
    let wrapped = dev
        .post("/keys/secret/wrapkey", json!({"alg": "A256KW", "value": base64url(&[9; 16])}))
        .await
        .json(200);
    // RFC 3394, by another implementation.
    let kek = aes_kw::KwAes256::new_from_slice(&secret).unwrap();
    let mut expected = [0; 24];
    kek.wrap_key(&[9; 16], &mut expected).unwrap();
    assert_eq!(wrapped["value"], base64url(&expected));

    let pair = p256::SecretKey::from_slice(&[5; 32]).unwrap();
    let point = pair.public_key().to_sec1_bytes();
    let (x, y) = (base64url(&point[1..33]), base64url(&point[33..65]));
    let jwk = json!({"kty": "EC-HSM", "crv": "P-256", "x": x, "y": y, "d": base64url(&[5; 32])});
    let made = dev.put("/keys/pair", json!({"key": jwk})).await.json(200);
    assert_eq!((&made["key"]["x"], &made["key"]["y"]), (&Value::from(x), &Value::from(y)));

    let large = json!({"key": {"kty": "oct-HSM", "k": base64url(&[7; 65])}});
    let message = dev.put("/keys/large", large).await.error(400, "BadParameter");
    assert_eq!(message, "JSON Web Key: k property of oct key is too large, maximum size is 64");
    dev.put("/keys/none", json!({"key": {"kty": "EC", "crv": "P-257"}})).await.error(400, "BadParameter");
    assert_eq!(dev.put("/keys/none", json!({})).await.error(400, "BadParameter"), "key: the key is missing");
}

#[tokio::test]
async fn key_is_the_same_over_rest_and_grpc() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let mut grpc = server.client("dev").await;
    let made = dev.create("shared", json!({"kty": "EC-HSM"})).await;
    let version = made["key"]["kid"].as_str().unwrap().rsplit('/').next().unwrap();
    let name = format!("hsms/local/keys/shared/versions/{version}");

    let request = pb::SignRequest { name: name.clone(), algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    let signature = grpc.crypto.sign(request).await.unwrap().into_inner().signature;
    let verify = json!({"alg": "ES256", "digest": base64url(&[7; 32]), "value": base64url(&signature)});
    assert_eq!(dev.post("/keys/shared/verify", verify).await.json(200)["value"], true);
    let forged = json!({"alg": "ES256", "digest": base64url(&[8; 32]), "value": base64url(&signature)});
    assert_eq!(dev.post("/keys/shared/verify", forged).await.json(200)["value"], false);

    dev.delete("/keys/shared").await.json(200);
    let deleted = "hsms/local/deletedKeys/shared".to_owned();
    let back = grpc.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name: deleted }).await.unwrap();
    assert_eq!(back.into_inner().name, name);
    assert_eq!(dev.get("/keys/shared").await.json(200), made);
    grpc.create(ec("other", "P-521")).await.unwrap();
    let listed = dev.get("/keys").await.json(200);
    assert_eq!(dev.path(&listed["value"][0]["kid"]), "/keys/other");
}
