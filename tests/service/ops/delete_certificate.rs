//! Soft-deleting a certificate with its companions.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::certificates::{
    VAULT, certificate, create, delete, get, issue, list, start, start_with_permissions, unknown,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{self, assert_not_permitted};
use crate::support::micros;
use crate::vault_keys;

#[tokio::test]
async fn deletion_includes_the_companions() {
    let (server, mut dev) = start().await;
    let mut keys = vault_keys::client(&server, "dev").await;
    issue(&mut dev, "Web").await;
    let current = issue(&mut dev, "web").await;
    let request = pb::DeleteCertificateRequest { name: certificate("WEB") };
    let answer = dev.certificates.delete_certificate(request).await;
    assert_audited(&server, metadata(&answer), "CertificateDelete", "OK", "vaults/sample/certificates/WEB");
    let deleted = answer.unwrap().into_inner();
    assert_eq!(deleted.name, "vaults/sample/deletedCertificates/Web");
    assert_eq!(deleted.certificate.as_ref(), Some(&current));
    let days = micros(deleted.scheduled_purge_at) - micros(deleted.deleted_at);
    assert_eq!(days, 90 * 86_400 * 1_000_000);
    assert_grpc_error(get(&mut dev, &current.name).await, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    assert_grpc_error(delete(&mut dev, "web").await, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    assert!(list(&mut dev).await.is_empty());
    // The companions are deleted, too, and return only with their certificate.
    let missing = vault_keys::get(&mut keys, &current.key).await;
    assert_grpc_error(missing, Code::NotFound, "KEY_NOT_FOUND");
    let missing = secrets::get(&mut dev, &current.secret).await;
    assert_grpc_error(missing, Code::NotFound, "SECRET_NOT_FOUND");
    for refused in [
        vault_keys::recover(&mut keys, VAULT, "web").await.map(drop),
        vault_keys::purge(&mut keys, VAULT, "web").await.map(drop),
        secrets::recover(&mut dev, "web").await.map(drop),
        secrets::purge(&mut dev, "web").await.map(drop),
    ] {
        assert_grpc_error(refused, Code::FailedPrecondition, "MANAGED_BY_CERTIFICATE");
    }
}

#[tokio::test]
async fn certificate_in_progress_can_be_deleted() {
    let (_server, mut dev) = start().await;
    create(&mut dev, "web", unknown()).await.unwrap();
    let deleted = delete(&mut dev, "web").await.unwrap().certificate.unwrap();
    assert!(deleted.certificate.is_empty() && deleted.policy.is_some(), "{deleted:?}");
    assert!(list(&mut dev).await.is_empty());
}

#[tokio::test]
async fn rejects_versions_unknown_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["delete"]).await;
    let made = issue(&mut dev, "web").await;
    for name in [&made.name, "vaults/sample/deletedCertificates/web", "web", ""] {
        let request = pb::DeleteCertificateRequest { name: name.to_owned() };
        assert_bad_parameter(user.certificates.delete_certificate(request).await, "name");
    }
    assert_grpc_error(delete(&mut user, "nothing").await, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    assert_not_permitted(delete(&mut reader, "web").await);
    delete(&mut user, "web").await.unwrap();
}
