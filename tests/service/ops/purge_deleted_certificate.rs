//! Purging a deleted certificate with its companions.

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::happening::What;
use tonic::Code;

use crate::certificates::{
    certificate, create, delete, deleted_certificate, every_permission, get, issue, list_deleted, purge,
    recover, start, start_with_permissions, unknown, versions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{self, assert_not_permitted, create_vault};
use crate::support::{Server, days};
use crate::vault_keys;

#[tokio::test]
async fn purge_destroys_versions_and_companions_and_releases_the_names() {
    let (mut server, mut dev) = start().await;
    let old = issue(&mut dev, "web").await;
    issue(&mut dev, "web").await;
    let kept = issue(&mut dev, "kept").await;
    assert_grpc_error(purge(&mut dev, "web").await, Code::NotFound, "DELETED_CERTIFICATE_NOT_FOUND");
    delete(&mut dev, "web").await.unwrap();
    let request = pb::PurgeDeletedCertificateRequest { name: deleted_certificate("WEB") };
    let answer = dev.certificates.purge_deleted_certificate(request).await;
    let target = "vaults/sample/deletedCertificates/WEB";
    assert_audited(&server, metadata(&answer), "CertificatePurge", "OK", target);
    answer.unwrap();
    for restarted in [false, true] {
        if restarted {
            server.restart();
            dev = server.client("dev").await;
        }
        let missing = "DELETED_CERTIFICATE_NOT_FOUND";
        assert_grpc_error(purge(&mut dev, "web").await, Code::NotFound, missing);
        assert_grpc_error(recover(&mut dev, "web").await, Code::NotFound, missing);
        assert_grpc_error(get(&mut dev, &old.name).await, Code::NotFound, "CERTIFICATE_NOT_FOUND");
        assert!(list_deleted(&mut dev).await.is_empty() && secrets::list_deleted(&mut dev).await.is_empty());
    }
    // The name is available, also for a key or a secret.
    secrets::set(&mut dev, "web", "x").await.unwrap();
    secrets::delete(&mut dev, "web").await.unwrap();
    secrets::purge(&mut dev, "web").await.unwrap();
    issue(&mut dev, "Web").await;
    assert_eq!(versions(&mut dev, "web").await.len(), 1);
    assert_eq!(get(&mut dev, &certificate("kept")).await.unwrap(), kept);
    let mut keys = vault_keys::client(&server, "dev").await;
    let missing = vault_keys::get(&mut keys, &old.key).await;
    assert_grpc_error(missing, Code::NotFound, "KEY_NOT_FOUND");
}

#[tokio::test]
async fn certificate_in_progress_can_be_purged() {
    let (_server, mut dev) = start().await;
    create(&mut dev, "web", unknown()).await.unwrap();
    delete(&mut dev, "web").await.unwrap();
    purge(&mut dev, "web").await.unwrap();
    create(&mut dev, "web", unknown()).await.unwrap();
}

#[tokio::test]
async fn purge_protection_rejects_purges_until_the_scheduled_date() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![every_permission(&server, "dev")];
    create_vault(&server, &mut dev, |vault| {
        vault.access_policies = policies;
        vault.purge_protection = true;
        vault.retention_days = Some(7);
    })
    .await;
    let made = issue(&mut dev, "web").await;
    assert_eq!((made.recovery_level.as_str(), made.recoverable_days), ("CustomizedRecoverable", 7));
    issue(&mut dev, "recovered").await;
    let deleted = delete(&mut dev, "web").await.unwrap();
    delete(&mut dev, "recovered").await.unwrap();
    let refused = purge(&mut dev, "web").await;
    assert_grpc_error(refused, Code::FailedPrecondition, "PURGE_PROTECTED");
    assert!(dev.clock.advance_clock(days(6)).await.unwrap().into_inner().happenings.is_empty());
    recover(&mut dev, "recovered").await.unwrap();
    let events = dev.clock.advance_clock(days(7)).await.unwrap().into_inner();
    let found: Vec<_> = events.happenings.iter().map(|one| (one.what.clone(), one.at)).collect();
    let expected = What::PurgedCertificate(deleted_certificate("web"));
    assert_eq!(found, [(Some(expected), deleted.scheduled_purge_at)]);
    assert!(list_deleted(&mut dev).await.is_empty() && secrets::list_deleted(&mut dev).await.is_empty());
    get(&mut dev, &certificate("recovered")).await.unwrap();
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let (server, [mut dev, mut user, mut reader]) = start_with_permissions(&["purge"]).await;
    issue(&mut dev, "web").await;
    delete(&mut dev, "web").await.unwrap();
    for name in ["", "web", "vaults/sample/certificates/web"] {
        let request = pb::PurgeDeletedCertificateRequest { name: name.to_owned() };
        assert_bad_parameter(user.certificates.purge_deleted_certificate(request).await, "name");
    }
    assert_not_permitted(purge(&mut reader, "web").await);
    assert_not_permitted(purge(&mut server.client("owner").await, "web").await);
    purge(&mut user, "web").await.unwrap();
}
