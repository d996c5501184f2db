//! Reading the policy of a certificate.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::certificates::{
    HOST, certificate, create, delete, get, get_policy, issue, start, start_with_permissions, unknown,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;

#[tokio::test]
async fn returns_the_policy_with_its_defaults() {
    let (server, mut dev) = start().await;
    let made = issue(&mut dev, "Web").await;
    let request =
        pb::GetCertificatePolicyRequest { name: "vaults/sample/certificates/web/policy".to_owned() };
    let answer = dev.certificates.get_certificate_policy(request).await;
    assert_audited(
        &server,
        metadata(&answer),
        "CertificatePolicyGet",
        "OK",
        "vaults/sample/certificates/web",
    );
    let policy = answer.unwrap().into_inner();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let expected = pb::CertificatePolicy {
        name: "vaults/sample/certificates/Web/policy".to_owned(),
        key: Some(pb::CertificateKeyProperties {
            kty: Some("EC".to_owned()),
            key_size: Some(256),
            crv: Some("P-256".to_owned()),
            exportable: Some(true),
            reuse_key: Some(false),
        }),
        secret: Some(pb::CertificateSecretProperties {
            content_type: Some("application/x-pem-file".to_owned()),
        }),
        x509: Some(pb::X509Properties {
            subject: Some(format!("CN={HOST}")),
            sans: Some(pb::CertificateAlternativeNames { dns_names: texts(&[HOST]), ..Default::default() }),
            ekus: Some(pb::CertificateExtendedKeyUsages {
                oids: texts(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]),
            }),
            key_usage: Some(pb::CertificateKeyUsages {
                names: texts(&["digitalSignature", "keyEncipherment"]),
            }),
            validity_months: Some(12),
            ca: false,
        }),
        lifetime_actions: vec![pb::CertificateLifetimeAction {
            action: "AutoRenew".to_owned(),
            lifetime_percentage: Some(80),
            days_before_expiry: None,
        }],
        issuer: Some(pb::CertificateIssuerParameters { name: "Self".to_owned(), ..Default::default() }),
        enabled: Some(true),
        created: policy.created,
        updated: policy.created,
    };
    assert_eq!(policy, expected);
    assert!(policy.created.is_some());
    assert_eq!(made.policy, Some(policy));
    // A certificate that is not issued has a policy.
    create(&mut dev, "pending", unknown()).await.unwrap();
    let policy = get_policy(&mut dev, "pending").await.unwrap();
    assert_eq!(policy.lifetime_actions[0].action, "EmailContacts");
    assert_eq!(get(&mut dev, &certificate("pending")).await.unwrap().policy, Some(policy));
}

#[tokio::test]
async fn rejects_invalid_and_unknown_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["get"]).await;
    issue(&mut dev, "web").await;
    get_policy(&mut user, "web").await.unwrap();
    for name in ["web", "nothing"] {
        assert_not_permitted(get_policy(&mut reader, name).await);
    }
    for name in ["", "web", "vaults/sample/certificates/web", "vaults/sample/certificates/web/pending"] {
        let request = pb::GetCertificatePolicyRequest { name: name.to_owned() };
        assert_bad_parameter(user.certificates.get_certificate_policy(request).await, "name");
    }
    delete(&mut dev, "web").await.unwrap();
    for name in ["web", "nothing"] {
        assert_grpc_error(get_policy(&mut user, name).await, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    }
}
