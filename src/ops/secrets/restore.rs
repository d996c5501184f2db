//! Restores a secret from a backup.

use std::sync::Arc;

use super::sealing::seal;
use super::{AllSecrets, SecretBundle};
use crate::backup::SecretRecord;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::name::VaultName;
use crate::model::secret::{Secret, SecretId, SecretVersion};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, Operation};

/// Restores a secret with all its versions, under its former name and identifiers
/// (<https://learn.microsoft.com/rest/api/keyvault/secrets/restore-secret/restore-secret>). The backup must have been made in a vault
/// of the same subscription and geography, and no secret, live or deleted, has the name.
#[derive(Clone, Debug)]
pub struct RestoreSecret {
    /// The vault.
    pub vault: VaultName,
    /// The backup.
    pub backup: Vec<u8>,
}

impl Operation for RestoreSecret {
    const NAME: &'static str = "RestoreSecret";
    const EVENT: &'static str = "SecretRestore";
    const ACTION: VaultAction = VaultAction::SecretRestore;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = AllSecrets;
    type Reply = SecretBundle;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllSecrets, cx: &Cx) -> Result<Done<SecretBundle>> {
        let record: SecretRecord = cx.security_worlds.open(&self.backup, cx.vault()?).await?;
        // Checked before the token is used; the store checks again when it applies the change.
        if let Some(known) = cx.store.secret(&self.vault, &record.name) {
            let version = record.versions.last().map(|last| last.version);
            let id = SecretId { vault: known.vault.clone(), name: known.name.clone(), version };
            return Err(Error::Exists { resource: (&id).into(), deleted: known.deletion.is_some() });
        }
        let secret = restored_secret(record, cx).await?;
        let current = secret.current().cloned();
        let current = current.ok_or_else(|| Error::internal("a restored secret has no version"))?;
        let bundle = SecretBundle { version: current, level: cx.recovery_level(), managed: false };
        Ok(Done::with(bundle, [Change::RestoreSecret(Arc::new(secret))]))
    }
}

/// Encrypts the values of a backup under the sealing key of the addressed vault.
pub(in crate::ops) async fn restored_secret(record: SecretRecord, cx: &Cx) -> Result<Secret> {
    let vault = cx.vault()?.name.clone();
    let mut secret =
        Secret { vault, name: record.name, versions: Vec::new(), deletion: None, managed: false };
    for version in record.versions {
        let value = seal(cx, (&secret.name, version.version), &version.value).await?;
        let (content_type, attributes, tags) = version.properties();
        secret.versions.push(Arc::new(SecretVersion {
            vault: secret.vault.clone(),
            name: secret.name.clone(),
            version: version.version,
            value,
            content_type,
            attributes,
            tags,
        }));
    }
    Ok(secret)
}
