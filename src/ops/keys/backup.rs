//! Backs up a key: returns it with its wrapped material in one encrypted value.

use crate::model::audit_entry::Meter;
use crate::model::limit;
use crate::model::local_rbac::DataAction;
use crate::model::{Result, Timestamp};
use crate::ops::deletion::SoftDeletable as _;
use crate::ops::{Cx, Done, KeyPath, LiveKey, Operation, key_material};

/// Backs up a key with all its versions, attributes, tags and its rotation policy
/// (<https://learn.microsoft.com/rest/api/keyvault/keys/backup-key/backup-key>). Its material is wrapped in the token.
#[derive(Clone, Debug)]
pub struct BackupKey {
    /// The key.
    pub key: KeyPath,
}

impl Operation for BackupKey {
    const NAME: &'static str = "BackupKey";
    const EVENT: &'static str = "KeyBackup";
    const ACTION: DataAction = DataAction::KeyBackup;
    const METER: Meter = Meter::Management;
    type Target = LiveKey;
    type Reply = Vec<u8>;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    /// Rejects the companion of a certificate, and a key with more versions than a backup may have.
    fn check(&self, LiveKey(key): &LiveKey, _: Timestamp) -> Result<()> {
        key.check_changeable("backup")?;
        limit::BACKUP_VERSIONS.check_capacity(key.versions.len().saturating_sub(1))
    }

    async fn execute(self, LiveKey(key): LiveKey, cx: &Cx) -> Result<Done<Vec<u8>>> {
        Ok(Done::reply(key_material::back_up(&key, cx).await?))
    }
}
