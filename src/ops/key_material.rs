//! The material of keys in backups: how the container of a key wraps, encrypts, decrypts and unwraps it.
//!
//! A managed HSM uses the keys of its security domain. A vault has none: each backup has a wrapping key of its own, which is in the
//! token only while material is wrapped or unwrapped, and the key of the security world protects it.

use crate::backup::{KeyBackup, KeyBackupError, KeyRecord, VaultKeyRecord, WRAPPING_KEY_BYTES};
use crate::model::change::IntentVerb;
use crate::model::container::Container;
use crate::model::key::Key;
use crate::model::name::VersionId;
use crate::model::vault::Vault;
use crate::model::wrapped_key::WrappedKey;
use crate::model::{Error, Field, Result};
use crate::ops::Cx;
use crate::ops::security_domain::DomainKeys;
use zeroize::Zeroizing;

/// A decrypted backup of a key, whose material is still wrapped.
pub(super) struct OpenedKeyBackup {
    record: KeyRecord,
    /// The wrapping key, unless it is that of the security domain.
    wrapping_key: Option<Zeroizing<Vec<u8>>>,
}

/// Backs up a key with its material.
///
/// # Errors
/// `SecurityDomainMissing`; `Unsupported` if a token cannot wrap keys; `KeyNotWrappable`; those of the token.
pub(super) async fn back_up(key: &Key, cx: &Cx) -> Result<Vec<u8>> {
    match &cx.container {
        Container::ManagedHsm(_) => {
            let domain = DomainKeys::addressed(cx)?;
            let wrapped = wrap(key, domain.wrapping_key(), cx).await?;
            let record = KeyRecord::new(key, wrapped).map_err(Error::internal)?;
            let content_key = domain.key_backup_key().await?;
            let backup = KeyBackup(record).seal(&content_key).map_err(Error::internal)?;
            Ok(backup.into_bytes())
        }
        Container::Vault(vault) => back_up_in_vault(key, vault, cx).await,
    }
}

async fn back_up_in_vault(key: &Key, vault: &Vault, cx: &Cx) -> Result<Vec<u8>> {
    let record = wrapped_for_vault(key, cx).await?;
    cx.security_worlds.seal(&record, vault).await
}

/// Wraps the material of a key of a vault under a wrapping key of its own.
///
/// # Errors
/// As [`back_up`].
pub(super) async fn wrapped_for_vault(key: &Key, cx: &Cx) -> Result<VaultKeyRecord> {
    let wrapping_key = cx.token()?.random(WRAPPING_KEY_BYTES).await?;
    let wrapping_key = Zeroizing::new(wrapping_key);
    let object = import_wrapping_key(&wrapping_key, cx).await?;
    let wrapped = wrap(key, object, cx).await?;
    cx.token()?.destroy(&[object]).await?;
    let key = KeyRecord::new(key, wrapped).map_err(Error::internal)?;
    Ok(VaultKeyRecord { wrapping_key, key })
}

/// Imports a wrapping key under an intent, which destroys it if the operation is interrupted.
async fn import_wrapping_key(key: &Zeroizing<Vec<u8>>, cx: &Cx) -> Result<VersionId> {
    let object = cx.ids.version();
    cx.declare_intent(IntentVerb::Create, vec![object]).await?;
    cx.token()?.import_wrapping_key(object, key.clone()).await?;
    Ok(object)
}

async fn wrap(key: &Key, wrapping_key: VersionId, cx: &Cx) -> Result<Vec<WrappedKey>> {
    let mut wrapped = Vec::with_capacity(key.versions.len());
    for version in &key.versions {
        let key_type = version.material.key_type();
        wrapped.push(cx.token()?.wrap_key(wrapping_key, version.version, key_type).await?);
    }
    Ok(wrapped)
}

impl OpenedKeyBackup {
    /// Decrypts a backup, made in a container whose keys may be restored to the addressed one.
    ///
    /// # Errors
    /// `MalformedBackup` if it is not such a backup; `SecurityDomainMissing`; `Unsupported`; those of the token.
    pub(super) async fn open(backup: &[u8], cx: &Cx) -> Result<Self> {
        match &cx.container {
            Container::ManagedHsm(_) => {
                let content_key = DomainKeys::addressed(cx)?.key_backup_key().await?;
                let KeyBackup(record) = KeyBackup::open(&content_key, backup).map_err(malformed)?;
                Ok(Self { record, wrapping_key: None })
            }
            Container::Vault(vault) => {
                let opened: VaultKeyRecord = cx.security_worlds.open(backup, vault).await?;
                Ok(Self::of_vault(opened))
            }
        }
    }

    /// Returns the backup with this record, made in a vault.
    pub(super) fn of_vault(record: VaultKeyRecord) -> Self {
        Self { record: record.key, wrapping_key: Some(record.wrapping_key) }
    }

    /// Returns the key, as a key of the addressed container.
    ///
    /// # Errors
    /// `MalformedBackup` if the record is not that of a key; `Invalid` if the container may not hold such keys.
    pub(super) fn to_key(&self, cx: &Cx) -> Result<Key> {
        let key =
            self.record.to_key(&cx.container.id()).map_err(KeyBackupError::Invalid).map_err(malformed)?;
        for version in &key.versions {
            cx.container.key_protection(version.material.key_type(), version.protection, Field::Backup)?;
        }
        Ok(key)
    }

    /// Unwraps the material of all versions in the token, under an intent.
    ///
    /// # Errors
    /// `MalformedBackup` if the material does not belong to the key; those of the token.
    pub(super) async fn unwrap(&self, cx: &Cx) -> Result<()> {
        let (wrapping_key, is_temporary) = match &self.wrapping_key {
            None => (DomainKeys::addressed(cx)?.wrapping_key(), false),
            Some(key) => (import_wrapping_key(key, cx).await?, true),
        };
        cx.declare_intent(IntentVerb::Restore, self.record.version_ids()).await?;
        for (version, public, wrapped) in self.record.material() {
            cx.token()?.unwrap_key(wrapping_key, version, public.clone(), wrapped.clone(), cx.backup).await?;
        }
        if is_temporary {
            cx.token()?.destroy(&[wrapping_key]).await?;
        }
        Ok(())
    }
}

fn malformed(error: KeyBackupError) -> Error {
    match error {
        KeyBackupError::Library => Error::internal(error),
        error => Error::MalformedBackup { why: error.to_string() },
    }
}
