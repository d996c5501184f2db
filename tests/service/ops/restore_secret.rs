//! Restoring a secret from a backup.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::hsms::Container;
use crate::roles::support::{assert_audited, assert_grpc_error, metadata};
use crate::secrets::{
    EVERY_PERMISSION, VAULT, assert_not_permitted, create_vault, delete, enable_request, get, policy, purge,
    recover, secret, set, set_request, start, value, versions, without_value,
};
use crate::support::{Client, Server};
use crate::vaults;

async fn backup(client: &mut Client, name: &str) -> Vec<u8> {
    let request = pb::BackupSecretRequest { name: secret(name) };
    client.secrets.backup_secret(request).await.unwrap().into_inner().backup
}

async fn restore(client: &mut Client, vault: &str, backup: &[u8]) -> Result<pb::SecretBundle, Status> {
    let request = pb::RestoreSecretRequest { parent: vault.to_owned(), backup: backup.to_vec() };
    client.secrets.restore_secret(request).await.map(tonic::Response::into_inner)
}

/// Creates another vault with the same access policy.
async fn create_other(server: &Server, dev: &mut Client, location: &str) {
    let policy = policy(server, "dev", &EVERY_PERMISSION);
    let request = Container::of(server).vault_request_with("other", |vault| {
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
        vault.location = location.to_owned();
    });
    vaults::create(dev, request).await.unwrap();
}

#[tokio::test]
async fn restored_secret_has_all_versions_and_values() {
    let (mut server, mut dev) = start().await;
    let request = pb::SetSecretRequest {
        content_type: "text/plain".to_owned(),
        tags: [("team".to_owned(), "web".to_owned())].into(),
        attributes: Some(pb::SecretAttributes {
            enabled: None,
            not_before: Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 }),
            expires: Some(prost_types::Timestamp { seconds: 2_000, nanos: 0 }),
        }),
        ..set_request("Password", "one")
    };
    let one = dev.secrets.set_secret(request).await.unwrap().into_inner();
    let two = set(&mut dev, "password", "").await.unwrap();
    dev.secrets.update_secret_version(enable_request(&two.name, false)).await.unwrap();
    let made = versions(&mut dev, "password").await;
    let text = backup(&mut dev, "password").await;
    delete(&mut dev, "password").await.unwrap();
    purge(&mut dev, "password").await.unwrap();

    let request = pb::RestoreSecretRequest { parent: VAULT.to_owned(), backup: text.clone() };
    let answer = dev.secrets.restore_secret(request).await;
    assert_audited(&server, metadata(&answer), "SecretRestore", "OK", "vaults/sample/secrets");
    assert_eq!(Some(&answer.unwrap().into_inner()), made.last());
    assert_eq!(versions(&mut dev, "password").await, made);
    assert_eq!(get(&mut dev, &one.name).await.unwrap(), one);

    // To another vault, after a restart.
    create_other(&server, &mut dev, "localhost").await;
    server.restart();
    let mut dev = server.client("dev").await;
    restore(&mut dev, "vaults/other", &text).await.unwrap();
    let elsewhere = one.name.replace(VAULT, "vaults/other");
    let expected = pb::SecretBundle { name: elsewhere.clone(), ..one };
    assert_eq!(get(&mut dev, &elsewhere).await.unwrap(), expected);
    assert_ne!(without_value(&expected), expected);
}

#[tokio::test]
async fn rejects_existing_names_and_malformed_or_foreign_backups() {
    let (server, mut dev) = start().await;
    set(&mut dev, "password", "one").await.unwrap();
    let text = backup(&mut dev, "password").await;
    set(&mut dev, "password", "two").await.unwrap();
    assert_grpc_error(restore(&mut dev, VAULT, &text).await, Code::AlreadyExists, "SECRET_EXISTS");
    delete(&mut dev, "password").await.unwrap();
    assert_eq!(restore(&mut dev, VAULT, &text).await.unwrap_err().code(), Code::AlreadyExists);
    recover(&mut dev, "password").await.unwrap();
    assert_eq!(value(&mut dev, "password").await, "two");
    delete(&mut dev, "password").await.unwrap();
    purge(&mut dev, "password").await.unwrap();

    let middle = text.len() / 2;
    let mut changed = text.clone();
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    for malformed in [b"".to_vec(), b"none".to_vec(), text[..middle].to_vec(), changed] {
        let refused = restore(&mut dev, VAULT, &malformed).await;
        assert_grpc_error(refused, Code::InvalidArgument, "MALFORMED_BACKUP");
    }
    create_other(&server, &mut dev, "westeurope").await;
    let refused = restore(&mut dev, "vaults/other", &text).await;
    let status = assert_grpc_error(refused, Code::InvalidArgument, "MALFORMED_BACKUP");
    assert!(status.message().contains("geography Europe"), "{status:?}");
    restore(&mut dev, VAULT, &text).await.unwrap();
    assert_eq!(value(&mut dev, "password").await, "one");
}

#[tokio::test]
async fn requires_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![
        policy(&server, "dev", &["get", "list", "set", "delete", "recover", "purge", "backup"]),
        policy(&server, "crypto-user", &["restore"]),
    ];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    set(&mut dev, "password", "one").await.unwrap();
    let text = backup(&mut dev, "password").await;
    delete(&mut dev, "password").await.unwrap();
    purge(&mut dev, "password").await.unwrap();
    assert_not_permitted(restore(&mut dev, VAULT, &text).await);
    restore(&mut server.client("crypto-user").await, VAULT, &text).await.unwrap();
}
