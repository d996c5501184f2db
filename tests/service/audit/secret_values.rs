//! Calls that carry the value of a secret, or a private key and its password, for the test that no secret leaks.

use prost::Message as _;
use strongroom::api::grpc::pb;

use crate::certificates::{self, OpenSsl};
use crate::raw;
use crate::secrets::{create_vault, delete, enable_request, get, purge, recover, secret, set, set_request};
use crate::support::{Client, Server};

/// The value of a secret.
pub(super) const VALUE: &str = "value-of-a-secret-5b1d07-of-a-caller";

/// Stores, reads, updates, backs up and deletes a secret, and makes calls with its value that fail.
pub(super) async fn use_secrets(server: &Server, dev: &mut Client) {
    let policies = vec![certificates::every_permission(server, "dev")];
    create_vault(server, dev, |vault| vault.access_policies = policies).await;
    for name in ["kept", "purged", "deleted"] {
        set(dev, name, VALUE).await.unwrap();
        assert_eq!(get(dev, &secret(name)).await.unwrap().value.as_deref(), Some(VALUE));
    }
    let request = pb::BackupSecretRequest { name: secret("purged") };
    let backup = dev.secrets.backup_secret(request).await.unwrap().into_inner().backup;
    for name in ["purged", "deleted"] {
        delete(dev, name).await.unwrap();
    }
    purge(dev, "purged").await.unwrap();
    let request = pb::RestoreSecretRequest { parent: "vaults/sample".to_owned(), backup: backup.clone() };
    dev.secrets.restore_secret(request.clone()).await.unwrap();
    recover(dev, "deleted").await.unwrap();
    dev.secrets.update_secret_version(enable_request(&secret("kept"), false)).await.unwrap();

    // Failing calls: a disabled secret, an existing name, invalid arguments, no permission, no vault, no message.
    get(dev, &secret("kept")).await.unwrap_err();
    dev.secrets.restore_secret(request).await.unwrap_err();
    let valid = || set_request("kept", VALUE);
    let attributes = Some(pb::SecretAttributes {
        enabled: None,
        not_before: Some(prost_types::Timestamp { seconds: 2, nanos: 0 }),
        expires: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
    });
    for request in [
        pb::SetSecretRequest { secret_id: "a_b".to_owned(), ..valid() },
        pb::SetSecretRequest { parent: "vaults/nothing".to_owned(), ..valid() },
        pb::SetSecretRequest { value: Some(VALUE.repeat(1_000)), ..valid() },
        pb::SetSecretRequest { content_type: "x".repeat(256), ..valid() },
        pb::SetSecretRequest { attributes, ..valid() },
    ] {
        let status = dev.secrets.set_secret(request).await.unwrap_err();
        assert!(!format!("{status:?}").contains(VALUE), "{status:?}");
    }
    set(&mut server.client("nobody").await, "kept", VALUE).await.unwrap_err();
    let channel = server.channel().await;
    let authorization = format!("Bearer {}", server.access_tokens("dev").await.vault);
    let broken = [valid().encode_to_vec(), vec![0xff]].concat();
    let path = "/strongroom.v1.SecretService/SetSecret";
    for headers in [&[("authorization", authorization.as_str())][..], &[]] {
        raw::send(&channel, path, headers, raw::frame(&broken)).await;
    }
}

/// The password of an imported file, in calls that succeed and fail.
pub(super) const PASSWORD: &str = "password-of-a-file-7e2109";

/// Imports a private key in the vault that [`use_secrets`] creates, and makes calls with it that fail. Returns the private key: its
/// number, and a line of its PEM.
pub(super) async fn use_certificates(server: &Server, dev: &mut Client) -> [Vec<u8>; 2] {
    let openssl = OpenSsl::new();
    openssl.bundle();
    openssl.run(&format!("pkcs12 -export -inkey leaf.key -in leaf -passout pass:{PASSWORD} -out pfx"));
    let (pfx, pem) = (openssl.read("pfx"), openssl.read("pem"));
    let request = |name: &str, value: &[u8]| pb::ImportCertificateRequest {
        parent: "vaults/sample".to_owned(),
        certificate_id: name.to_owned(),
        value: value.to_owned(),
        password: PASSWORD.to_owned(),
        ..Default::default()
    };
    for (name, value) in [("pfx", &pfx), ("pem", &pem)] {
        dev.certificates.import_certificate(request(name, value)).await.unwrap();
        certificates::secret_value(dev, name).await;
    }
    for failing in [
        request("a_b", &pem),
        pb::ImportCertificateRequest { parent: "vaults/nothing".to_owned(), ..request("web", &pem) },
        pb::ImportCertificateRequest { password: PASSWORD.repeat(2), ..request("web", &pfx) },
        request("web", &pem[..pem.len() - 40]),
        request("kept", &pem),
    ] {
        dev.certificates.import_certificate(failing).await.unwrap_err();
    }
    server.client("nobody").await.certificates.import_certificate(request("web", &pem)).await.unwrap_err();
    let channel = server.channel().await;
    let authorization = format!("Bearer {}", server.access_tokens("dev").await.vault);
    let broken = [request("web", &pem).encode_to_vec(), vec![0xff]].concat();
    let path = "/strongroom.v1.CertificateService/ImportCertificate";
    raw::send(&channel, path, &[("authorization", &authorization)], raw::frame(&broken)).await;
    openssl.run("pkcs8 -topk8 -nocrypt -in leaf.key -outform DER -out leaf.key.der");
    let der = openssl.read("leaf.key.der");
    // The version and the octet string of `ECPrivateKey` (RFC 5915).
    let at = der.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap() + 5;
    let text = String::from_utf8(openssl.read("leaf.key")).unwrap();
    [der[at..at + 32].to_vec(), text.lines().nth(1).unwrap().as_bytes().to_vec()]
}
