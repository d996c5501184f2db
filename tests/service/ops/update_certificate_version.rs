//! Updating a certificate version together with its companions.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    OpenSsl, VAULT, certificate, create, delete, enable_request, get, issue, start, start_with_permissions,
    unknown,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{self, assert_not_permitted};
use crate::support::{Client, micros};
use crate::vault_keys;

async fn update(
    client: &mut Client,
    request: pb::UpdateCertificateVersionRequest,
) -> Result<pb::CertificateBundle, Status> {
    client.certificates.update_certificate_version(request).await.map(tonic::Response::into_inner)
}

fn request(name: &str, paths: &[&str]) -> pb::UpdateCertificateVersionRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateCertificateVersionRequest {
        name: name.to_owned(),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..Default::default()
    }
}

#[tokio::test]
async fn update_changes_the_version_and_its_companions() {
    let (server, mut dev) = start().await;
    let mut keys = vault_keys::client(&server, "dev").await;
    let made = issue(&mut dev, "web").await;
    let ignored = pb::UpdateCertificateVersionRequest {
        tags: [("ignored".to_owned(), "x".to_owned())].into(),
        ..enable_request(&certificate("WEB"), false)
    };
    let answer = dev.certificates.update_certificate_version(ignored).await;
    assert_audited(&server, metadata(&answer), "CertificateUpdate", "OK", "vaults/sample/certificates/WEB");
    let disabled = answer.unwrap().into_inner();
    assert_eq!(disabled, pb::CertificateBundle { enabled: false, updated: disabled.updated, ..made.clone() });
    assert!(micros(disabled.updated) > micros(made.updated));
    assert!(!vault_keys::get(&mut keys, &made.key).await.unwrap().enabled);
    let refused = secrets::get(&mut dev, &made.secret).await;
    assert_grpc_error(refused, Code::FailedPrecondition, "SECRET_DISABLED");
    let sign = pb::SignRequest { name: made.key.clone(), algorithm: "ES256".to_owned(), digest: vec![1; 32] };
    let refused = keys.crypto.sign(sign.clone()).await;
    assert_grpc_error(refused, Code::FailedPrecondition, "KEY_DISABLED");

    let tagged = pb::UpdateCertificateVersionRequest {
        attributes: Some(pb::CertificateAttributes { enabled: Some(true) }),
        tags: [("team".to_owned(), "web".to_owned())].into(),
        ..request(&made.name, &["attributes.enabled", "tags"])
    };
    let tagged = update(&mut dev, tagged).await.unwrap();
    assert_eq!((tagged.enabled, &tagged.tags["team"]), (true, &"web".to_owned()));
    assert_eq!(vault_keys::get(&mut keys, &made.key).await.unwrap().tags, tagged.tags);
    assert_eq!(secrets::get(&mut dev, &made.secret).await.unwrap().tags, tagged.tags);
    keys.crypto.sign(sign).await.unwrap();
    assert!(update(&mut dev, request(&made.name, &["tags"])).await.unwrap().tags.is_empty());
    // Other versions do not change.
    let second = issue(&mut dev, "web").await;
    update(&mut dev, enable_request(&made.name, false)).await.unwrap();
    assert_eq!(get(&mut dev, &second.name).await.unwrap(), second);
}

#[tokio::test]
async fn companions_cannot_be_changed_by_themselves() {
    let (server, mut dev) = start().await;
    let mut keys = vault_keys::client(&server, "dev").await;
    let made = issue(&mut dev, "web").await;
    let mask = || Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] });
    let key = format!("{VAULT}/keys/web");
    let update_key =
        pb::UpdateKeyVersionRequest { name: made.key.clone(), update_mask: mask(), ..Default::default() };
    let update_secret = pb::UpdateSecretVersionRequest {
        name: made.secret.clone(),
        update_mask: mask(),
        ..Default::default()
    };
    let backup_secret = pb::BackupSecretRequest { name: secrets::secret("web") };
    for refused in [
        vault_keys::create(&mut keys, VAULT, "web", "EC").await.map(drop),
        vault_keys::delete(&mut keys, VAULT, "web").await.map(drop),
        vault_keys::backup(&mut keys, VAULT, "web").await.map(drop),
        keys.keys.rotate_key(pb::RotateKeyRequest { name: key }).await.map(drop),
        keys.keys.update_key_version(update_key).await.map(drop),
        secrets::set(&mut dev, "web", "x").await.map(drop),
        secrets::delete(&mut dev, "web").await.map(drop),
        dev.secrets.backup_secret(backup_secret).await.map(drop),
        dev.secrets.update_secret_version(update_secret).await.map(drop),
    ] {
        assert_grpc_error(refused, Code::FailedPrecondition, "MANAGED_BY_CERTIFICATE");
    }
    assert_eq!(get(&mut dev, &certificate("web")).await.unwrap(), made);
}

#[tokio::test]
async fn rejects_invalid_updates_and_changes_nothing() {
    let (_server, mut dev) = start().await;
    let made = issue(&mut dev, "web").await;
    for (paths, field) in [
        (&[][..], "update_mask"),
        (&["fly"], "update_mask"),
        (&["tags", "policy"], "update_mask"),
        (&["tags", "attributes.enabled"], "attributes.enabled"),
    ] {
        assert_bad_parameter(update(&mut dev, request(&made.name, paths)).await, field);
    }
    let tags = [("t".to_owned(), "v".repeat(513))].into();
    let long = pb::UpdateCertificateVersionRequest { tags, ..request(&made.name, &["tags"]) };
    assert_bad_parameter(update(&mut dev, long).await, "tags");
    for name in ["", "web", "vaults/sample/certificates/web/policy"] {
        assert_bad_parameter(update(&mut dev, enable_request(name, false)).await, "name");
    }
    assert_eq!(get(&mut dev, &made.name).await.unwrap(), made);
    let missing = update(&mut dev, enable_request(&certificate("nothing"), false)).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    delete(&mut dev, "web").await.unwrap();
    let missing = update(&mut dev, enable_request(&made.name, false)).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_NOT_FOUND");
}

#[tokio::test]
async fn version_in_progress_has_the_attributes_when_it_is_issued() {
    let (_server, mut dev) = start().await;
    let operation = create(&mut dev, "pending", unknown()).await.unwrap();
    let tags = [("team".to_owned(), "web".to_owned())].into();
    let mut change = enable_request(&certificate("pending"), false);
    change.tags = tags;
    change.update_mask.as_mut().unwrap().paths.push("tags".to_owned());
    let updated = update(&mut dev, change).await.unwrap();
    assert_eq!((updated.enabled, updated.tags["team"].as_str()), (false, "web"));
    let openssl = OpenSsl::new();
    openssl.authority();
    let [issued, _] = openssl.sign(&operation.csr);
    let request =
        pb::MergeCertificateRequest { name: certificate("pending"), x5c: vec![issued], ..Default::default() };
    let merged = dev.certificates.merge_certificate(request).await.unwrap().into_inner();
    assert_eq!((merged.enabled, merged.tags["team"].as_str()), (false, "web"));
}

#[tokio::test]
async fn requires_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["update"]).await;
    issue(&mut dev, "web").await;
    assert_not_permitted(update(&mut reader, enable_request(&certificate("web"), false)).await);
    update(&mut user, enable_request(&certificate("web"), false)).await.unwrap();
}
