//! Purging a deleted secret.

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::happening::What;
use tonic::Code;

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{
    assert_not_permitted, create_vault, delete, deleted_secret, get, list_deleted, policy, purge, recover,
    secret, set, start, value, versions,
};
use crate::support::{Server, days, error_metadata, micros};

#[tokio::test]
async fn purge_deletes_all_versions_and_releases_the_name() {
    let (mut server, mut dev) = start().await;
    let old = set(&mut dev, "password", "one").await.unwrap();
    set(&mut dev, "password", "two").await.unwrap();
    set(&mut dev, "kept", "three").await.unwrap();
    assert_grpc_error(purge(&mut dev, "password").await, Code::NotFound, "DELETED_SECRET_NOT_FOUND");
    delete(&mut dev, "password").await.unwrap();
    let request = pb::PurgeDeletedSecretRequest { name: deleted_secret("PASSWORD") };
    let answer = dev.secrets.purge_deleted_secret(request).await;
    assert_audited(&server, metadata(&answer), "SecretPurge", "OK", "vaults/sample/deletedSecrets/PASSWORD");
    answer.unwrap();
    for restarted in [false, true] {
        if restarted {
            server.restart();
            dev = server.client("dev").await;
        }
        assert_grpc_error(purge(&mut dev, "password").await, Code::NotFound, "DELETED_SECRET_NOT_FOUND");
        assert_grpc_error(recover(&mut dev, "password").await, Code::NotFound, "DELETED_SECRET_NOT_FOUND");
        assert_grpc_error(get(&mut dev, &old.name).await, Code::NotFound, "SECRET_NOT_FOUND");
        assert!(list_deleted(&mut dev).await.is_empty());
    }
    // The name is available, and a secret created under it is a new one.
    let new = set(&mut dev, "Password", "new").await.unwrap();
    assert!(new.name.starts_with("vaults/sample/secrets/Password/"), "{}", new.name);
    assert_eq!(versions(&mut dev, "password").await.len(), 1);
    assert_grpc_error(get(&mut dev, &old.name).await, Code::NotFound, "SECRET_NOT_FOUND");
    assert_eq!(value(&mut dev, "kept").await, "three");
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    // `all` does not include `purge`.
    let policies = vec![policy(&server, "dev", &["all"]), policy(&server, "crypto-user", &["Purge"])];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    set(&mut dev, "password", "one").await.unwrap();
    delete(&mut dev, "password").await.unwrap();
    let mut user = server.client("crypto-user").await;
    for name in ["", "password", "vaults/sample/secrets/password"] {
        let request = pb::PurgeDeletedSecretRequest { name: name.to_owned() };
        assert_bad_parameter(user.secrets.purge_deleted_secret(request).await, "name");
    }
    for principal in ["dev", "owner", "nobody"] {
        assert_not_permitted(purge(&mut server.client(principal).await, "password").await);
    }
    purge(&mut user, "password").await.unwrap();
}

#[tokio::test]
async fn purge_protection_rejects_purges_until_the_scheduled_date() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    create_vault(&server, &mut dev, |vault| {
        vault.purge_protection = true;
        vault.retention_days = Some(7);
    })
    .await;
    let made = set(&mut dev, "password", "one").await.unwrap();
    assert_eq!((made.recovery_level.as_str(), made.recoverable_days), ("CustomizedRecoverable", 7));
    let deleted = delete(&mut dev, "password").await.unwrap();
    let refused = purge(&mut dev, "password").await;
    let status = assert_grpc_error(refused, Code::FailedPrecondition, "PURGE_PROTECTED");
    assert_eq!(error_metadata(&status, "recovery_level"), "CustomizedRecoverable");
    let until: jiff::Timestamp = error_metadata(&status, "scheduled_purge_at").parse().unwrap();
    assert_eq!(until.as_microsecond(), micros(deleted.scheduled_purge_at));
    recover(&mut dev, "password").await.unwrap();
    assert_eq!(value(&mut dev, "password").await, "one");
}

#[tokio::test]
async fn deleted_secret_is_purged_at_its_scheduled_date() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    create_vault(&server, &mut dev, |vault| vault.retention_days = Some(7)).await;
    for name in ["Password", "recovered", "live"] {
        set(&mut dev, name, "one").await.unwrap();
    }
    let deleted = delete(&mut dev, "password").await.unwrap();
    delete(&mut dev, "recovered").await.unwrap();
    let early = dev.clock.advance_clock(days(6)).await.unwrap().into_inner();
    assert!(early.happenings.is_empty(), "{early:?}");
    recover(&mut dev, "recovered").await.unwrap();
    let events = dev.clock.advance_clock(days(7)).await.unwrap().into_inner();
    let found: Vec<_> = events.happenings.iter().map(|one| (one.what.clone(), one.at)).collect();
    let expected = What::PurgedSecret("vaults/sample/deletedSecrets/Password".to_owned());
    assert_eq!(found, [(Some(expected), deleted.scheduled_purge_at)]);
    assert!(list_deleted(&mut dev).await.is_empty());
    for name in ["recovered", "live"] {
        assert_eq!(value(&mut dev, name).await, "one");
    }
    assert_grpc_error(get(&mut dev, &secret("password")).await, Code::NotFound, "SECRET_NOT_FOUND");
    let records = server.audit_where(1, |record| record["operationName"] == "SecretPurge");
    assert_eq!(records.len(), 1);
    assert_eq!(
        (&records[0]["resultType"], &records[0]["clientInfo"]),
        (&"Success".into(), &"strongroom-scheduler".into())
    );
}
