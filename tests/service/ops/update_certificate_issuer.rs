//! Updating an issuer of certificates.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{get_issuer, set_issuer, start, start_with_permissions};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::{Client, micros};

fn request(name: &str, issuer: pb::CertificateIssuer, paths: &[&str]) -> pb::UpdateCertificateIssuerRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateCertificateIssuerRequest {
        name: format!("vaults/sample/issuers/{name}"),
        issuer: Some(issuer),
        update_mask: Some(prost_types::FieldMask { paths }),
    }
}

async fn update(
    client: &mut Client,
    request: pb::UpdateCertificateIssuerRequest,
) -> Result<pb::CertificateIssuer, Status> {
    client.certificates.update_certificate_issuer(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn update_changes_only_the_fields_of_the_mask() {
    let (server, mut dev) = start().await;
    let made = set_issuer(&mut dev, "acme").await;
    let change = pb::CertificateIssuer {
        provider: "GlobalSign".to_owned(),
        account_id: Some("you".to_owned()),
        organization_id: Some("them".to_owned()),
        administrators: Vec::new(),
        enabled: Some(false),
        ..Default::default()
    };
    let answer =
        dev.certificates.update_certificate_issuer(request("ACME", change.clone(), &["enabled"])).await;
    assert_audited(&server, metadata(&answer), "CertificateIssuerUpdate", "OK", "vaults/sample/certificates");
    let disabled = answer.unwrap().into_inner();
    let expected = pb::CertificateIssuer { enabled: Some(false), updated: disabled.updated, ..made.clone() };
    assert_eq!(disabled, expected);
    assert!(micros(disabled.updated) > micros(made.updated));
    let all = ["provider", "account_id", "organization_id", "administrators", "enabled"];
    let changed = update(&mut dev, request("acme", change.clone(), &all)).await.unwrap();
    let expected =
        pb::CertificateIssuer { name: made.name, created: made.created, updated: changed.updated, ..change };
    assert_eq!(changed, expected);
    assert_eq!(get_issuer(&mut dev, "acme").await.unwrap(), changed);
}

#[tokio::test]
async fn rejects_invalid_updates_and_changes_nothing() {
    let (_server, mut dev) = start().await;
    let made = set_issuer(&mut dev, "acme").await;
    let none = pb::CertificateIssuer::default;
    for (issuer, paths, field) in [
        (none(), &[][..], "update_mask"),
        (none(), &["name"], "update_mask"),
        (none(), &["enabled"], "update_mask"),
        (none(), &["provider"], "issuer"),
        (pb::CertificateIssuer { account_id: Some("\0".to_owned()), ..none() }, &["account_id"], "issuer"),
    ] {
        assert_bad_parameter(update(&mut dev, request("acme", issuer, paths)).await, field);
    }
    for name in ["", "acme", "vaults/sample"] {
        let request = pb::UpdateCertificateIssuerRequest {
            name: name.to_owned(),
            ..request("acme", none(), &["account_id"])
        };
        assert_bad_parameter(update(&mut dev, request).await, "name");
    }
    let missing = update(&mut dev, request("other", none(), &["account_id"])).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_ISSUER_NOT_FOUND");
    assert_eq!(get_issuer(&mut dev, "acme").await.unwrap(), made);
}

#[tokio::test]
async fn requires_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["setissuers"]).await;
    set_issuer(&mut dev, "acme").await;
    let change = || pb::CertificateIssuer { enabled: Some(false), ..Default::default() };
    assert_not_permitted(update(&mut reader, request("acme", change(), &["enabled"])).await);
    update(&mut user, request("acme", change(), &["enabled"])).await.unwrap();
}
