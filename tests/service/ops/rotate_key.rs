//! Rotating a key on demand: the attributes of the new version, and errors.

use std::collections::HashMap;

use prost_types::{FieldMask, Timestamp};
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::rotation::{after, rotate, set, versions};
use crate::support::{Server, ec, error_metadata, oct, reason, rsa};

#[tokio::test]
async fn new_version_copies_all_but_key_and_dates() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let odd = pb::CreateKeyRequest { public_exponent: Some(257), ..rsa("rsa", 2048) };
    for (name, request) in [("ec", ec("ec", "P-384")), ("rsa", odd), ("oct", oct("oct", 192))] {
        let key_ops = vec![if name == "oct" { "wrapKey" } else { "sign" }.to_owned()];
        let expires = Some(Timestamp { seconds: 4_000_000_000, nanos: 0 });
        let attributes =
            Some(pb::KeyAttributes { not_before: Some(Timestamp::default()), expires, ..Default::default() });
        let tags = HashMap::from([("team".to_owned(), "billing".to_owned())]);
        let made = dev.create(pb::CreateKeyRequest { key_ops, attributes, tags, ..request }).await.unwrap();
        set(&mut dev, name, "P90D", vec![]).await.unwrap();
        let new = rotate(&mut dev, name).await.unwrap();
        assert_ne!(new.name, made.name);
        assert!(new.name.starts_with(&format!("hsms/local/keys/{name}/versions/")));
        assert_ne!((&new.key, name == "oct"), (&made.key, false), "the key material is new");
        let same = |key: Option<pb::JsonWebKey>| key.map(|key| (key.crv, key.e));
        assert_eq!(same(new.key.clone()), same(made.key.clone()));
        let created = new.created.unwrap().seconds;
        assert_eq!(new.expires.map(|at| at.seconds), Some(created + 90 * 86_400));
        assert_eq!((new.not_before, new.updated), (None, new.created));
        let alike = pb::KeyBundle {
            name: made.name.clone(),
            key: made.key.clone(),
            not_before: made.not_before,
            expires: made.expires,
            created: made.created,
            updated: made.updated,
            ..new.clone()
        };
        assert_eq!(alike, made);
        assert_eq!(versions(&mut dev, name).await, [made, new]);
    }

    // Each version signs with its own key.
    let [old, new] = &versions(&mut dev, "ec").await[..] else { panic!("two versions") };
    let sign = |name: &str| pb::SignRequest {
        name: name.to_owned(),
        algorithm: "ES384".to_owned(),
        digest: vec![1; 48],
    };
    let signed = dev.crypto.sign(sign("hsms/local/keys/ec")).await.unwrap().into_inner();
    assert_eq!(signed.name, new.name);
    assert_eq!(dev.crypto.sign(sign(&old.name)).await.unwrap().into_inner().name, old.name);
}

#[tokio::test]
async fn rotates_imported_keys_inside_the_token() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let key = pb::ImportKeyMaterial { kty: "oct-HSM".to_owned(), k: vec![7; 16], ..Default::default() };
    let parent = "hsms/local".to_owned();
    let key_id = "brought".to_owned();
    let request = pb::ImportKeyRequest { parent, key_id, key: Some(key), ..Default::default() };
    let old = dev.keys.import_key(request).await.unwrap().into_inner();
    set(&mut dev, "brought", "", after("P90D")).await.unwrap();
    let new = rotate(&mut dev, "brought").await.unwrap();
    assert_eq!((new.key_size, new.expires), (128, None), "no expiry in the policy, none in the version");
    let encrypt = |name: &str| pb::WrapKeyRequest {
        name: name.to_owned(),
        algorithm: "A128KW".to_owned(),
        key: vec![1; 32],
    };
    let wrapped = |reply: tonic::Response<pb::WrapKeyResponse>| reply.into_inner().wrapped_key;
    let by_old = wrapped(dev.crypto.wrap_key(encrypt(&old.name)).await.unwrap());
    let by_new = wrapped(dev.crypto.wrap_key(encrypt(&new.name)).await.unwrap());
    assert_ne!(by_old, by_new);
}

#[tokio::test]
async fn new_version_of_a_disabled_key_is_disabled() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("a", "P-256")).await.unwrap();
    let request = pb::UpdateKeyVersionRequest {
        name: made.name,
        attributes: Some(pb::KeyAttributes { enabled: Some(false), ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["attributes.enabled".to_owned()] }),
        ..Default::default()
    };
    dev.keys.update_key_version(request).await.unwrap();
    set(&mut dev, "a", "", after("P90D")).await.unwrap();
    assert!(!rotate(&mut dev, "a").await.unwrap().enabled);
}

#[tokio::test]
async fn requires_policy_live_key_and_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let status = rotate(&mut dev, "a").await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::FailedPrecondition, "ROTATION_POLICY_MISSING")
    );
    assert_eq!(error_metadata(&status, "key"), "a");
    set(&mut dev, "a", "", after("P90D")).await.unwrap();
    set(&mut dev, "a", "", vec![]).await.unwrap();
    assert_eq!(reason(&rotate(&mut dev, "a").await.unwrap_err()), "ROTATION_POLICY_MISSING");
    assert_eq!(reason(&rotate(&mut dev, "nothing").await.unwrap_err()), "KEY_NOT_FOUND");

    set(&mut dev, "a", "", after("P90D")).await.unwrap();
    rotate(&mut server.client("crypto-user").await, "a").await.unwrap();
    let status = rotate(&mut server.client("crypto-officer").await, "a").await.unwrap_err();
    assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHsm/keys/rotate/action");
    dev.keys.delete_key(pb::DeleteKeyRequest { name: "hsms/local/keys/a".to_owned() }).await.unwrap();
    assert_eq!(reason(&rotate(&mut dev, "a").await.unwrap_err()), "KEY_NOT_FOUND");
    let records = server.audit_where(6, |record| record["operationName"] == "KeyRotate");
    assert_eq!(records[3]["resultType"], "Success");
}
