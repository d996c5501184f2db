//! Updating a key version: operations, attributes, tags.

use std::collections::HashMap;

use prost_types::{FieldMask, Timestamp};
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, oct, reason, rsa};

/// 2030-01-01.
const FROM: Timestamp = Timestamp { seconds: 1_893_456_000, nanos: 0 };
/// 2031-01-01 and a microsecond.
const UNTIL: Timestamp = Timestamp { seconds: 1_924_992_000, nanos: 1000 };

async fn update(
    client: &mut Client,
    name: &str,
    mask: &[&str],
    change: pb::UpdateKeyVersionRequest,
) -> Result<pb::KeyBundle, tonic::Status> {
    let paths = mask.iter().map(|path| (*path).to_owned()).collect();
    let request = pb::UpdateKeyVersionRequest {
        name: name.to_owned(),
        update_mask: Some(FieldMask { paths }),
        ..change
    };
    client.keys.update_key_version(request).await.map(tonic::Response::into_inner)
}

fn attributes(attributes: pb::KeyAttributes) -> pb::UpdateKeyVersionRequest {
    pb::UpdateKeyVersionRequest { attributes: Some(attributes), ..Default::default() }
}

fn operations(operations: &[&str]) -> pb::UpdateKeyVersionRequest {
    let key_ops = operations.iter().map(|name| (*name).to_owned()).collect();
    pb::UpdateKeyVersionRequest { key_ops, ..Default::default() }
}

fn tags(tags: &[(&str, &str)]) -> pb::UpdateKeyVersionRequest {
    let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    pb::UpdateKeyVersionRequest { tags, ..Default::default() }
}

fn after(later: &pb::KeyBundle, earlier: &pb::KeyBundle) -> bool {
    let instant = |at: Option<Timestamp>| at.map(|at| (at.seconds, at.nanos));
    instant(later.updated) > instant(earlier.updated)
}

#[tokio::test]
async fn updates_only_the_fields_in_the_mask() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let request =
        pb::CreateKeyRequest { tags: tags(&[("a", "1"), ("b", "2")]).tags, ..ec("invoices", "P-256") };
    let made = dev.create(request).await.unwrap();
    let everything = pb::UpdateKeyVersionRequest {
        key_ops: vec!["verify".to_owned()],
        attributes: Some(pb::KeyAttributes {
            enabled: Some(false),
            not_before: Some(FROM),
            expires: Some(UNTIL),
            exportable: None,
        }),
        tags: HashMap::from([("c".to_owned(), String::new())]),
        ..Default::default()
    };

    let mut expected = made.clone();
    for path in ["key_ops", "attributes.enabled", "attributes.not_before", "attributes.expires", "tags"] {
        let changed = update(&mut dev, &made.name, &[path], everything.clone()).await.unwrap();
        match path {
            "key_ops" => expected.key_ops = vec!["verify".to_owned()],
            "attributes.enabled" => expected.enabled = false,
            "attributes.not_before" => expected.not_before = Some(FROM),
            "attributes.expires" => expected.expires = Some(UNTIL),
            _ => expected.tags = HashMap::from([("c".to_owned(), String::new())]),
        }
        assert!(after(&changed, &expected), "{path}");
        expected.updated = changed.updated;
        assert_eq!(changed, expected, "{path}");
        let request = pb::GetKeyRequest { name: made.name.clone() };
        assert_eq!(dev.keys.get_key(request).await.unwrap().into_inner(), expected, "{path}");
    }
    assert_eq!(expected.created, made.created);

    // A field in the mask that the request omits is cleared.
    let dates = ["attributes.not_before", "attributes.expires", "tags"];
    let cleared =
        update(&mut dev, &made.name, &dates, attributes(pb::KeyAttributes::default())).await.unwrap();
    assert_eq!((cleared.not_before, cleared.expires, cleared.tags.len()), (None, None, 0));
    let without = update(&mut dev, &made.name, &["key_ops"], operations(&[])).await.unwrap();
    assert_eq!(without.key_ops, Vec::<String>::new());
}

#[tokio::test]
async fn does_not_change_other_versions() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(ec("invoices", "P-256")).await.unwrap();
    let second = dev.create(ec("invoices", "P-256")).await.unwrap();
    let off = attributes(pb::KeyAttributes { enabled: Some(false), ..Default::default() });
    let changed = update(&mut dev, "hsms/local/keys/invoices", &["attributes.enabled"], off).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.enabled), (second.name.as_str(), false));

    let sign = |name: &str| pb::SignRequest {
        name: name.to_owned(),
        algorithm: "ES256".to_owned(),
        digest: vec![7; 32],
    };
    let status = dev.crypto.sign(sign("hsms/local/keys/invoices")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "KEY_DISABLED"));
    assert!(dev.crypto.sign(sign(&first.name)).await.is_ok());

    // Both kinds of changes take effect immediately.
    let on = attributes(pb::KeyAttributes { enabled: Some(true), ..Default::default() });
    update(&mut dev, &second.name, &["attributes.enabled"], on).await.unwrap();
    assert!(dev.crypto.sign(sign(&second.name)).await.is_ok());
    update(&mut dev, &second.name, &["key_ops"], operations(&["verify"])).await.unwrap();
    let status = dev.crypto.sign(sign(&second.name)).await.unwrap_err();
    assert_eq!(reason(&status), "KEY_OPERATION_NOT_PERMITTED");
}

#[tokio::test]
async fn rejects_operations_of_other_key_types() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let keys = [
        dev.create(ec("curve", "P-256")).await.unwrap(),
        dev.create(rsa("modulus", 2048)).await.unwrap(),
        dev.create(oct("secret", 256)).await.unwrap(),
    ];
    for (key, good, bad) in [
        (&keys[0], &["sign", "deriveKey"][..], &["encrypt", "wrapKey"][..]),
        (&keys[1], &["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"], &["deriveKey"]),
        (
            &keys[2],
            &["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"],
            &["deriveKey", "import"],
        ),
    ] {
        let changed = update(&mut dev, &key.name, &["key_ops"], operations(good)).await.unwrap();
        let (mut shown, mut wanted) = (changed.key_ops, good.to_vec());
        shown.sort();
        wanted.sort_unstable();
        assert_eq!(shown, wanted, "{}", key.kty);
        for operation in bad.iter().chain(&["sing", ""]) {
            let status =
                update(&mut dev, &key.name, &["key_ops"], operations(&[operation])).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{} {operation}", key.kty);
            assert_eq!(error_metadata(&status, "field"), "key_ops");
        }
    }
    for operation in ["export", "import"] {
        let status =
            update(&mut dev, &keys[1].name, &["key_ops"], operations(&[operation])).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "NOT_AVAILABLE"));
    }
}

#[tokio::test]
async fn rejected_update_changes_nothing() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    let (long, many) = ("x".repeat(257), (0..16).map(|n| n.to_string()).collect::<Vec<_>>());
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "")).collect();
    let window = |from, until| {
        attributes(pb::KeyAttributes { not_before: Some(from), expires: Some(until), ..Default::default() })
    };
    let both = &["attributes.not_before", "attributes.expires"][..];
    let out_of_range = Timestamp { seconds: i64::MAX, nanos: 0 };
    for (mask, change, field) in [
        (&[][..], tags(&[]), "update_mask"),
        (&["kty"], tags(&[]), "update_mask"),
        (&["attributes"], tags(&[]), "update_mask"),
        (&["tags", "attributes.exportable"], tags(&[]), "update_mask"),
        (&["attributes.enabled"], tags(&[]), "attributes.enabled"),
        (&["attributes.expires"], window(FROM, out_of_range), "attributes.expires"),
        (both, window(UNTIL, FROM), "attributes.expires"),
        (both, window(FROM, FROM), "attributes.expires"),
        (&["tags"], tags(&many), "tags"),
        (&["tags"], tags(&[("", "x")]), "tags"),
        (&["tags"], tags(&[(&long, "x")]), "tags"),
        (&["tags"], tags(&[("x", &long)]), "tags"),
    ] {
        let status = update(&mut dev, &made.name, mask, change).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "BAD_PARAMETER"),
            "{mask:?}"
        );
        assert_eq!(error_metadata(&status, "field"), field, "{mask:?}");
    }
    // The validity period is checked against the stored dates.
    update(&mut dev, &made.name, &["attributes.expires"], window(FROM, FROM)).await.unwrap();
    let status =
        update(&mut dev, &made.name, &["attributes.not_before"], window(UNTIL, UNTIL)).await.unwrap_err();
    assert_eq!(error_metadata(&status, "field"), "attributes.expires");

    let request = pb::GetKeyRequest { name: made.name.clone() };
    let found = dev.keys.get_key(request).await.unwrap().into_inner();
    assert_eq!(found, pb::KeyBundle { expires: Some(FROM), updated: found.updated, ..made });
    let status = update(&mut dev, "hsms/local/keys/nothing", &["tags"], tags(&[])).await.unwrap_err();
    assert_eq!(reason(&status), "KEY_NOT_FOUND");
    let status = update(&mut server.client("crypto-auditor").await, &found.name, &["tags"], tags(&[])).await;
    assert_eq!(
        error_metadata(&status.unwrap_err(), "action"),
        "Microsoft.KeyVault/managedHsm/keys/write/action"
    );
}
