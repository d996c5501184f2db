//! Reading a deleted certificate.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{delete, deleted_certificate, issue, recover, start, start_with_permissions};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn read(client: &mut Client, name: &str) -> Result<pb::DeletedCertificateBundle, Status> {
    let request = pb::GetDeletedCertificateRequest { name: name.to_owned() };
    client.certificates.get_deleted_certificate(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn returns_what_the_deletion_returned() {
    let (server, mut dev) = start().await;
    issue(&mut dev, "web").await;
    let deleted = delete(&mut dev, "web").await.unwrap();
    let request = pb::GetDeletedCertificateRequest { name: deleted_certificate("WEB") };
    let answer = dev.certificates.get_deleted_certificate(request).await;
    let target = "vaults/sample/deletedCertificates/WEB";
    assert_audited(&server, metadata(&answer), "CertificateGetDeleted", "OK", target);
    assert_eq!(answer.unwrap().into_inner(), deleted);
    recover(&mut dev, "web").await.unwrap();
    let missing = read(&mut dev, &deleted_certificate("web")).await;
    assert_grpc_error(missing, Code::NotFound, "DELETED_CERTIFICATE_NOT_FOUND");
}

#[tokio::test]
async fn rejects_live_and_unknown_certificates_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["get"]).await;
    for name in ["live", "gone"] {
        issue(&mut dev, name).await;
    }
    delete(&mut dev, "gone").await.unwrap();
    for name in ["live", "nothing"] {
        let missing = read(&mut user, &deleted_certificate(name)).await;
        assert_grpc_error(missing, Code::NotFound, "DELETED_CERTIFICATE_NOT_FOUND");
    }
    for name in
        ["", "gone", "vaults/sample/certificates/gone", "vaults/sample/deletedCertificates/gone/versions/x"]
    {
        assert_bad_parameter(read(&mut user, name).await, "name");
    }
    read(&mut user, &deleted_certificate("gone")).await.unwrap();
    for name in ["gone", "nothing"] {
        assert_not_permitted(read(&mut reader, &deleted_certificate(name)).await);
    }
}
