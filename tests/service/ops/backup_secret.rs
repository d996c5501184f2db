//! Backing up a secret.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{
    assert_not_permitted, create_vault, delete, enable_request, policy, secret, set, start,
};
use crate::support::{Client, Server};

async fn backup(client: &mut Client, name: &str) -> Result<Vec<u8>, Status> {
    let request = pb::BackupSecretRequest { name: name.to_owned() };
    client.secrets.backup_secret(request).await.map(|reply| reply.into_inner().backup)
}

#[tokio::test]
async fn backup_contains_no_value_in_the_clear() {
    let (server, mut dev) = start().await;
    let value = "a value that a backup must not show";
    let made = set(&mut dev, "password", value).await.unwrap();
    // A disabled version cannot be read, but is backed up.
    dev.secrets.update_secret_version(enable_request(&made.name, false)).await.unwrap();
    let answer = dev.secrets.backup_secret(pb::BackupSecretRequest { name: secret("PASSWORD") }).await;
    assert_audited(&server, metadata(&answer), "SecretBackup", "OK", "vaults/sample/secrets/PASSWORD");
    let first = answer.unwrap().into_inner().backup;
    assert!(!String::from_utf8_lossy(&first).contains("value that"));
    let second = backup(&mut dev, &secret("password")).await.unwrap();
    assert_ne!(first, second, "each backup has a key of its own");
}

#[tokio::test]
async fn rejects_versions_unknown_names_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![
        policy(&server, "dev", &["get", "list", "set", "delete", "recover", "purge", "restore"]),
        policy(&server, "crypto-user", &["backup"]),
    ];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    let made = set(&mut dev, "password", "one").await.unwrap();
    set(&mut dev, "gone", "one").await.unwrap();
    delete(&mut dev, "gone").await.unwrap();
    let mut user = server.client("crypto-user").await;
    for name in [&made.name, "password", "", "vaults/sample/deletedSecrets/gone"] {
        assert_bad_parameter(backup(&mut user, name).await, "name");
    }
    for name in ["gone", "nothing"] {
        assert_grpc_error(backup(&mut user, &secret(name)).await, Code::NotFound, "SECRET_NOT_FOUND");
    }
    assert_not_permitted(backup(&mut dev, &secret("password")).await);
    backup(&mut user, &secret("password")).await.unwrap();
}
