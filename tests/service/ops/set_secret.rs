//! Storing a value as a secret.

use std::collections::HashMap;

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{
    assert_not_permitted, create_vault, delete, get, list, policy, set, set_request, start, value, versions,
};
use crate::support::{Server, error_metadata, micros};

/// The largest value, in bytes.
const LARGEST: usize = 25_600;

#[tokio::test]
async fn set_creates_a_secret_and_then_its_versions() {
    let (server, mut dev) = start().await;
    let answer = dev.secrets.set_secret(set_request("Password", "one")).await;
    assert_audited(&server, metadata(&answer), "SecretSet", "OK", "vaults/sample/secrets/Password");
    let first = answer.unwrap().into_inner();
    let (parent, version) = first.name.rsplit_once('/').unwrap();
    assert_eq!(parent, "vaults/sample/secrets/Password/versions");
    assert!(version.len() == 32 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
    let created = first.created;
    assert!(created.is_some());
    let expected = pb::SecretBundle {
        name: first.name.clone(),
        value: Some("one".to_owned()),
        content_type: String::new(),
        enabled: true,
        not_before: None,
        expires: None,
        created,
        updated: created,
        recovery_level: "Recoverable+Purgeable".to_owned(),
        recoverable_days: 90,
        tags: HashMap::new(),
        managed: false,
    };
    assert_eq!(first, expected);
    assert_eq!(get(&mut dev, &first.name).await.unwrap(), first);

    // Another version, in another case: the name keeps its original spelling, attributes and tags are not inherited.
    let request = pb::SetSecretRequest {
        content_type: "text/plain".to_owned(),
        attributes: Some(pb::SecretAttributes {
            enabled: Some(true),
            not_before: Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 }),
            expires: Some(prost_types::Timestamp { seconds: 2_000, nanos: 0 }),
        }),
        tags: [("team".to_owned(), "web".to_owned())].into(),
        ..set_request("PASSWORD", "two")
    };
    let second = dev.secrets.set_secret(request).await.unwrap().into_inner();
    assert!(second.name.starts_with("vaults/sample/secrets/Password/versions/"), "{}", second.name);
    assert_ne!(second.name, first.name);
    assert_eq!(second.content_type, "text/plain");
    assert_eq!((micros(second.not_before), micros(second.expires)), (1_000_000_000, 2_000_000_000));
    assert_eq!(second.tags["team"], "web");
    let third = set(&mut dev, "password", "three").await.unwrap();
    assert_eq!(
        third,
        pb::SecretBundle {
            name: third.name.clone(),
            value: Some("three".to_owned()),
            created: third.created,
            updated: third.created,
            ..expected
        }
    );
    assert_eq!(value(&mut dev, "password").await, "three");
    assert_eq!(get(&mut dev, &second.name).await.unwrap(), second);
    assert_eq!(versions(&mut dev, "password").await.len(), 3);
    // A call with the same arguments creates another version, too.
    let fourth = set(&mut dev, "password", "three").await.unwrap();
    assert_ne!(fourth.name, third.name);
}

#[tokio::test]
async fn values_have_at_most_25600_bytes_and_may_be_empty() {
    let (_server, mut dev) = start().await;
    let largest = ["x".repeat(LARGEST), "ä".repeat(LARGEST / 2)];
    let texts = ["", " ", "\n", "\0", "a\u{202e}b", "\u{1f511}"].map(str::to_owned);
    for text in texts.into_iter().chain(largest) {
        let made = set(&mut dev, "password", &text).await.unwrap();
        assert_eq!(made.value.as_deref(), Some(&*text));
        assert_eq!(value(&mut dev, "password").await, text);
    }
    let stored = versions(&mut dev, "password").await.len();
    for text in ["x".repeat(LARGEST + 1), "ä".repeat(LARGEST / 2) + "x", "x".repeat(100_000)] {
        let refused = set(&mut dev, "password", &text).await;
        assert!(!format!("{refused:?}").contains("xxx"), "the error quotes the value");
        assert_bad_parameter(refused, "value");
    }
    let missing = pb::SetSecretRequest { value: None, ..set_request("password", "") };
    assert_bad_parameter(dev.secrets.set_secret(missing).await, "value");
    assert_eq!(versions(&mut dev, "password").await.len(), stored);
}

#[tokio::test]
async fn rejects_invalid_settings_and_stores_nothing() {
    let (_server, mut dev) = start().await;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let attributes = |not_before, expires| {
        Some(pb::SecretAttributes { enabled: None, not_before: at(not_before), expires: at(expires) })
    };
    let tags = |count: usize, name: &str, value: &str| -> HashMap<String, String> {
        (0..count).map(|number| (format!("{name}{number}"), value.to_owned())).collect()
    };
    let valid = || set_request("password", "a value that no error may quote");
    let cases = [
        (pb::SetSecretRequest { secret_id: "pass_word".to_owned(), ..valid() }, "secret_id"),
        (pb::SetSecretRequest { secret_id: "a".repeat(128), ..valid() }, "secret_id"),
        (pb::SetSecretRequest { parent: "hsms/local".to_owned(), ..valid() }, "parent"),
        (pb::SetSecretRequest { content_type: "ä".repeat(256), ..valid() }, "content_type"),
        (pb::SetSecretRequest { attributes: attributes(2_000, 2_000), ..valid() }, "attributes.expires"),
        (pb::SetSecretRequest { attributes: attributes(2_000, 1_000), ..valid() }, "attributes.expires"),
        (
            pb::SetSecretRequest { attributes: attributes(i64::MAX, 1_000), ..valid() },
            "attributes.not_before",
        ),
        (pb::SetSecretRequest { tags: tags(16, "t", ""), ..valid() }, "tags"),
        (pb::SetSecretRequest { tags: tags(1, &"n".repeat(512), ""), ..valid() }, "tags"),
        (pb::SetSecretRequest { tags: tags(1, "n", &"v".repeat(513)), ..valid() }, "tags"),
        (pb::SetSecretRequest { tags: [(String::new(), "v".to_owned())].into(), ..valid() }, "tags"),
    ];
    for (request, field) in cases {
        let refused = dev.secrets.set_secret(request).await;
        assert!(!format!("{refused:?}").contains("no error may quote"), "{field}");
        assert_bad_parameter(refused, field);
    }
    assert!(list(&mut dev).await.is_empty());
    let largest = pb::SetSecretRequest {
        secret_id: "a".repeat(127),
        content_type: "ä".repeat(255),
        tags: tags(15, &"n".repeat(500), &"v".repeat(512)),
        ..valid()
    };
    let made = dev.secrets.set_secret(largest.clone()).await.unwrap().into_inner();
    assert_eq!((made.content_type, made.tags), (largest.content_type, largest.tags));
    // An expired or not yet valid secret may be stored.
    for attributes in [attributes(1, 2), attributes(4_000_000_000, 4_000_000_001)] {
        dev.secrets.set_secret(pb::SetSecretRequest { attributes, ..valid() }).await.unwrap();
    }
}

#[tokio::test]
async fn name_of_deleted_secret_is_reserved() {
    let (_server, mut dev) = start().await;
    set(&mut dev, "password", "one").await.unwrap();
    delete(&mut dev, "password").await.unwrap();
    for name in ["password", "PASSWORD"] {
        let refused = set(&mut dev, name, "two").await;
        let status = assert_grpc_error(refused, Code::AlreadyExists, "SECRET_DELETED_BUT_RECOVERABLE");
        assert_eq!(error_metadata(&status, "secret"), name);
    }
}

#[tokio::test]
async fn requires_permission_and_a_vault() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![
        policy(&server, "dev", &["get", "list", "delete", "recover", "purge", "backup", "restore"]),
        policy(&server, "crypto-user", &["Set"]),
    ];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    let status = assert_not_permitted(set(&mut dev, "password", "one").await);
    assert!(!status.message().contains("one"), "{status:?}");
    assert_not_permitted(set(&mut server.client("owner").await, "password", "one").await);
    set(&mut server.client("crypto-user").await, "password", "one").await.unwrap();
    let request = pb::SetSecretRequest { parent: "vaults/nothing".to_owned(), ..set_request("a", "b") };
    assert_grpc_error(dev.secrets.set_secret(request).await, Code::NotFound, "VAULT_NOT_FOUND");
}
