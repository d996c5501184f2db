//! Importing a certificate with its private key.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    OpenSsl, VAULT, certificate, create, delete, get, issue, item, list, secret_value, start,
    start_with_permissions, tls_handshake, unknown, versions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::{Client, days};

/// The password of the PKCS#12 file, which no error may quote.
const PASSWORD: &str = "secret";

fn request(name: &str, value: Vec<u8>, password: &str) -> pb::ImportCertificateRequest {
    pb::ImportCertificateRequest {
        parent: VAULT.to_owned(),
        certificate_id: name.to_owned(),
        value,
        password: password.to_owned(),
        ..Default::default()
    }
}

async fn import(
    client: &mut Client,
    request: pb::ImportCertificateRequest,
) -> Result<pb::CertificateBundle, Status> {
    client.certificates.import_certificate(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn imports_pkcs12_and_pem_with_their_chain() {
    let (server, mut dev) = start().await;
    let openssl = OpenSsl::new();
    openssl.bundle();
    let leaf = openssl.read("leaf.der");
    for (name, file, password, content_type) in
        [("Pfx", "pfx", PASSWORD, "application/x-pkcs12"), ("pem", "pem", "", "application/x-pem-file")]
    {
        let answer = dev.certificates.import_certificate(request(name, openssl.read(file), password)).await;
        assert_audited(&server, metadata(&answer), "CertificateImport", "OK", &certificate(name));
        let made = answer.unwrap().into_inner();
        assert_eq!((&made.certificate, made.operation.as_str(), made.enabled), (&leaf, "", true));
        let policy = made.policy.clone().unwrap();
        assert_eq!(policy.name, format!("{}/policy", certificate(name)));
        let x509 = policy.x509.unwrap();
        assert_eq!(x509.subject.as_deref(), Some("O=Example, S=Some-State, C=AU"));
        assert_eq!((x509.ekus.unwrap().oids, x509.validity_months), (Vec::new(), Some(12)));
        let key = policy.key.unwrap();
        assert_eq!((key.kty.as_deref(), key.crv.as_deref()), (Some("EC"), Some("P-256")));
        assert_eq!((key.exportable, key.reuse_key), (Some(true), Some(false)));
        assert_eq!(policy.secret.unwrap().content_type.as_deref(), Some(content_type));
        assert_eq!(policy.issuer.unwrap().name, "Unknown");
        assert_eq!(policy.lifetime_actions[0].action, "EmailContacts");
        assert_eq!(get(&mut dev, &made.name).await.unwrap(), made);
        // The companion key signs with the imported key.
        let value = secret_value(&mut dev, name).await;
        if file == "pem" {
            openssl.write("again", &value);
        } else {
            use base64::Engine as _;
            let der = base64::engine::general_purpose::STANDARD.decode(value).unwrap();
            openssl.write("again.pfx", der);
            openssl.run("pkcs12 -in again.pfx -passin pass: -nodes -out again");
        }
        assert_eq!(openssl.run("pkey -in again -pubout"), openssl.run("x509 -in leaf -noout -pubkey"));
        let text = String::from_utf8(openssl.read("again")).unwrap();
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "{name}");
        openssl.run("verify -CAfile ca -untrusted again leaf");
    }
    // An import adds a version to a certificate.
    let first = get(&mut dev, &certificate("pem")).await.unwrap();
    let second = import(&mut dev, request("PEM", openssl.read("pem"), "")).await.unwrap();
    assert_eq!(versions(&mut dev, "pem").await, [item(&first), item(&second)]);
}

#[tokio::test]
async fn policy_and_attributes_of_the_request_apply() {
    let (_server, mut dev) = start().await;
    let openssl = OpenSsl::new();
    openssl.bundle();
    let key = pb::CertificateKeyProperties { exportable: Some(false), ..Default::default() };
    let content_type = Some("application/x-pem-file".to_owned());
    let made = import(
        &mut dev,
        pb::ImportCertificateRequest {
            policy: Some(pb::CertificatePolicy {
                key: Some(key),
                secret: Some(pb::CertificateSecretProperties { content_type }),
                ..Default::default()
            }),
            tags: [("team".to_owned(), "web".to_owned())].into(),
            ..request("web", openssl.read("pfx"), PASSWORD)
        },
    );
    let made = made.await.unwrap();
    assert_eq!(made.tags["team"], "web");
    let value = secret_value(&mut dev, "web").await;
    assert!(!value.contains("PRIVATE KEY") && value.matches("BEGIN CERTIFICATE").count() == 2);
    let disabled = pb::ImportCertificateRequest {
        attributes: Some(pb::CertificateAttributes { enabled: Some(false) }),
        ..request("disabled", openssl.read("pem"), "")
    };
    assert!(!import(&mut dev, disabled).await.unwrap().enabled);
    let refused = crate::secrets::get(&mut dev, "vaults/sample/secrets/disabled").await;
    assert_grpc_error(refused, Code::FailedPrecondition, "SECRET_DISABLED");
}

#[tokio::test]
async fn imported_bundle_serves_tls() {
    let (_server, mut dev) = start().await;
    let openssl = OpenSsl::new();
    openssl.authority();
    openssl.run("ecparam -name prime256v1 -genkey -noout -out sec1.key");
    openssl.run("pkcs8 -topk8 -nocrypt -in sec1.key -out key");
    openssl.run("req -new -key key -subj /CN=web -addext subjectAltName=DNS:www.example.com -out csr");
    openssl
        .run("x509 -req -in csr -CA ca -CAkey ca.key -CAcreateserial -days 9 -copy_extensions copy -out web");
    let pem = [openssl.read("web"), openssl.read("key"), openssl.read("ca")].concat();
    import(&mut dev, request("web", pem, "")).await.unwrap();
    tls_handshake(&secret_value(&mut dev, "web").await, &openssl.read("ca.der")).await;
}

#[tokio::test]
async fn rejects_invalid_files_and_imports_nothing() {
    let (_server, mut dev) = start().await;
    let openssl = OpenSsl::new();
    openssl.bundle();
    let read = |files: &[&str]| -> Vec<u8> { files.iter().flat_map(|file| openssl.read(file)).collect() };
    for (value, password) in [
        (Vec::new(), ""),
        (read(&["leaf"]), ""),
        (read(&["leaf.key", "ca"]), ""),
        (openssl.read("pfx"), "hunter2"),
        (openssl.read("pfx")[..500].to_vec(), PASSWORD),
        (b"-----BEGIN CERTIFICATE-----\nMII".to_vec(), ""),
    ] {
        let refused = import(&mut dev, request("web", value, password)).await;
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
        assert_bad_parameter(refused, "value");
    }
    let valid = || request("web", openssl.read("pem"), "");
    for (request, field) in [
        (pb::ImportCertificateRequest { certificate_id: String::new(), ..valid() }, "certificate_id"),
        (pb::ImportCertificateRequest { parent: "hsms/local".to_owned(), ..valid() }, "parent"),
        (pb::ImportCertificateRequest { tags: [(String::new(), "v".to_owned())].into(), ..valid() }, "tags"),
    ] {
        assert_bad_parameter(import(&mut dev, request).await, field);
    }
    // A certificate that has expired on the clock of the service.
    dev.clock.advance_clock(days(366)).await.unwrap();
    let expired = import(&mut dev, valid()).await;
    assert!(format!("{expired:?}").contains("has expired"), "{expired:?}");
    assert_bad_parameter(expired, "value");
    assert!(list(&mut dev).await.is_empty());
}

#[tokio::test]
async fn requires_permission_and_a_free_name() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["import"]).await;
    let openssl = OpenSsl::new();
    openssl.bundle();
    let request = |name: &str| request(name, openssl.read("pem"), "");
    assert_not_permitted(import(&mut reader, request("web")).await);
    import(&mut user, request("web")).await.unwrap();
    create(&mut dev, "pending", unknown()).await.unwrap();
    let refused = import(&mut user, request("pending")).await;
    assert_grpc_error(refused, Code::FailedPrecondition, "CERTIFICATE_PENDING");
    issue(&mut dev, "gone").await;
    delete(&mut dev, "gone").await.unwrap();
    let refused = import(&mut user, request("gone")).await;
    assert_grpc_error(refused, Code::AlreadyExists, "CERTIFICATE_DELETED_BUT_RECOVERABLE");
}
