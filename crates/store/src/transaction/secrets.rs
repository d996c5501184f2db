//! The changes of secrets in a transaction.

use std::sync::Arc;

use super::Transaction;
use crate::model::limit;
use crate::model::name::{SecretName, VaultName};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::secret::{Secret, SecretId, SecretVersion};
use crate::model::{Error, Result};

impl Transaction<'_> {
    /// The secret, live or deleted.
    pub(in super::super) fn secret(&self, vault: &VaultName, name: &SecretName) -> Option<Arc<Secret>> {
        self.object(&vault.into(), name.as_str())
    }

    /// Adds a version of a new or live secret.
    pub(super) fn insert_secret_version(&mut self, version: &SecretVersion) -> Result<()> {
        let vault = self.writable_vault(&version.vault)?;
        self.check_unmanaged(&(&vault).into(), version.name.as_str(), ResourceKind::Secret, "set")?;
        let mut secret = match self.secret(&vault, &version.name) {
            Some(known) => {
                let resource = || Resource::secret(&vault, &known.name);
                if let Some(deletion) = known.deletion {
                    return Err(Error::deleted(resource(), deletion));
                }
                if known.version(Some(version.version)).is_some() {
                    return Err(Error::Conflict { what: resource().name });
                }
                self.check_limit(limit::SECRET_VERSIONS, || known.versions.len())?;
                Secret::clone(&known)
            }
            None => {
                self.check_limit(limit::SECRETS, || self.count::<Secret>(&(&vault).into()))?;
                let (name, versions) = (version.name.clone(), Vec::with_capacity(1));
                Secret { vault, name, versions, deletion: None, managed: false }
            }
        };
        secret.versions.push(Arc::new(with_names_of(version, &secret)));
        self.set(secret);
        Ok(())
    }

    /// Replaces a version of a live secret. Its value cannot change.
    pub(super) fn replace_secret_version(&mut self, version: &SecretVersion) -> Result<()> {
        let vault = self.writable_vault(&version.vault)?;
        self.check_unmanaged(&(&vault).into(), version.name.as_str(), ResourceKind::Secret, "update")?;
        let resource = || Resource::secret(&version.vault, &version.name);
        let known = self.secret(&version.vault, &version.name);
        let known = known.filter(|secret| secret.deletion.is_none());
        let mut secret = Secret::clone(&*known.ok_or_else(|| Error::NotFound(resource()))?);
        let new = with_names_of(version, &secret);
        match secret.versions.iter_mut().find(|known| known.version == version.version) {
            Some(known) if known.value == version.value => *known = Arc::new(new),
            Some(_) => return Err(Error::internal("the value of a secret version cannot change")),
            None => return Err(Error::Conflict { what: resource().name }),
        }
        self.set(secret);
        Ok(())
    }

    /// Adds a secret from a backup, under a name that no secret has.
    pub(super) fn restore_secret(&mut self, secret: &Secret) -> Result<()> {
        let vault = self.writable_vault(&secret.vault)?;
        self.check_unmanaged(&(&vault).into(), secret.name.as_str(), ResourceKind::Secret, "restore")?;
        if let Some(known) = self.secret(&vault, &secret.name) {
            let version = secret.current().map(|current| current.version);
            let id = SecretId { vault, name: known.name.clone(), version };
            return Err(Error::Exists { resource: (&id).into(), deleted: known.deletion.is_some() });
        }
        self.check_limit(limit::SECRETS, || self.count::<Secret>(&(&vault).into()))?;
        // One less, because the limit is checked before each version is added.
        self.check_limit(limit::SECRET_VERSIONS, || secret.versions.len().saturating_sub(1))?;
        let mut restored = Secret { vault, ..secret.clone() };
        let versions = restored.versions.iter().map(|version| Arc::new(with_names_of(version, &restored)));
        restored.versions = versions.collect();
        self.set(restored);
        Ok(())
    }

    /// The vault, whose contents must be changeable, with its name in the stored spelling.
    pub(super) fn writable_vault(&self, name: &VaultName) -> Result<VaultName> {
        let container = self.writable_container(&name.into())?;
        container.vault().map(|vault| vault.name.clone()).ok_or_else(|| Error::NotFound(name.into()))
    }
}

/// The version with the names of its secret: in their original case, and sharing their allocation.
fn with_names_of(version: &SecretVersion, secret: &Secret) -> SecretVersion {
    SecretVersion { vault: secret.vault.clone(), name: secret.name.clone(), ..version.clone() }
}
