//! The changes of certificates in a transaction, with those of their companion keys and secrets.

use std::sync::Arc;

use super::{Transaction, with_names_of};
use crate::model::certificate::{Certificate, CertificateSettings};
use crate::model::change::CertificateUpdate;
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
