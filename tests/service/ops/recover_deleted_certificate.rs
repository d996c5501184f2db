//! Recovering a deleted certificate with its companions.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::certificates::{
    create, delete, deleted_certificate, get, issue, item, list_deleted, operation, recover, secret_value,
    start, start_with_permissions, unknown, versions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::vault_keys;

#[tokio::test]
async fn recovers_all_versions_with_their_companions() {
    let (mut server, mut dev) = start().await;
    let one = issue(&mut dev, "web").await;
    let two = issue(&mut dev, "web").await;
    let value = secret_value(&mut dev, "web").await;
    delete(&mut dev, "web").await.unwrap();
    server.restart();
    dev = server.client("dev").await;
    let request = pb::RecoverDeletedCertificateRequest { name: deleted_certificate("WEB") };
    let answer = dev.certificates.recover_deleted_certificate(request).await;
    let target = "vaults/sample/deletedCertificates/WEB";
    assert_audited(&server, metadata(&answer), "CertificateRecover", "OK", target);
    assert_eq!(answer.unwrap().into_inner(), two);
    assert_eq!(versions(&mut dev, "web").await, [item(&one), item(&two)]);
    assert_eq!(get(&mut dev, &one.name).await.unwrap().certificate, one.certificate);
    assert_eq!(secret_value(&mut dev, "web").await, value);
    let mut keys = vault_keys::client(&server, "dev").await;
    let sign = pb::SignRequest { name: one.key, algorithm: "ES256".to_owned(), digest: vec![1; 32] };
    keys.crypto.sign(sign).await.unwrap();
    assert!(list_deleted(&mut dev).await.is_empty());
    assert_grpc_error(recover(&mut dev, "web").await, Code::NotFound, "DELETED_CERTIFICATE_NOT_FOUND");
    issue(&mut dev, "web").await;
    assert_eq!(versions(&mut dev, "web").await.len(), 3);
}

#[tokio::test]
async fn operation_in_progress_is_recovered() {
    let (_server, mut dev) = start().await;
    let made = create(&mut dev, "web", unknown()).await.unwrap();
    delete(&mut dev, "web").await.unwrap();
    recover(&mut dev, "web").await.unwrap();
    assert_eq!(operation(&mut dev, "web").await.unwrap(), made);
}

#[tokio::test]
async fn rejects_live_and_unknown_certificates_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["recover"]).await;
    for name in ["live", "gone"] {
        issue(&mut dev, name).await;
    }
    delete(&mut dev, "gone").await.unwrap();
    for name in ["live", "nothing"] {
        assert_grpc_error(recover(&mut user, name).await, Code::NotFound, "DELETED_CERTIFICATE_NOT_FOUND");
        assert_not_permitted(recover(&mut reader, name).await);
    }
    for name in ["", "gone", "vaults/sample/certificates/gone"] {
        let request = pb::RecoverDeletedCertificateRequest { name: name.to_owned() };
        assert_bad_parameter(user.certificates.recover_deleted_certificate(request).await, "name");
    }
    assert_not_permitted(recover(&mut reader, "gone").await);
    recover(&mut user, "gone").await.unwrap();
}
