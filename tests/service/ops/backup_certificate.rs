//! Backing up a certificate.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    certificate, create, delete, issue, secret_value, start, start_with_permissions, unknown,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn backup(client: &mut Client, name: &str) -> Result<Vec<u8>, Status> {
    let request = pb::BackupCertificateRequest { name: name.to_owned() };
    client.certificates.backup_certificate(request).await.map(|reply| reply.into_inner().backup)
}

#[tokio::test]
async fn backup_contains_no_private_key_in_the_clear() {
    let (server, mut dev) = start().await;
    issue(&mut dev, "web").await;
    let secret = secret_value(&mut dev, "web").await;
    let request = pb::BackupCertificateRequest { name: certificate("WEB") };
    let answer = dev.certificates.backup_certificate(request).await;
    assert_audited(&server, metadata(&answer), "CertificateBackup", "OK", "vaults/sample/certificates/WEB");
    let first = answer.unwrap().into_inner().backup;
    let text = String::from_utf8_lossy(&first);
    let lines = secret.lines().filter(|line| line.len() > 20);
    assert!(lines.clone().count() > 3, "{secret}");
    assert!(lines.clone().all(|line| !text.contains(line)));
    assert_ne!(
        backup(&mut dev, &certificate("web")).await.unwrap(),
        first,
        "each backup has a key of its own"
    );
}

#[tokio::test]
async fn rejects_versions_and_certificates_without_one() {
    let (_server, mut dev) = start().await;
    let made = issue(&mut dev, "web").await;
    for name in [&made.name, "web", "", "vaults/sample/deletedCertificates/web"] {
        assert_bad_parameter(backup(&mut dev, name).await, "name");
    }
    create(&mut dev, "pending", unknown()).await.unwrap();
    issue(&mut dev, "gone").await;
    delete(&mut dev, "gone").await.unwrap();
    for name in ["pending", "gone", "nothing"] {
        let refused = backup(&mut dev, &certificate(name)).await;
        assert_grpc_error(refused, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    }
}

#[tokio::test]
async fn requires_permission() {
    let (_server, [mut dev, mut allowed, mut other]) = start_with_permissions(&["backup"]).await;
    issue(&mut dev, "web").await;
    backup(&mut allowed, &certificate("web")).await.unwrap();
    assert_not_permitted(backup(&mut other, &certificate("web")).await);
}
