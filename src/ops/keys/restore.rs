//! Restores a key from a backup.

use std::sync::Arc;

use super::KeyBundle;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, Intent};
use crate::model::container::ContainerId;
use crate::model::key::Key;
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::resource_kind::Resource;
use crate::model::{Error, Result};
use crate::ops::key_material::OpenedKeyBackup;
use crate::ops::{AllKeys, Cx, DataPlane, Done, Operation, Recovery, Target};
use crate::store::Store;

/// Restores a key with all its versions, under its former name and identifiers
/// (<https://learn.microsoft.com/rest/api/keyvault/keys/restore-key/restore-key>). The backup must have been made in an
/// HSM with the same security domain.
#[derive(Clone, Debug)]
pub struct RestoreKey {
    /// The container.
    pub container: ContainerId,
    /// The backup.
    pub backup: Vec<u8>,
}

impl Operation for RestoreKey {
    const NAME: &'static str = "RestoreKey";
    const EVENT: &'static str = "KeyRestore";
    const ACTION: DataAction = DataAction::KeyRestore;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = RestoredKey;
    type Reply = KeyBundle;

    fn target(&self) -> ContainerId {
        self.container.clone()
    }

    async fn execute(self, _: RestoredKey, cx: &Cx) -> Result<Done<KeyBundle>> {
        let backup = OpenedKeyBackup::open(&self.backup, cx).await?;
        let key = backup.to_key(cx)?;
        let Some(current) = key.current().cloned().filter(|_| key.deletion.is_none()) else {
            return Err(Error::MalformedBackup { why: "the backup is that of a deleted key".to_owned() });
        };
        check_absent(&key, cx)?;
        backup.unwrap(cx).await?;
        let bundle = KeyBundle { version: current, level: cx.recovery_level(), managed: false };
        Ok(Done::with(bundle, [Change::RestoreKey(Arc::new(key))]))
    }
}

/// Checks that neither the name nor the identifiers of the key are in use. The objects of a version that the token holds
/// may be those of another HSM that shares the token, or of a purge that is not complete.
// assumption: the errors of managed HSMs for names of live and deleted keys are not recorded.
fn check_absent(key: &Key, cx: &Cx) -> Result<()> {
    let container = cx.container.id();
    if let Some(known) = cx.store.key(&container, &key.name) {
        let version = key.versions.last().map(|last| last.version);
        return Err(cx.container.restore_conflict(&known.name, version, known.deletion));
    }
    let limits = container.kind().limits();
    limits.keys.check_capacity(cx.store.key_count(&container))?;
    limits.versions.check_capacity(key.versions.len().saturating_sub(1))?;
    check_objects_absent(key, cx)
}

/// Checks that the identifiers of the key are not in use.
pub(in crate::ops) fn check_objects_absent(key: &Key, cx: &Cx) -> Result<()> {
    let container = cx.container.id();
    let intents = cx.store.intents();
    for version in &key.versions {
        let is_affected = |intent: &Intent| intent.objects.contains(&version.version);
        if intents.iter().any(is_affected) {
            return Err(Error::Conflict { what: Resource::key(&container, &key.name).name });
        }
        if cx.token()?.has_cached_handle(version.version) {
            let resource = Resource::version(&container, &key.name, Some(version.version));
            return Err(Error::Exists { resource, deleted: false });
        }
    }
    Ok(())
}

/// The key of a backup, whose name is not known before the backup is decrypted.
///
/// All restores have one lock. The identifiers of the objects are those of the backup: of two restores of one backup,
/// into HSMs that share a token, one must not destroy the objects of the other when it fails.
#[derive(Debug)]
pub struct RestoredKey;

pub(in crate::ops) const RESTORE_LOCK: &str = "restore";

impl Target for RestoredKey {
    type Plane = DataPlane;
    type Id = ContainerId;

    fn container(id: &ContainerId) -> ContainerId {
        AllKeys::container(id)
    }

    fn scope(id: &ContainerId, store: &Store) -> LocalScope {
        AllKeys::scope(id, store)
    }

    fn describe(id: &ContainerId) -> String {
        AllKeys::describe(id)
    }

    fn lock(_: &ContainerId) -> String {
        RESTORE_LOCK.to_owned()
    }

    fn load(_: &ContainerId, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// The recovery of intents to create the objects of a restored key.
pub(in crate::ops) const RESTORE_RECOVERY: Recovery =
    Recovery { lock: |_, _| Some(RESTORE_LOCK.to_owned()), ..super::CREATION_RECOVERY };
