//! Requesting the cancellation of an operation.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    OpenSsl, certificate, create, issue, operation, start, start_with_permissions, unknown,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn cancel(client: &mut Client, name: &str) -> Result<pb::CertificateOperation, Status> {
    let request = pb::CancelCertificateOperationRequest { name: format!("{}/pending", certificate(name)) };
    client.certificates.cancel_certificate_operation(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn cancellation_is_recorded_and_does_not_prevent_merging() {
    let (server, mut dev) = start().await;
    let made = create(&mut dev, "web", unknown()).await.unwrap();
    let request = pb::CancelCertificateOperationRequest { name: made.name.clone() };
    let answer = dev.certificates.cancel_certificate_operation(request).await;
    let target = "vaults/sample/certificates/web/pending";
    assert_audited(&server, metadata(&answer), "CertificatePendingUpdate", "OK", target);
    let cancelled = answer.unwrap().into_inner();
    assert_eq!(cancelled, pb::CertificateOperation { cancellation_requested: true, ..made.clone() });
    assert_eq!(operation(&mut dev, "web").await.unwrap(), cancelled);
    // Again: it may be repeated.
    assert_eq!(cancel(&mut dev, "web").await.unwrap(), cancelled);
    let [leaf, _] = OpenSsl::new().sign(&made.csr);
    let merge =
        pb::MergeCertificateRequest { name: certificate("web"), x5c: vec![leaf], ..Default::default() };
    dev.certificates.merge_certificate(merge).await.unwrap();
    let completed = operation(&mut dev, "web").await.unwrap();
    assert_eq!((completed.status.as_str(), completed.cancellation_requested), ("completed", true));
}

#[tokio::test]
async fn rejects_completed_and_unknown_operations_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["update"]).await;
    let missing = cancel(&mut user, "web").await;
    assert_grpc_error(missing, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
    issue(&mut dev, "web").await;
    let ended = cancel(&mut user, "web").await.unwrap_err();
    assert_eq!(ended.code(), Code::InvalidArgument, "{ended:?}");
    for name in ["", "web", "vaults/sample/certificates/web"] {
        let request = pb::CancelCertificateOperationRequest { name: name.to_owned() };
        assert_bad_parameter(user.certificates.cancel_certificate_operation(request).await, "name");
    }
    create(&mut dev, "pending", unknown()).await.unwrap();
    assert_not_permitted(cancel(&mut reader, "pending").await);
    assert!(!operation(&mut dev, "pending").await.unwrap().cancellation_requested);
    cancel(&mut user, "pending").await.unwrap();
}
