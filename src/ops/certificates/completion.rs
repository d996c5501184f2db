//! Completes a version of a certificate: its record, its companion key and its companion secret.

use std::sync::Arc;

use crate::certificate::Bundle;
use crate::model::certificate::key_usage::key_operations;
use crate::model::certificate::{
    Certificate, CertificateNotices, CertificatePolicy, CertificateVersion, RenewalAttempts,
};
use crate::model::change::CertificateUpdate;
use crate::model::due::Notices;
use crate::model::key::{Attributes, KeyVersion, Protection, PublicMaterial, Tags};
use crate::model::name::{KeyName, SecretName, VersionId};
use crate::model::secret::{SecretAttributes, SecretValue, SecretVersion};
use crate::model::{Error, Result};
use crate::ops::Cx;
use crate::ops::secrets::seal;

/// What a new version consists of.
pub(super) struct Completed<'a> {
    /// The identifier, under which the token holds the private key.
    pub(super) version: VersionId,
    /// The policy by which the version is made.
    pub(super) policy: &'a CertificatePolicy,
    /// The public key.
    pub(super) public: PublicMaterial,
    /// The certificates, with the private key if the certificate is exportable.
    pub(super) bundle: Bundle,
    /// Whether the version is enabled.
    pub(super) enabled: bool,
    /// The user's tags.
    pub(super) tags: Tags,
    /// Whether the secret keeps the order of the certificates.
    pub(super) keep_order: bool,
}

/// Adds a version to the record of a certificate, and makes its companions.
///
/// # Errors
/// `Invalid` if the secret is too long; those of the token.
pub(super) async fn complete(
    cx: &Cx,
    mut certificate: Certificate,
    completed: Completed<'_>,
) -> Result<CertificateUpdate> {
    let Completed { version, policy, public, bundle, enabled, tags, keep_order } = completed;
    let leaf = bundle.leaf();
    let validity = leaf.validity();
    let attributes = SecretAttributes {
        enabled,
        not_before: Some(validity.not_before),
        expires: Some(validity.not_after),
        created: cx.now,
        updated: cx.now,
    };
    let record = CertificateVersion {
        version,
        der: leaf.der().to_vec(),
        thumbprint: *leaf.thumbprint(),
        attributes,
        tags: tags.clone(),
        keep_order,
        notices: CertificateNotices::default(),
    };
    let key = KeyVersion {
        container: cx.container.id(),
        name: KeyName::from(&certificate.name),
        version,
        operations: key_operations(&policy.x509.key_usage, public.key_type()),
        material: public,
        protection: if policy.key.hsm { Protection::Hsm } else { Protection::Software },
        attributes: Attributes {
            enabled,
            not_before: attributes.not_before,
            expires: attributes.expires,
            created: cx.now,
            updated: cx.now,
            exportable: false,
        },
        tags: tags.clone(),
        notices: Notices::default(),
        mode_family: None,
    };
    let name = SecretName::from(&certificate.name);
    let text = bundle.to_secret(policy.content_type, &random(cx)).map_err(Error::internal)?;
    let value = seal(cx, (&name, version), &SecretValue::new(text)?).await?;
    let content_type = Some(policy.content_type.as_str().to_owned());
    let secret = SecretVersion {
        vault: certificate.vault.clone(),
        name,
        version,
        value,
        content_type,
        attributes,
        tags,
    };
    certificate.versions.push(Arc::new(record));
    certificate.renewal = RenewalAttempts::default();
    Ok(CertificateUpdate { certificate, version: Some((key, secret)) })
}

/// Returns 32 random bytes, for salts.
fn random(cx: &Cx) -> [u8; 32] {
    let mut random = [0; 32];
    let (first, second) = random.split_at_mut(16);
    first.copy_from_slice(cx.ids.version().as_bytes());
    second.copy_from_slice(cx.ids.version().as_bytes());
    random
}
