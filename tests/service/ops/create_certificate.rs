//! Creating a certificate, or a version of one.

use strongroom::api::grpc::pb;
use tonic::Code;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::certificates::{
    HOST, OpenSsl, VAULT, certificate, create, create_request, delete, get, issue, issued_by, item, list,
    operation, secret_value, self_signed, start, start_with_permissions, tls_handshake, unknown, version,
    versions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{self, assert_not_permitted, set};
use crate::support::micros;
use crate::vault_keys;

#[tokio::test]
async fn self_signed_certificate_is_issued_with_its_companions() {
    let (server, mut dev) = start().await;
    let request = pb::CreateCertificateRequest {
        tags: [("team".to_owned(), "web".to_owned())].into(),
        ..create_request("Web", self_signed())
    };
    let answer = dev.certificates.create_certificate(request).await;
    assert_audited(&server, metadata(&answer), "CertificateCreate", "OK", "vaults/sample/certificates/Web");
    let made = answer.unwrap().into_inner();
    assert_eq!(made.name, "vaults/sample/certificates/Web/pending");
    assert_eq!(made.issuer.as_ref().unwrap().name, "Self");
    assert!(made.request_id.len() == 32 && !made.cancellation_requested, "{made:?}");
    let openssl = OpenSsl::new();
    openssl.write("csr", &made.csr);
    openssl.run("req -inform DER -in csr -noout -verify");

    let bundle = get(&mut dev, &certificate("web")).await.unwrap();
    let id = version(&bundle.name);
    assert_eq!(bundle.name, format!("vaults/sample/certificates/Web/versions/{id}"));
    assert_eq!(bundle.key, format!("vaults/sample/keys/Web/versions/{id}"));
    assert_eq!(bundle.secret, format!("vaults/sample/secrets/Web/versions/{id}"));
    assert_eq!((bundle.enabled, &bundle.operation), (true, &made.name));
    assert_eq!((bundle.recovery_level.as_str(), bundle.recoverable_days), ("Recoverable+Purgeable", 90));
    assert_eq!(bundle.tags["team"], "web");

    // Judged by other implementations of X.509 and TLS.
    let (_, parsed) = X509Certificate::from_der(&bundle.certificate).unwrap();
    assert_eq!(parsed.subject().to_string(), format!("CN={HOST}"));
    assert_eq!(parsed.issuer(), parsed.subject());
    let validity = parsed.validity();
    assert_eq!(validity.not_before.timestamp() * 1_000_000, micros(bundle.not_before));
    assert_eq!(validity.not_after.timestamp() * 1_000_000, micros(bundle.expires));
    openssl.certificate("web", &bundle.certificate);
    openssl.run("verify -check_ss_sig -CAfile web web");
    let shown = openssl.run("x509 -in web -noout -fingerprint -sha1").replace(':', "");
    let thumbprint: String = bundle.thumbprint.iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(shown.trim().ends_with(&format!("={thumbprint}")), "{shown} {thumbprint}");
    let value = secret_value(&mut dev, "web").await;
    tls_handshake(&value, &bundle.certificate).await;

    // The companion key signs in the token with the key pair of the certificate.
    let mut keys = vault_keys::client(&server, "dev").await;
    let key = vault_keys::get(&mut keys, &bundle.key).await.unwrap();
    assert_eq!((key.kty.as_str(), key.key_ops), ("EC", vec!["sign".to_owned(), "verify".to_owned()]));
    let point = [&[4], &key.key.as_ref().unwrap().x[..], &key.key.as_ref().unwrap().y[..]].concat();
    assert_eq!(parsed.public_key().subject_public_key.data.as_ref(), point);

    // A version without a policy is made by that of the certificate, with another key.
    let again = pb::CreateCertificateRequest { policy: None, ..create_request("WEB", self_signed()) };
    let again = dev.certificates.create_certificate(again).await.unwrap().into_inner();
    assert_ne!(again.request_id, made.request_id);
    let second = get(&mut dev, &certificate("web")).await.unwrap();
    assert_ne!((version(&second.name), &second.thumbprint), (id, &bundle.thumbprint));
    assert!(second.tags.is_empty());
    assert_eq!(versions(&mut dev, "web").await, [item(&bundle), item(&second)]);
    // What was issued before does not change.
    let first = get(&mut dev, &bundle.name).await.unwrap();
    assert_eq!(first, pb::CertificateBundle { policy: second.policy, ..bundle });
}

#[tokio::test]
async fn keys_are_exportable_or_stay_in_the_token() {
    let (server, mut dev) = start().await;
    let mut keys = vault_keys::client(&server, "dev").await;
    for (name, kty, crv, exportable, expected) in [
        ("a", "EC", Some("P-384"), None, true),
        ("b", "EC", Some("P-256"), Some(false), false),
        ("c", "EC-HSM", Some("P-521"), None, false),
        ("d", "RSA", None, Some(false), false),
    ] {
        let crv = crv.map(str::to_owned);
        let key =
            pb::CertificateKeyProperties { kty: Some(kty.to_owned()), crv, exportable, ..Default::default() };
        create(&mut dev, name, pb::CertificatePolicy { key: Some(key), ..self_signed() }).await.unwrap();
        let bundle = get(&mut dev, &certificate(name)).await.unwrap();
        let openssl = OpenSsl::new();
        openssl.certificate("certificate", &bundle.certificate);
        openssl.run("verify -check_ss_sig -CAfile certificate certificate");
        assert_eq!(vault_keys::get(&mut keys, &bundle.key).await.unwrap().kty, kty);
        assert_eq!(bundle.policy.unwrap().key.unwrap().exportable, Some(expected));
        let value = secret_value(&mut dev, name).await;
        assert_eq!(value.contains("PRIVATE KEY"), expected, "{name}");
        openssl.write("pem", value);
        if expected {
            assert_eq!(
                openssl.run("pkey -in pem -pubout"),
                openssl.run("x509 -in certificate -noout -pubkey")
            );
        }
    }
}

#[tokio::test]
async fn request_for_another_issuer_stays_in_progress() {
    let (_server, mut dev) = start().await;
    let made = create(&mut dev, "web", unknown()).await.unwrap();
    assert_eq!((made.status.as_str(), made.target.as_str()), ("inProgress", ""));
    assert!(made.status_details.contains("Please Perform Merge"), "{made:?}");
    let openssl = OpenSsl::new();
    openssl.write("csr", &made.csr);
    let text = openssl.run("req -inform DER -in csr -noout -verify -text");
    assert!(text.contains(&format!("DNS:{HOST}")) && text.contains("Digital Signature"), "{text}");
    // One operation at a time.
    let again = create(&mut dev, "web", unknown()).await;
    assert_grpc_error(again, Code::FailedPrecondition, "CERTIFICATE_PENDING");
    let unissued = get(&mut dev, &certificate("web")).await.unwrap();
    assert!(unissued.certificate.is_empty() && unissued.thumbprint.is_empty() && !unissued.enabled);
    assert_eq!((unissued.key.as_str(), unissued.secret.as_str()), ("", ""));
    assert_eq!(operation(&mut dev, "web").await.unwrap(), made);
}

#[tokio::test]
async fn rejects_invalid_policies_and_creates_nothing() {
    let (_server, mut dev) = start().await;
    let x509 = || self_signed().x509.unwrap();
    let of_x509 = |x509| pb::CertificatePolicy { x509: Some(x509), ..self_signed() };
    let of_key = |key| pb::CertificatePolicy { key: Some(key), ..self_signed() };
    let text = |text: &str| Some(text.to_owned());
    let of_kty = |kty: &str| pb::CertificateKeyProperties { kty: text(kty), ..Default::default() };
    let actions = |action: &str, lifetime_percentage, days_before_expiry| pb::CertificatePolicy {
        lifetime_actions: vec![pb::CertificateLifetimeAction {
            action: action.to_owned(),
            lifetime_percentage,
            days_before_expiry,
        }],
        ..self_signed()
    };
    let names = |dns: &str, ip: &str| {
        let list = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        let sans = pb::CertificateAlternativeNames {
            dns_names: list(dns),
            ip_addresses: list(ip),
            ..Default::default()
        };
        of_x509(pb::X509Properties { sans: Some(sans), ..x509() })
    };
    let ekus = pb::CertificateExtendedKeyUsages { oids: vec!["tls".to_owned()] };
    let usages = pb::CertificateKeyUsages { names: vec!["sign".to_owned()] };
    let twice = pb::CertificateLifetimeAction {
        action: "AutoRenew".to_owned(),
        lifetime_percentage: Some(80),
        days_before_expiry: None,
    };
    for (policy, field) in [
        (of_key(of_kty("DSA")), "policy.key.kty"),
        (
            of_key(pb::CertificateKeyProperties { key_size: Some(1024), ..of_kty("RSA") }),
            "policy.key.key_size",
        ),
        (of_key(pb::CertificateKeyProperties { crv: text("P-255"), ..of_kty("EC") }), "policy.key.crv"),
        (
            of_key(pb::CertificateKeyProperties { exportable: Some(true), ..of_kty("EC-HSM") }),
            "policy.key.exportable",
        ),
        (
            pb::CertificatePolicy {
                secret: Some(pb::CertificateSecretProperties { content_type: text("text/plain") }),
                ..self_signed()
            },
            "policy.secret.content_type",
        ),
        (of_x509(pb::X509Properties { subject: text("www"), ..x509() }), "policy.x509.subject"),
        (pb::CertificatePolicy { x509: None, ..self_signed() }, "policy.x509.subject"),
        (names("a b", ""), "policy.x509.sans.dns_names"),
        (names("", "localhost"), "policy.x509.sans.ip_addresses"),
        (of_x509(pb::X509Properties { ekus: Some(ekus), ..x509() }), "policy.x509.ekus"),
        (of_x509(pb::X509Properties { key_usage: Some(usages), ..x509() }), "policy.x509.key_usage"),
        (of_x509(pb::X509Properties { validity_months: Some(0), ..x509() }), "policy.x509.validity_months"),
        (
            of_x509(pb::X509Properties { validity_months: Some(1201), ..x509() }),
            "policy.x509.validity_months",
        ),
        (actions("Fly", Some(80), None), "policy.lifetime_actions.action"),
        (actions("AutoRenew", None, None), "policy.lifetime_actions"),
        (actions("AutoRenew", Some(80), Some(1)), "policy.lifetime_actions"),
        (actions("AutoRenew", Some(100), None), "policy.lifetime_actions.lifetime_percentage"),
        (actions("AutoRenew", None, Some(12 * 27 + 1)), "policy.lifetime_actions.days_before_expiry"),
        (
            pb::CertificatePolicy { lifetime_actions: vec![twice.clone(), twice], ..self_signed() },
            "policy.lifetime_actions",
        ),
        (pb::CertificatePolicy { issuer: Some(issued_by("a b")), ..self_signed() }, "policy.issuer.name"),
        (pb::CertificatePolicy { issuer: Some(issued_by("")), ..self_signed() }, "policy.issuer.name"),
    ] {
        assert_bad_parameter(create(&mut dev, "web", policy).await, field);
    }
    let valid = || create_request("web", self_signed());
    for (request, field) in [
        (pb::CreateCertificateRequest { certificate_id: "a_b".to_owned(), ..valid() }, "certificate_id"),
        (pb::CreateCertificateRequest { parent: "hsms/local".to_owned(), ..valid() }, "parent"),
        (pb::CreateCertificateRequest { policy: None, ..valid() }, "policy"),
        (pb::CreateCertificateRequest { tags: [(String::new(), "v".to_owned())].into(), ..valid() }, "tags"),
    ] {
        assert_bad_parameter(dev.certificates.create_certificate(request).await, field);
    }
    let missing = pb::CertificatePolicy { issuer: Some(issued_by("acme")), ..self_signed() };
    let missing = create(&mut dev, "web", missing).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_ISSUER_NOT_FOUND");
    assert!(list(&mut dev).await.is_empty());
}

#[tokio::test]
async fn names_of_other_objects_are_reserved() {
    let (_server, mut dev) = start().await;
    set(&mut dev, "own", "a value").await.unwrap();
    let refused = create(&mut dev, "own", self_signed()).await;
    assert_grpc_error(refused, Code::AlreadyExists, "SECRET_EXISTS");
    secrets::delete(&mut dev, "own").await.unwrap();
    let refused = create(&mut dev, "own", self_signed()).await;
    assert_grpc_error(refused, Code::AlreadyExists, "SECRET_DELETED_BUT_RECOVERABLE");
    // The paths of contacts and issuers have these names.
    for name in ["contacts", "Issuers"] {
        assert_bad_parameter(create(&mut dev, name, self_signed()).await, "certificate_id");
    }
    issue(&mut dev, "web").await;
    delete(&mut dev, "web").await.unwrap();
    for name in ["web", "WEB"] {
        let refused = create(&mut dev, name, self_signed()).await;
        assert_grpc_error(refused, Code::AlreadyExists, "CERTIFICATE_DELETED_BUT_RECOVERABLE");
    }
}

#[tokio::test]
async fn requires_permission_and_a_vault() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["create"]).await;
    assert_not_permitted(create(&mut reader, "web", self_signed()).await);
    create(&mut user, "web", self_signed()).await.unwrap();
    assert_not_permitted(get(&mut user, &certificate("web")).await);
    // A vault of the sku standard has no keys that are protected by hardware.
    let kty = Some("EC-HSM".to_owned());
    let key = Some(pb::CertificateKeyProperties { kty, ..Default::default() });
    let refused = create(&mut user, "hsm", pb::CertificatePolicy { key, ..self_signed() }).await;
    assert_bad_parameter(refused, "policy.key.kty");
    let elsewhere = VAULT.replace("sample", "nothing");
    let request = pb::CreateCertificateRequest { parent: elsewhere, ..create_request("web", self_signed()) };
    let refused = dev.certificates.create_certificate(request).await;
    assert_grpc_error(refused, Code::NotFound, "VAULT_NOT_FOUND");
}
