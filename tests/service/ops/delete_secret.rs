//! Soft-deleting a secret.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{
    assert_not_permitted, create_vault, delete, enable_request, get, list, policy, secret, set, start,
    without_value,
};
use crate::support::{Server, micros};

#[tokio::test]
async fn deleted_secret_reports_its_dates_and_has_no_value() {
    let (server, mut dev) = start().await;
    set(&mut dev, "Password", "one").await.unwrap();
    let current = set(&mut dev, "password", "two").await.unwrap();
    // A disabled secret can be deleted.
    let current = pb::SecretBundle { enabled: false, ..without_value(&current) };
    let updated = dev.secrets.update_secret_version(enable_request(&current.name, false)).await.unwrap();
    let current = pb::SecretBundle { updated: updated.into_inner().updated, ..current };
    let answer = dev.secrets.delete_secret(pb::DeleteSecretRequest { name: secret("PASSWORD") }).await;
    assert_audited(&server, metadata(&answer), "SecretDelete", "OK", "vaults/sample/secrets/PASSWORD");
    let deleted = answer.unwrap().into_inner();
    assert_eq!(deleted.name, "vaults/sample/deletedSecrets/Password");
    assert_eq!(deleted.secret.as_ref(), Some(&current));
    let days = micros(deleted.scheduled_purge_at) - micros(deleted.deleted_at);
    assert_eq!(days, 90 * 86_400 * 1_000_000);
    assert_grpc_error(get(&mut dev, &current.name).await, Code::NotFound, "SECRET_NOT_FOUND");
    assert_grpc_error(delete(&mut dev, "password").await, Code::NotFound, "SECRET_NOT_FOUND");
    let update = dev.secrets.update_secret_version(enable_request(&current.name, true)).await;
    assert_grpc_error(update, Code::NotFound, "SECRET_NOT_FOUND");
    assert!(list(&mut dev).await.is_empty());
}

#[tokio::test]
async fn rejects_versions_unknown_names_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![
        policy(&server, "dev", &["set", "get", "list", "recover", "purge"]),
        policy(&server, "crypto-user", &["delete"]),
    ];
    create_vault(&server, &mut dev, |vault| {
        vault.access_policies = policies;
        vault.retention_days = Some(7);
    })
    .await;
    let made = set(&mut dev, "password", "one").await.unwrap();
    let mut user = server.client("crypto-user").await;
    for name in [&made.name, "vaults/sample/deletedSecrets/password", "password", ""] {
        let request = pb::DeleteSecretRequest { name: name.to_owned() };
        assert_bad_parameter(user.secrets.delete_secret(request).await, "name");
    }
    assert_grpc_error(delete(&mut user, "nothing").await, Code::NotFound, "SECRET_NOT_FOUND");
    assert_not_permitted(delete(&mut dev, "password").await);
    assert_not_permitted(delete(&mut server.client("owner").await, "password").await);
    let deleted = delete(&mut user, "password").await.unwrap();
    let days = micros(deleted.scheduled_purge_at) - micros(deleted.deleted_at);
    assert_eq!(days, 7 * 86_400 * 1_000_000);
    let secret = deleted.secret.unwrap();
    assert_eq!(
        (secret.recovery_level.as_str(), secret.recoverable_days),
        ("CustomizedRecoverable+Purgeable", 7)
    );
}
