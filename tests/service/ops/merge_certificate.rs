//! Merging the certificate that an issuer made for a request.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    OpenSsl, certificate, create, get, issue, issued_by, operation, secret_value, self_signed, set_issuer,
    start, start_with_permissions, tls_handshake, unknown, version,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::{Client, error_metadata};

fn request(name: &str, x5c: &[&[u8]]) -> pb::MergeCertificateRequest {
    let x5c = x5c.iter().map(|der| der.to_vec()).collect();
    pb::MergeCertificateRequest { name: certificate(name), x5c, ..Default::default() }
}

async fn merge(client: &mut Client, name: &str, x5c: &[&[u8]]) -> Result<pb::CertificateBundle, Status> {
    client.certificates.merge_certificate(request(name, x5c)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn signed_request_becomes_a_version_that_serves_tls() {
    let (mut server, mut dev) = start().await;
    let pending = pb::CreateCertificateRequest {
        tags: [("team".to_owned(), "web".to_owned())].into(),
        ..crate::certificates::create_request("Web", unknown())
    };
    let pending = dev.certificates.create_certificate(pending).await.unwrap().into_inner();
    let unissued = get(&mut dev, &certificate("web")).await.unwrap();
    // The key of an operation in progress survives a restart.
    server.restart();
    dev = server.client("dev").await;
    let openssl = OpenSsl::new();
    let [leaf, ca] = openssl.sign(&pending.csr);
    // The issuer first: the order of the result is that of the chain.
    let answer = dev.certificates.merge_certificate(request("web", &[&ca, &leaf])).await;
    let target = "vaults/sample/certificates/web/pending";
    assert_audited(&server, metadata(&answer), "CertificatePendingMerge", "OK", target);
    let merged = answer.unwrap().into_inner();
    assert_eq!((&merged.certificate, merged.enabled), (&leaf, true));
    assert_eq!(merged.tags["team"], "web");
    assert_eq!(version(&merged.name), version(&unissued.name));
    assert_eq!(get(&mut dev, &certificate("web")).await.unwrap(), merged);
    let completed = operation(&mut dev, "web").await.unwrap();
    assert_eq!((completed.status.as_str(), completed.target), ("completed", certificate("Web")));
    assert_eq!((completed.request_id, completed.status_details.as_str()), (pending.request_id, ""));
    tls_handshake(&secret_value(&mut dev, "web").await, &ca).await;
    // Only once.
    let again = merge(&mut dev, "web", &[&leaf]).await;
    assert_grpc_error(again, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
}

#[tokio::test]
async fn private_key_that_is_not_exportable_is_never_in_the_secret() {
    let (_server, mut dev) = start().await;
    let key = pb::CertificateKeyProperties {
        kty: Some("EC".to_owned()),
        exportable: Some(false),
        ..Default::default()
    };
    let pending =
        create(&mut dev, "web", pb::CertificatePolicy { key: Some(key), ..unknown() }).await.unwrap();
    let [leaf, ca] = OpenSsl::new().sign(&pending.csr);
    let request = pb::MergeCertificateRequest {
        attributes: Some(pb::CertificateAttributes { enabled: Some(true) }),
        tags: [("a".to_owned(), "b".to_owned())].into(),
        ..request("web", &[&leaf, &ca])
    };
    let merged = dev.certificates.merge_certificate(request).await.unwrap().into_inner();
    assert_eq!(merged.tags["a"], "b");
    let value = secret_value(&mut dev, "web").await;
    assert!(!value.contains("PRIVATE KEY") && value.matches("BEGIN CERTIFICATE").count() == 2);
}

#[tokio::test]
async fn rejects_other_certificates_and_changes_nothing() {
    let (_server, mut dev) = start().await;
    let pending = create(&mut dev, "web", unknown()).await.unwrap();
    let other = create(&mut dev, "other", unknown()).await.unwrap();
    let [leaf, ca] = OpenSsl::new().sign(&other.csr);
    let many: Vec<&[u8]> = vec![&leaf; 51];
    for x5c in [vec![], vec![&b"x"[..]], vec![&leaf[..]], vec![&ca[..]], vec![&pending.csr[..]], many] {
        assert_bad_parameter(merge(&mut dev, "web", &x5c).await, "x5c");
    }
    for name in ["", "web", "vaults/sample/certificates/web/pending"] {
        let request = pb::MergeCertificateRequest { name: name.to_owned(), ..request("web", &[&leaf]) };
        assert_bad_parameter(dev.certificates.merge_certificate(request).await, "name");
    }
    assert_eq!(operation(&mut dev, "web").await.unwrap(), pending);
    assert!(get(&mut dev, &certificate("web")).await.unwrap().certificate.is_empty());
    merge(&mut dev, "other", &[&leaf]).await.unwrap();
}

#[tokio::test]
async fn requires_permission_and_an_operation_for_merging() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["create"]).await;
    let pending = create(&mut dev, "web", unknown()).await.unwrap();
    let [leaf, _] = OpenSsl::new().sign(&pending.csr);
    assert_not_permitted(merge(&mut reader, "web", &[&leaf]).await);
    let missing = merge(&mut user, "nothing", &[&leaf]).await;
    assert_grpc_error(missing, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
    issue(&mut dev, "self").await;
    let missing = merge(&mut user, "self", &[&leaf]).await;
    assert_grpc_error(missing, Code::NotFound, "PENDING_CERTIFICATE_NOT_FOUND");
    set_issuer(&mut dev, "acme").await;
    let named = pb::CertificatePolicy { issuer: Some(issued_by("acme")), ..self_signed() };
    create(&mut dev, "named", named).await.unwrap();
    let refused = merge(&mut user, "named", &[&leaf]).await;
    let status = assert_grpc_error(refused, Code::FailedPrecondition, "CERTIFICATE_MERGE_FORBIDDEN");
    assert_eq!(error_metadata(&status, "issuer"), "acme");
    merge(&mut user, "web", &[&leaf]).await.unwrap();
}
