//! Deleting an issuer of certificates.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    contacts, contacts_request, create, get_issuer, issued_by, operation, self_signed, set_issuer, start,
    start_with_permissions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn delete(client: &mut Client, name: &str) -> Result<pb::CertificateIssuer, Status> {
    let request = pb::DeleteCertificateIssuerRequest { name: name.to_owned() };
    client.certificates.delete_certificate_issuer(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn deletion_returns_the_issuer_and_keeps_the_rest() {
    let (server, mut dev) = start().await;
    let made = set_issuer(&mut dev, "Acme").await;
    let other = set_issuer(&mut dev, "other").await;
    dev.certificates.set_certificate_contacts(contacts_request()).await.unwrap();
    let named = || pb::CertificatePolicy { issuer: Some(issued_by("acme")), ..self_signed() };
    let pending = create(&mut dev, "web", named()).await.unwrap();
    let request = pb::DeleteCertificateIssuerRequest { name: "vaults/sample/issuers/ACME".to_owned() };
    let answer = dev.certificates.delete_certificate_issuer(request).await;
    assert_audited(&server, metadata(&answer), "CertificateIssuerDelete", "OK", "vaults/sample/certificates");
    assert_eq!(answer.unwrap().into_inner(), made);
    for missing in [get_issuer(&mut dev, "acme").await, delete(&mut dev, "vaults/sample/issuers/acme").await]
    {
        assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_ISSUER_NOT_FOUND");
    }
    assert_eq!(get_issuer(&mut dev, "other").await.unwrap(), other);
    assert_eq!(contacts(&mut dev).await.unwrap().contacts, contacts_request().contacts);
    assert_eq!(operation(&mut dev, "web").await.unwrap(), pending);
    let missing = create(&mut dev, "next", named()).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_ISSUER_NOT_FOUND");
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["deleteissuers"]).await;
    set_issuer(&mut dev, "acme").await;
    for name in ["", "acme", "vaults/sample/issuers", "vaults/sample/certificates/acme"] {
        assert_bad_parameter(delete(&mut user, name).await, "name");
    }
    assert_not_permitted(delete(&mut reader, "vaults/sample/issuers/acme").await);
    delete(&mut user, "vaults/sample/issuers/acme").await.unwrap();
}
