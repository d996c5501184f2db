//! Reading an issuer of certificates.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::certificates::{get_issuer, set_issuer, start, start_with_permissions};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;

#[tokio::test]
async fn returns_what_was_set() {
    let (server, mut dev) = start().await;
    let made = set_issuer(&mut dev, "acme").await;
    let request = pb::GetCertificateIssuerRequest { name: "vaults/sample/issuers/ACME".to_owned() };
    let answer = dev.certificates.get_certificate_issuer(request).await;
    assert_audited(&server, metadata(&answer), "CertificateIssuerGet", "OK", "vaults/sample/certificates");
    assert_eq!(answer.unwrap().into_inner(), made);
}

#[tokio::test]
async fn rejects_invalid_and_unknown_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["getissuers"]).await;
    set_issuer(&mut dev, "acme").await;
    assert_grpc_error(get_issuer(&mut user, "other").await, Code::NotFound, "CERTIFICATE_ISSUER_NOT_FOUND");
    for name in ["", "acme", "vaults/sample/issuers/a b", "vaults/sample/certificates/acme"] {
        let request = pb::GetCertificateIssuerRequest { name: name.to_owned() };
        assert_bad_parameter(user.certificates.get_certificate_issuer(request).await, "name");
    }
    assert_not_permitted(get_issuer(&mut reader, "acme").await);
    get_issuer(&mut user, "acme").await.unwrap();
}
