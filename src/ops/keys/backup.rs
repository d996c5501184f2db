//! Backs up a key: returns it with its wrapped material in one encrypted value.

use crate::backup::{KeyBackup, KeyRecord};
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Result};
use crate::ops::security_domain::DomainKeys;
use crate::ops::{Cx, Done, KeyPath, LiveKey, Operation};

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

    async fn execute(self, LiveKey(key): LiveKey, cx: &Cx) -> Result<Done<Vec<u8>>> {
        let domain = DomainKeys::addressed(cx)?;
        let mut wrapped = Vec::with_capacity(key.versions.len());
        for version in &key.versions {
            let key_type = version.material.key_type();
            wrapped.push(cx.token.wrap_key(domain.wrapping_key(), version.version, key_type).await?);
        }
        let record = KeyRecord::new(&key, wrapped).map_err(Error::internal)?;
        let content_key = domain.key_backup_key().await?;
        let backup = KeyBackup(record).seal(&content_key).map_err(Error::internal)?;
        Ok(Done::reply(backup.into_bytes()))
    }
}
