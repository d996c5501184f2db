//! The changes of certificates in a transaction, with those of their companion keys and secrets.

use std::sync::Arc;

use super::{Transaction, with_names_of};
use crate::model::Timestamp;
use crate::model::certificate::CertificateId;
use crate::model::certificate::{Certificate, CertificateNotice, CertificateSettings, CertificateVersion};
use crate::model::change::{CertificateUpdate, RestoredCertificate};
use crate::model::container::ContainerId;
use crate::model::key::{Key, KeyVersion};
use crate::model::limit;
use crate::model::name::{CertificateName, VaultName};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::secret::{Secret, SecretVersion};
use crate::model::{Error, Result};

impl Transaction<'_> {
    /// The certificate, live or deleted.
    pub(in super::super) fn certificate(
        &self,
        vault: &VaultName,
        name: &CertificateName,
    ) -> Option<Arc<Certificate>> {
        self.object(&vault.into(), name.as_str())
    }

    /// Checks that a key or secret is not, and does not become, the companion of a certificate.
    pub(super) fn check_unmanaged(
        &self,
        container: &ContainerId,
        name: &str,
        kind: ResourceKind,
        operation: &'static str,
    ) -> Result<()> {
        match self.object::<Certificate>(container, name) {
            Some(_) => Err(Error::ManagedByCertificate { kind, operation }),
            None => Ok(()),
        }
    }

    /// Creates or replaces a certificate, with the companions of the version that changes.
    pub(super) fn put_certificate(&mut self, update: &CertificateUpdate) -> Result<()> {
        let vault = self.writable_vault(&update.certificate.vault)?;
        let CertificateUpdate { certificate, version } = update;
        let container = ContainerId::from(&vault);
        let known = self.certificate(&vault, &certificate.name);
        let resource = || Resource::certificate(&vault, &certificate.name);
        match &known {
            Some(known) => {
                if let Some(deletion) = known.deletion {
                    return Err(Error::deleted(resource(), deletion));
                }
                let unchanged = known.versions.iter().zip(&certificate.versions);
                let is_successor = known.versions.len() <= certificate.versions.len()
                    && unchanged.clone().all(|(old, new)| old.version == new.version && old.der == new.der);
                if !is_successor {
                    return Err(Error::Conflict { what: resource().name });
                }
                if certificate.versions.len() > known.versions.len() {
                    self.check_limit(limit::CERTIFICATE_VERSIONS, || known.versions.len())?;
                }
            }
            None => {
                self.check_limit(limit::CERTIFICATES, || self.count::<Certificate>(&container))?;
                let name = certificate.name.as_str();
                if self.object::<Key>(&container, name).is_some()
                    || self.object::<Secret>(&container, name).is_some()
                {
                    return Err(Error::Exists { resource: resource(), deleted: false });
                }
            }
        }
        let name = known.map_or_else(|| certificate.name.clone(), |known| known.name.clone());
        if let Some((key, secret)) = version {
            self.put_companion_key(&container, key);
            self.put_companion_secret(&vault, secret);
        }
        self.set(Certificate { vault, name, ..certificate.clone() });
        Ok(())
    }

    fn put_companion_key(&mut self, container: &ContainerId, version: &KeyVersion) {
        let mut key = self.key(container, &version.name).map_or_else(
            || Key {
                container: container.clone(),
                name: version.name.clone(),
                versions: Vec::with_capacity(1),
                deletion: None,
                rotation: None,
                managed: true,
            },
            |key| Key::clone(&key),
        );
        let new = Arc::new(with_names_of(version, &key));
        match key.versions.iter_mut().find(|known| known.version == version.version) {
            Some(known) => *known = new,
            None => key.versions.push(new),
        }
        self.set(key);
    }

    fn put_companion_secret(&mut self, vault: &VaultName, version: &SecretVersion) {
        let mut secret = self.secret(vault, &version.name).map_or_else(
            || Secret {
                vault: vault.clone(),
                name: version.name.clone(),
                versions: Vec::with_capacity(1),
                deletion: None,
                managed: true,
            },
            |secret| Secret::clone(&secret),
        );
        let (vault, name) = (secret.vault.clone(), secret.name.clone());
        let new = Arc::new(SecretVersion { vault, name, ..version.clone() });
        match secret.versions.iter_mut().find(|known| known.version == version.version) {
            Some(known) => *known = new,
            None => secret.versions.push(new),
        }
        self.set(secret);
    }

    /// Adds a certificate of a backup with its companions, under a name that nothing has.
    pub(super) fn restore_certificate(&mut self, restored: &RestoredCertificate) -> Result<()> {
        let RestoredCertificate { certificate, key, secret } = restored;
        let vault = self.writable_vault(&certificate.vault)?;
        let container = ContainerId::from(&vault);
        let name = certificate.name.as_str();
        let known = [
            self.object::<Certificate>(&container, name).map(|known| known.deletion.is_some()),
            self.object::<Key>(&container, name).map(|known| known.deletion.is_some()),
            self.object::<Secret>(&container, name).map(|known| known.deletion.is_some()),
        ];
        if known.iter().any(Option::is_some) {
            let version = certificate.current().map(|current| current.version);
            let id = CertificateId { vault, name: certificate.name.clone(), version };
            return Err(Error::Exists { resource: (&id).into(), deleted: known.contains(&Some(true)) });
        }
        self.check_limit(limit::CERTIFICATES, || self.count::<Certificate>(&container))?;
        // One less, because the limit is checked before each version is added.
        self.check_limit(limit::CERTIFICATE_VERSIONS, || certificate.versions.len().saturating_sub(1))?;
        for (key, secret) in key.versions.iter().zip(&secret.versions) {
            self.put_companion_key(&container, key);
            self.put_companion_secret(&vault, secret);
        }
        self.set(Certificate { vault, ..certificate.clone() });
        Ok(())
    }

    /// Records a notice for the current version of a live certificate.
    pub(super) fn record_certificate_notice(
        &mut self,
        vault: &VaultName,
        name: &CertificateName,
        notice: CertificateNotice,
    ) -> Result<()> {
        let mut certificate = self.live_certificate(vault, name)?;
        if let Some(current) = certificate.versions.last_mut() {
            let notices = current.notices.with(notice);
            *current = Arc::new(CertificateVersion { notices, ..CertificateVersion::clone(current) });
        }
        self.set(certificate);
        Ok(())
    }

    /// Records that a renewal of a live certificate failed.
    pub(super) fn record_renewal_failure(
        &mut self,
        vault: &VaultName,
        name: &CertificateName,
        at: Timestamp,
    ) -> Result<()> {
        let mut certificate = self.live_certificate(vault, name)?;
        certificate.renewal = certificate.renewal.failed(at);
        self.set(certificate);
        Ok(())
    }

    fn live_certificate(&self, vault: &VaultName, name: &CertificateName) -> Result<Certificate> {
        let vault = self.writable_vault(vault)?;
        let live = self.certificate(&vault, name).filter(|known| known.deletion.is_none());
        let live = live.ok_or_else(|| Error::NotFound(Resource::certificate(&vault, name)))?;
        Ok(Certificate::clone(&live))
    }

    /// The contacts and issuers of a vault.
    pub(in super::super) fn certificate_settings(&self, vault: &VaultName) -> Arc<CertificateSettings> {
        let container = ContainerId::from(vault);
        let folded = container.to_case_insensitive();
        let changes = (&self.changes.certificate_settings, &self.group.certificate_settings);
        let staged = changes.0.get(&folded).or_else(|| changes.1.get(&folded)).cloned();
        staged.or_else(|| self.memory.certificate_settings(&container)).unwrap_or_default()
    }

    /// Replaces contacts and issuers of a live vault.
    pub(super) fn put_certificate_settings(
        &mut self,
        vault: &VaultName,
        settings: &Arc<CertificateSettings>,
    ) -> Result<()> {
        settings.check()?;
        let vault = self.writable_vault(vault)?;
        let folded = ContainerId::from(&vault).to_case_insensitive();
        self.changes.certificate_settings.insert(folded, Arc::clone(settings));
        Ok(())
    }
}
