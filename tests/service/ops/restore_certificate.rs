//! Restoring a certificate from a backup.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    VAULT, certificate, delete, get, issue, item, purge, secret_value, start, start_with_permissions,
    tls_handshake, versions,
};
use crate::hsms::Container;
use crate::roles::support::{assert_audited, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;
use crate::vaults;

async fn backup(client: &mut Client, name: &str) -> Vec<u8> {
    let request = pb::BackupCertificateRequest { name: certificate(name) };
    client.certificates.backup_certificate(request).await.unwrap().into_inner().backup
}

async fn restore(client: &mut Client, vault: &str, backup: &[u8]) -> Result<pb::CertificateBundle, Status> {
    let request = pb::RestoreCertificateRequest { parent: vault.to_owned(), backup: backup.to_vec() };
    client.certificates.restore_certificate(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn restored_certificate_serves_tls_with_its_former_versions() {
    let (server, mut dev) = start().await;
    let one = issue(&mut dev, "Web").await;
    let two = issue(&mut dev, "web").await;
    let (value, stored) = (secret_value(&mut dev, "web").await, backup(&mut dev, "web").await);
    assert_grpc_error(restore(&mut dev, VAULT, &stored).await, Code::AlreadyExists, "CERTIFICATE_EXISTS");
    delete(&mut dev, "web").await.unwrap();
    assert_grpc_error(restore(&mut dev, VAULT, &stored).await, Code::AlreadyExists, "CERTIFICATE_EXISTS");
    purge(&mut dev, "web").await.unwrap();

    let request = pb::RestoreCertificateRequest { parent: VAULT.to_owned(), backup: stored };
    let answer = dev.certificates.restore_certificate(request).await;
    assert_audited(&server, metadata(&answer), "CertificateRestore", "OK", "vaults/sample/certificates");
    // The operation that made the version is not part of the backup.
    assert_eq!(
        answer.unwrap().into_inner(),
        pb::CertificateBundle { operation: String::new(), ..two.clone() }
    );
    assert_eq!(versions(&mut dev, "web").await, [item(&one), item(&two)]);
    assert_eq!(get(&mut dev, &one.name).await.unwrap().certificate, one.certificate);
    assert_eq!(secret_value(&mut dev, "web").await, value);
    tls_handshake(&value, &two.certificate).await;
}

#[tokio::test]
async fn rejects_malformed_and_foreign_backups() {
    let (server, mut dev) = start().await;
    issue(&mut dev, "web").await;
    let stored = backup(&mut dev, "web").await;
    delete(&mut dev, "web").await.unwrap();
    purge(&mut dev, "web").await.unwrap();
    let mut changed = stored.clone();
    let middle = stored.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    for malformed in [b"".to_vec(), b"none".to_vec(), stored[..middle].to_vec(), changed] {
        let refused = restore(&mut dev, VAULT, &malformed).await;
        assert_grpc_error(refused, Code::InvalidArgument, "MALFORMED_BACKUP");
    }
    let policy = crate::certificates::every_permission(&server, "dev");
    let request = Container::of(&server).vault_request_with("europe", |vault| {
        vault.location = "westeurope".to_owned();
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
    });
    vaults::create(&mut dev, request).await.unwrap();
    let status = restore(&mut dev, "vaults/europe", &stored).await.unwrap_err();
    assert!(status.message().contains("geography Europe"), "{status:?}");
    restore(&mut dev, VAULT, &stored).await.unwrap();
}

#[tokio::test]
async fn requires_permission() {
    let (_server, [mut dev, mut allowed, mut other]) = start_with_permissions(&["restore"]).await;
    issue(&mut dev, "web").await;
    let stored = backup(&mut dev, "web").await;
    delete(&mut dev, "web").await.unwrap();
    purge(&mut dev, "web").await.unwrap();
    assert_not_permitted(restore(&mut other, VAULT, &stored).await);
    restore(&mut allowed, VAULT, &stored).await.unwrap();
}
