//! Updates attributes and tags of a certificate version, together with those of its companions.

use std::sync::Arc;

use super::{CertificateBundle, LiveCertificateVersion};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{
    Certificate, CertificateId, CertificateVersion, PolicyMembers, RenewalAttempts,
};
use crate::model::change::{CertificateUpdate, Change};
use crate::model::key::{KeyVersion, Tags};
use crate::model::name::{KeyName, SecretName};
use crate::model::secret::{SecretVersion, check_tags};
use crate::model::vault::VaultSku;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Updates a certificate version
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/update-certificate/update-certificate>). A property that is `None` is
/// kept; the validity period cannot change.
#[derive(Clone, Debug)]
pub struct UpdateCertificateVersion {
    /// The version; the current one if the identifier names none.
    pub certificate: CertificateId,
    /// Whether the version is enabled.
    pub enabled: Option<bool>,
    /// Tags that replace all existing ones.
    pub tags: Option<Tags>,
    /// Changes of the policy.
    pub policy: Option<PolicyMembers>,
}

impl Operation for UpdateCertificateVersion {
    const NAME: &'static str = "UpdateCertificateVersion";
    const EVENT: &'static str = "CertificateUpdate";
    const ACTION: VaultAction = VaultAction::CertificateUpdate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = LiveCertificateVersion;
    type Reply = CertificateBundle;

    fn target(&self) -> CertificateId {
        self.certificate.clone()
    }

    fn check(&self, target: &LiveCertificateVersion, _: Timestamp) -> Result<()> {
        self.tags.as_ref().map_or(Ok(()), check_tags)?;
        match (&target.version, &target.certificate.pending) {
            (Some(_), _) | (None, Some(_)) => Ok(()),
            (None, None) => Err(Error::NotFound((&self.certificate).into())),
        }
    }

    async fn execute(self, target: LiveCertificateVersion, cx: &Cx) -> Result<Done<CertificateBundle>> {
        let mut certificate = Certificate::clone(&target.certificate);
        if let Some(members) = self.policy {
            let premium = cx.vault()?.sku == VaultSku::Premium;
            certificate.policy = certificate.policy.updated(members, premium, cx.now)?;
            certificate.renewal = RenewalAttempts::default();
        }
        let Some(known) = target.version else {
            // The first version is not issued yet: its operation has the attributes.
            let pending = certificate.pending.as_mut();
            let pending = pending.ok_or_else(|| Error::NotFound((&self.certificate).into()))?;
            pending.enabled = self.enabled.unwrap_or(pending.enabled);
            pending.tags = self.tags.unwrap_or_else(|| std::mem::take(&mut pending.tags));
            let reply = CertificateBundle {
                certificate: certificate.clone().into(),
                version: None,
                level: cx.recovery_level(),
            };
            let update = CertificateUpdate { certificate, version: None };
            return Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]));
        };
        let mut version = CertificateVersion::clone(&known);
        version.attributes.enabled = self.enabled.unwrap_or(version.attributes.enabled);
        version.attributes.updated = cx.now;
        version.tags = self.tags.unwrap_or(version.tags);
        let companions = companions(cx, &certificate, &version)?;
        let version = Arc::new(version);
        for stored in certificate.versions.iter_mut().filter(|stored| stored.version == version.version) {
            *stored = version.clone();
        }
        let reply = CertificateBundle {
            certificate: certificate.clone().into(),
            version: Some(version),
            level: cx.recovery_level(),
        };
        let update = CertificateUpdate { certificate, version: Some(companions) };
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }
}

/// Returns the companions of a version with its attributes and tags.
fn companions(
    cx: &Cx,
    certificate: &Certificate,
    version: &CertificateVersion,
) -> Result<(KeyVersion, SecretVersion)> {
    let key = cx.store.key(&cx.container.id(), &KeyName::from(&certificate.name));
    let key = key.and_then(|key| key.version(Some(version.version)).cloned());
    let secret = cx.store.secret(&certificate.vault, &SecretName::from(&certificate.name));
    let secret = secret.and_then(|secret| secret.version(Some(version.version)).cloned());
    let (Some(key), Some(secret)) = (key, secret) else {
        return Err(Error::internal("a version of a certificate has no companions"));
    };
    let (mut key, mut secret) = (KeyVersion::clone(&key), SecretVersion::clone(&secret));
    key.attributes.enabled = version.attributes.enabled;
    key.attributes.updated = version.attributes.updated;
    key.tags = version.tags.clone();
    secret.attributes = version.attributes;
    secret.tags = version.tags.clone();
    Ok((key, secret))
}
