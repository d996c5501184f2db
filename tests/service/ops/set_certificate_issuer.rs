//! Creating and replacing an issuer of certificates.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    certificate, create, get, get_issuer, issue, issued_by, issuer_request, self_signed, set_issuer, start,
    start_with_permissions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::{Client, micros};

async fn set(
    client: &mut Client,
    request: pb::SetCertificateIssuerRequest,
) -> Result<pb::CertificateIssuer, Status> {
    client.certificates.set_certificate_issuer(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn issuer_is_created_and_replaced_as_a_whole() {
    let (mut server, mut dev) = start().await;
    let answer = dev.certificates.set_certificate_issuer(issuer_request("Acme")).await;
    assert_audited(&server, metadata(&answer), "CertificateIssuerSet", "OK", "vaults/sample/certificates");
    let made = answer.unwrap().into_inner();
    let expected = pb::CertificateIssuer {
        name: "vaults/sample/issuers/Acme".to_owned(),
        enabled: Some(true),
        created: made.created,
        updated: made.created,
        ..issuer_request("Acme").issuer.unwrap()
    };
    assert_eq!(made, expected);
    assert!(made.created.is_some());
    server.restart();
    dev = server.client("dev").await;
    assert_eq!(get_issuer(&mut dev, "ACME").await.unwrap(), made);
    let other = pb::CertificateIssuer {
        provider: "GlobalSign".to_owned(),
        enabled: Some(false),
        ..Default::default()
    };
    let request = pb::SetCertificateIssuerRequest { issuer: Some(other.clone()), ..issuer_request("ACME") };
    let replaced = set(&mut dev, request).await.unwrap();
    let expected =
        pb::CertificateIssuer { name: made.name, created: made.created, updated: replaced.updated, ..other };
    assert_eq!(replaced, expected);
    assert!(micros(replaced.updated) > micros(made.updated));
}

#[tokio::test]
async fn certificates_name_an_enabled_issuer() {
    let (_server, mut dev) = start().await;
    let named = || pb::CertificatePolicy { issuer: Some(issued_by("ACME")), ..self_signed() };
    let missing = create(&mut dev, "web", named()).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_ISSUER_NOT_FOUND");
    let disabled = pb::CertificateIssuer { enabled: Some(false), ..issuer_request("acme").issuer.unwrap() };
    let disabled = pb::SetCertificateIssuerRequest { issuer: Some(disabled), ..issuer_request("acme") };
    set(&mut dev, disabled).await.unwrap();
    assert_bad_parameter(create(&mut dev, "web", named()).await, "policy.issuer.name");
    set_issuer(&mut dev, "acme").await;
    let operation = create(&mut dev, "web", named()).await.unwrap();
    assert_eq!(operation.issuer.unwrap().name, "ACME");
    issue(&mut dev, "other").await;
    assert!(get(&mut dev, &certificate("web")).await.unwrap().certificate.is_empty());
}

#[tokio::test]
async fn rejects_invalid_issuers_and_missing_permission() {
    let (_server, [_, mut user, mut reader]) = start_with_permissions(&["setissuers"]).await;
    let valid = || issuer_request("acme").issuer.unwrap();
    for issuer in [
        None,
        Some(pb::CertificateIssuer { provider: String::new(), ..valid() }),
        Some(pb::CertificateIssuer { account_id: Some("x".repeat(1025)), ..valid() }),
        Some(pb::CertificateIssuer {
            administrators: vec![pb::IssuerAdministrator::default(); 101],
            ..valid()
        }),
    ] {
        let request = pb::SetCertificateIssuerRequest { issuer, ..issuer_request("acme") };
        assert_bad_parameter(set(&mut user, request).await, "issuer");
    }
    for id in ["", "a b", "Self", "unknown"] {
        assert_bad_parameter(set(&mut user, issuer_request(id)).await, "issuer_id");
    }
    let request = pb::SetCertificateIssuerRequest {
        parent: "vaults/sample/issuers".to_owned(),
        ..issuer_request("acme")
    };
    assert_bad_parameter(set(&mut user, request).await, "parent");
    assert_not_permitted(set(&mut reader, issuer_request("acme")).await);
    set(&mut user, issuer_request("acme")).await.unwrap();
}
