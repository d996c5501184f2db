//! Deleting the operation that creates a version of a certificate.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::certificates::{
    certificate, create, delete_operation, get, issue, operation, secret_value, start,
    start_with_permissions, unknown,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;

#[tokio::test]
async fn deleted_operation_makes_place_for_another() {
    let (server, mut dev) = start().await;
    let made = create(&mut dev, "web", unknown()).await.unwrap();
    let request = pb::DeleteCertificateOperationRequest { name: made.name.clone() };
    let answer = dev.certificates.delete_certificate_operation(request).await;
    let target = "vaults/sample/certificates/web/pending";
    assert_audited(&server, metadata(&answer), "CertificatePendingDelete", "OK", target);
    assert_eq!(answer.unwrap().into_inner(), made);
    for missing in [operation(&mut dev, "web").await, delete_operation(&mut dev, "web").await] {
        assert_grpc_error(missing, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
    }
    // The certificate remains, without a version.
    let known = get(&mut dev, &certificate("web")).await.unwrap();
    assert!(known.certificate.is_empty() && known.operation.is_empty(), "{known:?}");
    let next = create(&mut dev, "web", unknown()).await.unwrap();
    assert_ne!((&next.request_id, &next.csr), (&made.request_id, &made.csr));
}

#[tokio::test]
async fn version_of_a_completed_operation_remains() {
    let (_server, mut dev) = start().await;
    let made = issue(&mut dev, "web").await;
    let deleted = delete_operation(&mut dev, "web").await.unwrap();
    assert_eq!(deleted.status, "completed");
    let found = get(&mut dev, &certificate("web")).await.unwrap();
    assert_eq!(found, pb::CertificateBundle { operation: String::new(), ..made });
    assert!(secret_value(&mut dev, "web").await.contains("PRIVATE KEY"));
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["update"]).await;
    create(&mut dev, "web", unknown()).await.unwrap();
    for name in ["", "web", "vaults/sample/certificates/web"] {
        let request = pb::DeleteCertificateOperationRequest { name: name.to_owned() };
        assert_bad_parameter(user.certificates.delete_certificate_operation(request).await, "name");
    }
    for name in ["web", "nothing"] {
        assert_not_permitted(delete_operation(&mut reader, name).await);
    }
    delete_operation(&mut user, "web").await.unwrap();
}
