//! Reading the operation that creates a version of a certificate.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    certificate, create, delete, issue, issued_by, operation, self_signed, set_issuer, start,
    start_with_permissions, unknown,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn read(client: &mut Client, request_id: &str) -> Result<pb::CertificateOperation, Status> {
    let name = "vaults/sample/certificates/web/pending".to_owned();
    let request = pb::GetCertificateOperationRequest { name, request_id: request_id.to_owned() };
    client.certificates.get_certificate_operation(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn shows_the_state_of_the_latest_operation() {
    let (server, mut dev) = start().await;
    let made = create(&mut dev, "web", self_signed()).await.unwrap();
    let request =
        pb::GetCertificateOperationRequest { name: made.name.clone(), request_id: made.request_id.clone() };
    let answer = dev.certificates.get_certificate_operation(request).await;
    let target = "vaults/sample/certificates/web/pending";
    assert_audited(&server, metadata(&answer), "CertificatePendingGet", "OK", target);
    let completed = answer.unwrap().into_inner();
    // A self-signed certificate is issued at once.
    let expected = pb::CertificateOperation {
        status: "completed".to_owned(),
        status_details: String::new(),
        target: certificate("web"),
        ..made.clone()
    };
    assert_eq!(completed, expected);
    assert_eq!(read(&mut dev, "").await.unwrap(), completed);
    let next = create(&mut dev, "web", unknown()).await.unwrap();
    assert_eq!(read(&mut dev, &next.request_id).await.unwrap(), next);
    let missing = read(&mut dev, &made.request_id).await;
    assert_grpc_error(missing, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
    // An issuer of the vault is asked; nobody answers here.
    set_issuer(&mut dev, "acme").await;
    let issuer = pb::CertificateIssuerParameters {
        certificate_type: Some("OV-SSL".to_owned()),
        certificate_transparency: Some(true),
        ..issued_by("ACME")
    };
    create(&mut dev, "named", pb::CertificatePolicy { issuer: Some(issuer.clone()), ..self_signed() })
        .await
        .unwrap();
    assert_eq!(operation(&mut dev, "named").await.unwrap().issuer, Some(issuer));
}

#[tokio::test]
async fn rejects_invalid_and_unknown_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["get"]).await;
    let missing = operation(&mut user, "web").await;
    assert_grpc_error(missing, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
    issue(&mut dev, "web").await;
    operation(&mut user, "web").await.unwrap();
    assert_bad_parameter(read(&mut user, "latest").await, "request_id");
    for name in ["", "web", "vaults/sample/certificates/web"] {
        let request = pb::GetCertificateOperationRequest { name: name.to_owned(), request_id: String::new() };
        assert_bad_parameter(user.certificates.get_certificate_operation(request).await, "name");
    }
    assert_not_permitted(operation(&mut reader, "web").await);
    delete(&mut dev, "web").await.unwrap();
    let missing = operation(&mut user, "web").await;
    assert_grpc_error(missing, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
}
