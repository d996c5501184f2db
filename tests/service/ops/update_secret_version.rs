//! Updating content type, attributes and tags of a secret version.

use std::collections::HashMap;

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{
    assert_not_permitted, create_vault, enable_request, get, policy, secret, set, set_request, start, value,
    versions, without_value,
};
use crate::support::{Client, Server, micros};

fn request(name: &str, paths: &[&str]) -> pb::UpdateSecretVersionRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateSecretVersionRequest {
        name: name.to_owned(),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..Default::default()
    }
}

async fn update(
    client: &mut Client,
    request: pb::UpdateSecretVersionRequest,
) -> Result<pb::SecretBundle, Status> {
    client.secrets.update_secret_version(request).await.map(tonic::Response::into_inner)
}

fn dates(not_before: Option<i64>, expires: Option<i64>) -> Option<pb::SecretAttributes> {
    let at = |seconds: i64| prost_types::Timestamp { seconds, nanos: 0 };
    Some(pb::SecretAttributes { enabled: None, not_before: not_before.map(at), expires: expires.map(at) })
}

#[tokio::test]
async fn update_changes_only_the_fields_of_the_mask() {
    let (server, mut dev) = start().await;
    let tags: HashMap<_, _> = [("team".to_owned(), "web".to_owned())].into();
    let full = pb::SetSecretRequest {
        content_type: "text/plain".to_owned(),
        attributes: dates(Some(1_000), Some(2_000)),
        tags: tags.clone(),
        ..set_request("password", "hunter2")
    };
    let made = dev.secrets.set_secret(full).await.unwrap().into_inner();
    let answer = dev
        .secrets
        .update_secret_version(pb::UpdateSecretVersionRequest {
            content_type: "ignored".to_owned(),
            ..enable_request(&secret("PASSWORD"), false)
        })
        .await;
    assert_audited(&server, metadata(&answer), "SecretUpdate", "OK", "vaults/sample/secrets/PASSWORD");
    let disabled = answer.unwrap().into_inner();
    // The reply has no value: the caller may not be allowed to read it.
    let expected = pb::SecretBundle { enabled: false, updated: disabled.updated, ..without_value(&made) };
    assert_eq!(disabled, expected);
    assert!(micros(disabled.updated) > micros(made.updated));

    // Every field at once, for a disabled version.
    let all = ["content_type", "attributes.enabled", "attributes.not_before", "attributes.expires", "tags"];
    let replaced = update(
        &mut dev,
        pb::UpdateSecretVersionRequest {
            content_type: "application/json".to_owned(),
            attributes: Some(pb::SecretAttributes {
                enabled: Some(true),
                ..dates(Some(5_000), Some(6_000)).unwrap()
            }),
            tags: [("other".to_owned(), String::new())].into(),
            ..request(&made.name, &all)
        },
    );
    let replaced = replaced.await.unwrap();
    assert_eq!((replaced.content_type.as_str(), replaced.enabled), ("application/json", true));
    assert_eq!((micros(replaced.not_before), micros(replaced.expires)), (5_000_000_000, 6_000_000_000));
    assert_eq!(replaced.tags, [("other".to_owned(), String::new())].into());
    assert_eq!(value(&mut dev, "password").await, "hunter2");

    // Fields of the mask without a value are removed.
    let cleared = ["content_type", "attributes.not_before", "attributes.expires", "tags"];
    let cleared = update(&mut dev, request(&made.name, &cleared)).await.unwrap();
    assert_eq!(
        cleared,
        pb::SecretBundle {
            content_type: String::new(),
            not_before: None,
            expires: None,
            tags: HashMap::new(),
            updated: cleared.updated,
            ..replaced
        }
    );
    assert_eq!(versions(&mut dev, "password").await, [cleared]);
}

#[tokio::test]
async fn update_without_version_changes_the_current_one() {
    let (_server, mut dev) = start().await;
    let old = set(&mut dev, "password", "one").await.unwrap();
    let current = set(&mut dev, "password", "two").await.unwrap();
    let updated = update(
        &mut dev,
        pb::UpdateSecretVersionRequest {
            content_type: "text/plain".to_owned(),
            ..request(&secret("password"), &["content_type"])
        },
    );
    assert_eq!(updated.await.unwrap().name, current.name);
    assert_eq!(get(&mut dev, &old.name).await.unwrap(), old);
    let updated = update(&mut dev, enable_request(&old.name, false)).await.unwrap();
    assert_eq!(updated.name, old.name);
    assert_eq!(get(&mut dev, &secret("password")).await.unwrap().content_type, "text/plain");
}

#[tokio::test]
async fn rejects_invalid_arguments_and_changes_nothing() {
    let (_server, mut dev) = start().await;
    let made = set(&mut dev, "password", "one").await.unwrap();
    let password = secret("password");
    let tags = |count: usize| (0..count).map(|number| (number.to_string(), String::new())).collect();
    let attributes = |not_before, expires| pb::UpdateSecretVersionRequest {
        attributes: dates(not_before, expires),
        ..request(&password, &["attributes.not_before", "attributes.expires"])
    };
    let cases = [
        (request(&password, &[]), "update_mask"),
        (
            pb::UpdateSecretVersionRequest { update_mask: None, ..enable_request(&password, true) },
            "update_mask",
        ),
        (request(&password, &["value"]), "update_mask"),
        (request(&password, &["tags", "Tags"]), "update_mask"),
        (request(&password, &["attributes.enabled"]), "attributes.enabled"),
        (attributes(Some(2), Some(2)), "attributes.expires"),
        (attributes(Some(3), Some(2)), "attributes.expires"),
        (attributes(None, Some(i64::MAX)), "attributes.expires"),
        (pb::UpdateSecretVersionRequest { tags: tags(16), ..request(&password, &["tags"]) }, "tags"),
        (
            pb::UpdateSecretVersionRequest {
                content_type: "x".repeat(256),
                ..request(&password, &["content_type"])
            },
            "content_type",
        ),
        (enable_request("password", true), "name"),
        (enable_request("vaults/sample/deletedSecrets/password", true), "name"),
    ];
    for (request, field) in cases {
        assert_bad_parameter(update(&mut dev, request).await, field);
    }
    // The period is checked with the date that does not change.
    update(&mut dev, attributes(Some(1_000), Some(2_000))).await.unwrap();
    let late = pb::UpdateSecretVersionRequest {
        attributes: dates(Some(2_000), None),
        ..request(&password, &["attributes.not_before"])
    };
    assert_bad_parameter(update(&mut dev, late).await, "attributes.expires");
    update(&mut dev, attributes(None, None)).await.unwrap();
    let found = get(&mut dev, &password).await.unwrap();
    assert_eq!(found, pb::SecretBundle { updated: found.updated, ..made });
    assert_grpc_error(
        update(&mut dev, enable_request(&secret("nothing"), true)).await,
        Code::NotFound,
        "SECRET_NOT_FOUND",
    );
}

#[tokio::test]
async fn requires_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![policy(&server, "dev", &["set"]), policy(&server, "crypto-user", &["get", "list"])];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    set(&mut dev, "password", "one").await.unwrap();
    // As in Azure, `set` permits updates.
    update(&mut dev, enable_request(&secret("password"), false)).await.unwrap();
    for principal in ["crypto-user", "owner"] {
        let mut client = server.client(principal).await;
        assert_not_permitted(update(&mut client, enable_request(&secret("password"), true)).await);
    }
}
