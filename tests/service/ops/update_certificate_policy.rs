//! Updating the policy of a certificate.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    certificate, create_request, get, get_policy, issue, issued_by, start, start_with_permissions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::{Client, micros};

fn request(name: &str, policy: pb::CertificatePolicy, paths: &[&str]) -> pb::UpdateCertificatePolicyRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateCertificatePolicyRequest {
        name: format!("{}/policy", certificate(name)),
        policy: Some(policy),
        update_mask: Some(prost_types::FieldMask { paths }),
    }
}

async fn update(
    client: &mut Client,
    request: pb::UpdateCertificatePolicyRequest,
) -> Result<pb::CertificatePolicy, Status> {
    client.certificates.update_certificate_policy(request).await.map(tonic::Response::into_inner)
}

fn rsa(bits: u32) -> pb::CertificateKeyProperties {
    pb::CertificateKeyProperties { kty: Some("RSA".to_owned()), key_size: Some(bits), ..Default::default() }
}

#[tokio::test]
async fn members_of_the_mask_are_replaced_as_a_whole() {
    let (server, mut dev) = start().await;
    let made = issue(&mut dev, "web").await;
    let known = made.policy.clone().unwrap();
    let ignored = pb::CertificatePolicy {
        key: Some(rsa(4096)),
        issuer: Some(issued_by("Unknown")),
        enabled: Some(false),
        ..Default::default()
    };
    let answer = dev.certificates.update_certificate_policy(request("WEB", ignored, &["key"])).await;
    assert_audited(
        &server,
        metadata(&answer),
        "CertificatePolicyUpdate",
        "OK",
        "vaults/sample/certificates/WEB",
    );
    let changed = answer.unwrap().into_inner();
    let key = pb::CertificateKeyProperties { exportable: Some(true), reuse_key: Some(false), ..rsa(4096) };
    let expected = pb::CertificatePolicy { key: Some(key), updated: changed.updated, ..known.clone() };
    assert_eq!(changed, expected);
    assert!(micros(changed.updated) > micros(known.updated));
    // Existing versions do not change; the next one is made by the new policy.
    assert_eq!(get(&mut dev, &made.name).await.unwrap().certificate, made.certificate);

    let x509 = pb::X509Properties {
        subject: Some("CN=other".to_owned()),
        ekus: Some(pb::CertificateExtendedKeyUsages::default()),
        ..Default::default()
    };
    let action = pb::CertificateLifetimeAction {
        action: "emailcontacts".to_owned(),
        lifetime_percentage: None,
        days_before_expiry: Some(30),
    };
    let all = pb::CertificatePolicy {
        key: None,
        x509: Some(x509),
        lifetime_actions: vec![action],
        issuer: Some(issued_by("unknown")),
        enabled: Some(false),
        ..Default::default()
    };
    let paths = ["key", "secret", "x509", "lifetime_actions", "issuer", "enabled"];
    let changed = update(&mut dev, request("web", all, &paths)).await.unwrap();
    let x509 = changed.x509.clone().unwrap();
    // A list without members is none; what is not given has its default.
    assert_eq!((x509.ekus.unwrap().oids.len(), x509.key_usage.unwrap().names.len()), (0, 2));
    assert!(x509.sans.is_none() && x509.validity_months == Some(12));
    assert_eq!(changed.key.clone().unwrap().key_size, Some(2048));
    assert_eq!(changed.secret.as_ref().unwrap().content_type.as_deref(), Some("application/x-pkcs12"));
    assert_eq!(
        (changed.lifetime_actions[0].action.as_str(), changed.enabled),
        ("EmailContacts", Some(false))
    );
    assert_eq!(changed.issuer.as_ref().unwrap().name, "unknown");
    assert_eq!(get_policy(&mut dev, "web").await.unwrap(), changed);
    let next = pb::CreateCertificateRequest { policy: None, ..create_request("web", Default::default()) };
    let next = dev.certificates.create_certificate(next).await.unwrap().into_inner();
    assert!(next.status_details.contains("Merge"), "{next:?}");
}

#[tokio::test]
async fn rejects_invalid_policies_and_changes_nothing() {
    let (_server, mut dev) = start().await;
    let known = issue(&mut dev, "web").await.policy.unwrap();
    let none = pb::CertificatePolicy::default;
    for (policy, paths, field) in [
        (none(), &[][..], "update_mask"),
        (none(), &["name"], "update_mask"),
        (none(), &["issuer"], "update_mask"),
        (none(), &["enabled"], "update_mask"),
        (none(), &["x509"], "policy.x509.subject"),
        (pb::CertificatePolicy { key: Some(rsa(1024)), ..none() }, &["enabled", "key"], "update_mask"),
        (pb::CertificatePolicy { key: Some(rsa(1024)), ..none() }, &["key"], "policy.key.key_size"),
        (
            pb::CertificatePolicy {
                x509: Some(pb::X509Properties {
                    subject: Some("CN=a".to_owned()),
                    validity_months: Some(1),
                    ..Default::default()
                }),
                lifetime_actions: vec![pb::CertificateLifetimeAction {
                    action: "AutoRenew".to_owned(),
                    days_before_expiry: Some(28),
                    lifetime_percentage: None,
                }],
                ..none()
            },
            &["x509", "lifetime_actions"],
            "policy.lifetime_actions.days_before_expiry",
        ),
    ] {
        assert_bad_parameter(update(&mut dev, request("web", policy, paths)).await, field);
    }
    assert_eq!(get_policy(&mut dev, "web").await.unwrap(), known);
    let missing = update(&mut dev, request("nothing", none(), &["key"])).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    for name in ["", "web", "vaults/sample/certificates/web"] {
        let request =
            pb::UpdateCertificatePolicyRequest { name: name.to_owned(), ..request("web", none(), &["key"]) };
        assert_bad_parameter(update(&mut dev, request).await, "name");
    }
}

#[tokio::test]
async fn requires_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["update"]).await;
    issue(&mut dev, "web").await;
    let policy = || pb::CertificatePolicy { key: Some(rsa(3072)), ..Default::default() };
    assert_not_permitted(update(&mut reader, request("web", policy(), &["key"])).await);
    update(&mut user, request("web", policy(), &["key"])).await.unwrap();
}
