//! The targets of operations on secrets.

use std::sync::Arc;

use crate::model::container::ContainerId;
use crate::model::name::{SecretName, VaultName};
use crate::model::resource_kind::Resource;
use crate::model::secret::{Secret, SecretId, SecretVersion};
use crate::model::vault_rbac::{ObjectKind, ObjectScope};
use crate::model::{Error, Result};
use crate::ops::{Target, VaultPlane};
use crate::store::Store;

/// Identifies a secret in a vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretPath {
    /// The vault.
    pub vault: VaultName,
    /// The secret.
    pub name: SecretName,
}

impl SecretPath {
    fn find(&self, store: &Store) -> Option<Arc<Secret>> {
        store.secret(&self.vault, &self.name)
    }

    fn live(&self, store: &Store) -> Result<Arc<Secret>> {
        let found = self.find(store).filter(|secret| secret.deletion.is_none());
        found.ok_or_else(|| Error::NotFound(self.resource()))
    }

    fn resource(&self) -> Resource {
        Resource::secret(&self.vault, &self.name)
    }
}

/// Returns the scope of a secret.
fn scope_of(name: &SecretName) -> ObjectScope {
    ObjectScope::Object(ObjectKind::Secret, name.into())
}

/// Returns the name of the lock that serializes changes to a secret.
fn lock_of(vault: &VaultName, name: &SecretName) -> String {
    format!("{}/secrets/{}", ContainerId::from(vault).to_case_insensitive(), name.to_case_insensitive())
}

/// All secrets of a vault.
#[derive(Clone, Debug)]
pub struct AllSecrets;

impl Target for AllSecrets {
    type Plane = VaultPlane;
    type Id = VaultName;

    fn container(id: &VaultName) -> VaultName {
        id.clone()
    }

    fn scope(_: &VaultName, _: &Store) -> ObjectScope {
        ObjectScope::Vault
    }

    fn describe(id: &VaultName) -> String {
        format!("vaults/{id}/secrets")
    }

    fn lock(id: &VaultName) -> String {
        ContainerId::from(id).to_case_insensitive()
    }

    fn load(_: &VaultName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// Implements the common part of targets identified by a [`SecretPath`].
macro_rules! named_by_secret_path {
    ($folder:literal) => {
        type Plane = VaultPlane;
        type Id = SecretPath;

        fn container(id: &SecretPath) -> VaultName {
            id.vault.clone()
        }

        fn scope(id: &SecretPath, _: &Store) -> ObjectScope {
            scope_of(&id.name)
        }

        fn object(id: &SecretPath) -> Option<String> {
            Some(id.name.to_case_insensitive())
        }

        fn describe(id: &SecretPath) -> String {
            format!("vaults/{}/{}/{}", id.vault, $folder, id.name)
        }

        fn lock(id: &SecretPath) -> String {
            lock_of(&id.vault, &id.name)
        }
    };
}

/// The name of a secret that accepts a new version: unused, or that of a live secret. The name of a deleted secret is
/// reserved.
#[derive(Debug)]
pub struct NewSecretVersion(pub Option<Arc<Secret>>);

impl Target for NewSecretVersion {
    named_by_secret_path!("secrets");

    fn load(id: &SecretPath, store: &Store) -> Result<Self> {
        let found = id.find(store);
        match found.as_ref().and_then(|secret| secret.deletion) {
            Some(deletion) => Err(Error::deleted(id.resource(), deletion)),
            None => Ok(Self(found)),
        }
    }
}

/// A live secret with all its versions.
#[derive(Debug)]
pub struct LiveSecret(pub Arc<Secret>);

impl AsRef<Arc<Secret>> for LiveSecret {
    fn as_ref(&self) -> &Arc<Secret> {
        &self.0
    }
}

impl Target for LiveSecret {
    named_by_secret_path!("secrets");

    fn load(id: &SecretPath, store: &Store) -> Result<Self> {
        id.live(store).map(Self)
    }
}

/// A deleted secret.
#[derive(Debug)]
pub struct DeletedSecret(pub Arc<Secret>);

impl AsRef<Arc<Secret>> for DeletedSecret {
    fn as_ref(&self) -> &Arc<Secret> {
        &self.0
    }
}

impl Target for DeletedSecret {
    named_by_secret_path!("deletedSecrets");

    fn load(id: &SecretPath, store: &Store) -> Result<Self> {
        let found = id.find(store).filter(|secret| secret.deletion.is_some());
        let missing = || Error::NotFound(Resource::deleted_secret(&id.vault, &id.name));
        found.map(Self).ok_or_else(missing)
    }
}

/// A version of a live secret; the current one if the identifier names none.
#[derive(Debug)]
pub struct LiveSecretVersion(pub Arc<SecretVersion>);

impl Target for LiveSecretVersion {
    type Plane = VaultPlane;
    type Id = SecretId;

    fn container(id: &SecretId) -> VaultName {
        id.vault.clone()
    }

    fn scope(id: &SecretId, _: &Store) -> ObjectScope {
        scope_of(&id.name)
    }

    fn object(id: &SecretId) -> Option<String> {
        Some(id.name.to_case_insensitive())
    }

    fn describe(id: &SecretId) -> String {
        id.to_string()
    }

    fn lock(id: &SecretId) -> String {
        lock_of(&id.vault, &id.name)
    }

    fn load(id: &SecretId, store: &Store) -> Result<Self> {
        let found = store.secret(&id.vault, &id.name).filter(|secret| secret.deletion.is_none());
        let version = found.and_then(|secret| secret.version(id.version).cloned());
        version.map(Self).ok_or_else(|| Error::NotFound(id.into()))
    }
}
