//! Tests Azure's certificate client for Rust: the lifecycle of certificates in a vault.

use std::error::Error;
use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::StatusCode;
use azure_identity::ClientSecretCredential;
use azure_security_keyvault_certificates::models::{
    CertificatePolicy, CreateCertificateParameters, CurveName, IssuerParameters, KeyProperties, KeyType,
    RestoreCertificateParameters, SecretProperties, UpdateCertificatePropertiesParameters,
    X509CertificateProperties,
};
use azure_security_keyvault_certificates::{CertificateClient, ResourceExt as _};
use futures::TryStreamExt as _;
use p256::ecdsa::VerifyingKey;
use p256::ecdsa::signature::Verifier as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

type Done<T = ()> = Result<T, Box<dyn Error>>;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// A client of a principal whose environment variables begin with `principal`.
fn client(principal: &str) -> Done<CertificateClient> {
    let secret = Secret::new(variable(&format!("{principal}_CLIENT_SECRET")));
    let id = variable(&format!("{principal}_CLIENT_ID"));
    let credential: Arc<dyn TokenCredential> =
        ClientSecretCredential::new(&variable("AZURE_TENANT_ID"), id, secret, None)?;
    Ok(CertificateClient::new(&variable("AZURE_VAULT_URL"), credential, None)?)
}

/// Asserts that a call failed with this status and text.
fn refused<T>(result: azure_core::Result<T>, status: StatusCode, text: &str) {
    let Err(error) = result else { panic!("the call should have failed: {text}") };
    assert_eq!(error.http_status(), Some(status), "{error:?}");
    assert!(format!("{error:?}").contains(text), "{error:?}");
}

fn policy() -> CertificatePolicy {
    CertificatePolicy {
        issuer_parameters: Some(IssuerParameters { name: Some("Self".into()), ..Default::default() }),
        key_properties: Some(KeyProperties {
            key_type: Some(KeyType::Ec),
            curve: Some(CurveName::P256),
            exportable: Some(true),
            reuse_key: Some(false),
            ..Default::default()
        }),
        secret_properties: Some(SecretProperties { content_type: Some("application/x-pem-file".into()) }),
        x509_certificate_properties: Some(X509CertificateProperties {
            subject: Some("CN=web.example".into()),
            validity_in_months: Some(6),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Verifies a self-signed certificate of a key on the curve P-256.
fn verify(der: &[u8]) {
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=web.example");
    let key = VerifyingKey::from_sec1_bytes(&certificate.public_key().subject_public_key.data).unwrap();
    let signature = p256::ecdsa::Signature::from_der(&certificate.signature_value.data).unwrap();
    key.verify(certificate.tbs_certificate.as_ref(), &signature).unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let certificates = client("AZURE")?;
    let create = || CreateCertificateParameters { certificate_policy: Some(policy()), ..Default::default() };
    let made =
        certificates.begin_create_certificate("web", create().try_into()?, None)?.await?.into_model()?;
    verify(made.cer.as_deref().unwrap());
    let first = made.resource_id()?.version.unwrap();
    let renewed =
        certificates.begin_create_certificate("web", create().try_into()?, None)?.await?.into_model()?;
    let second = renewed.resource_id()?.version.unwrap();
    let versions: Vec<_> =
        certificates.list_certificate_properties_versions("web", None)?.try_collect().await?;
    let listed: Vec<_> = versions.iter().map(|one| one.resource_id().unwrap().version.unwrap()).collect();
    assert_eq!(listed, [first, second]);

    let tags = [("team".to_owned(), "web".to_owned())].into();
    let update = UpdateCertificatePropertiesParameters { tags: Some(tags), ..Default::default() };
    let updated =
        certificates.update_certificate_properties("web", update.try_into()?, None).await?.into_model()?;
    assert_eq!(updated.tags.unwrap()["team"], "web");
    let kept = certificates.get_certificate_policy("web", None).await?.into_model()?;
    assert_eq!(kept.x509_certificate_properties.unwrap().validity_in_months, Some(6));

    certificates.delete_certificate("web", None).await?;
    refused(certificates.get_certificate("web", None).await, StatusCode::NotFound, "CertificateNotFound");
    let deleted: Vec<_> = certificates.list_deleted_certificate_properties(None)?.try_collect().await?;
    assert_eq!(deleted.len(), 1);
    certificates.recover_deleted_certificate("web", None).await?;
    let recovered = certificates.get_certificate("web", None).await?.into_model()?;
    assert_eq!(recovered.cer, renewed.cer);
    let backup = certificates.backup_certificate("web", None).await?.into_model()?.value;
    certificates.delete_certificate("web", None).await?;
    certificates.purge_deleted_certificate("web", None).await?;
    let restore = RestoreCertificateParameters { certificate_backup: backup };
    let restored = certificates.restore_certificate(restore.try_into()?, None).await?.into_model()?;
    assert_eq!(restored.cer, renewed.cer);
    certificates.delete_certificate("web", None).await?;
    certificates.purge_deleted_certificate("web", None).await?;
    let gone = certificates.get_deleted_certificate("web", None).await;
    refused(gone, StatusCode::NotFound, "CertificateNotFound");

    refused(client("USER")?.get_certificate("web", None).await, StatusCode::Forbidden, "Forbidden");
    Ok(())
}
