//! Backs up a secret: returns it with the values of all its versions in one encrypted value.

use super::sealing::unseal;
use super::{LiveSecret, SecretPath};
use crate::backup::{SecretRecord, SecretVersionRecord};
use crate::model::audit_entry::Meter;
use crate::model::limit;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Result, Timestamp};
use crate::ops::deletion::SoftDeletable as _;
use crate::ops::{Cx, Done, Operation};

/// Backs up a secret with all its versions (<https://learn.microsoft.com/rest/api/keyvault/secrets/backup-secret/backup-secret>). The
/// backup can be restored to vaults of the same subscription and geography.
#[derive(Clone, Debug)]
pub struct BackupSecret {
    /// The secret.
    pub secret: SecretPath,
}

impl Operation for BackupSecret {
    const NAME: &'static str = "BackupSecret";
    const EVENT: &'static str = "SecretBackup";
    const ACTION: VaultAction = VaultAction::SecretBackup;
    const METER: Meter = Meter::Management;
    type Target = LiveSecret;
    type Reply = Vec<u8>;

    fn target(&self) -> SecretPath {
        self.secret.clone()
    }

    /// Rejects the companion of a certificate, and a secret with more than 500 versions
    /// (<https://learn.microsoft.com/azure/key-vault/general/backup#limitations>).
    fn check(&self, LiveSecret(secret): &LiveSecret, _: Timestamp) -> Result<()> {
        secret.check_changeable("backup")?;
        limit::BACKUP_VERSIONS.check_capacity(secret.versions.len().saturating_sub(1))
    }

    async fn execute(self, LiveSecret(secret): LiveSecret, cx: &Cx) -> Result<Done<Vec<u8>>> {
        let mut versions = Vec::with_capacity(secret.versions.len());
        for version in &secret.versions {
            versions.push(SecretVersionRecord::of(version, unseal(cx, version).await?));
        }
        let record = SecretRecord { name: secret.name.clone(), versions };
        Ok(Done::reply(cx.security_worlds.seal(&record, cx.vault()?).await?))
    }
}
