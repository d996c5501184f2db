//! Keys as resources that are soft-deleted: their deletion operations, and what purging a key destroys.

use std::sync::Arc;

use super::KeyBundle;
use crate::model::audit_entry::Meter;
use crate::model::change::{Intent, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::deletion::Deletable;
use crate::model::key::Key;
use crate::model::local_rbac::DataAction;
use crate::model::name::VersionId;
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::{Error, Result, Timestamp};
use crate::ops::deletion::{
    Delete, DeletionOperations, GetDeleted, ListDeleted, Purge, PurgeExpired, Recover, SoftDeletable,
};
use crate::ops::{
    AllKeys, Cx, DataPlane, DeletedKey, KeyPath, LiveKey, OperationNames, PageRequest, RecoveryCx,
};
use crate::store::{Listing, Store};

/// Soft-deletes a key with all its versions.
pub type DeleteKey = Delete<Key>;
/// Returns a deleted key.
pub type GetDeletedKey = GetDeleted<Key>;
/// Lists the deleted keys of a container.
pub type ListDeletedKeys = ListDeleted<Key>;
/// Recovers a deleted key with all its versions.
pub type RecoverDeletedKey = Recover<Key>;
/// Purges a deleted key.
pub type PurgeDeletedKey = Purge<Key>;
/// Purges a deleted key at its scheduled purge date.
pub type PurgeExpiredKey = PurgeExpired<Key>;

/// A deleted key as surfaces show it: the bundle of its current version, and the dates of its deletion.
#[derive(Clone, Debug)]
pub struct DeletedKeyBundle {
    /// The bundle of the current version.
    pub current: KeyBundle,
    /// The deletion date and the scheduled purge date.
    pub deletion: Deletion,
}

impl SoftDeletable for Key {
    type Plane = DataPlane;
    type Live = LiveKey;
    type Deleted = DeletedKey;
    type Recoverable = DeletedKey;
    type Container = AllKeys;
    type LiveBundle = KeyBundle;
    type DeletedBundle = DeletedKeyBundle;
    type PurgeReply = ();

    const OPERATIONS: DeletionOperations<DataAction> = DeletionOperations {
        delete: names("DeleteKey", "KeyDelete", DataAction::KeyDelete),
        get_deleted: names("GetDeletedKey", "KeyGetDeleted", DataAction::DeletedKeyRead),
        list_deleted: names("ListDeletedKeys", "KeyListDeleted", DataAction::DeletedKeyList),
        recover: names("RecoverDeletedKey", "KeyRecover", DataAction::DeletedKeyRecover),
        purge: names("PurgeDeletedKey", "KeyPurge", DataAction::DeletedKeyPurge),
        purge_expired: "PurgeExpiredKey",
    };
    const KIND_DURING_PURGE: ResourceKind = ResourceKind::DeletedKey;

    fn reference(&self) -> Deletable {
        Deletable::Key(self.container.clone(), self.name.clone())
    }

    fn deleted_path(&self) -> KeyPath {
        KeyPath { container: self.container.clone(), name: self.name.clone() }
    }

    fn deletion(&self) -> Option<Deletion> {
        self.deletion
    }

    fn with_deletion(&self, deletion: Option<Deletion>, _: Timestamp) -> Self {
        Self { deletion, ..self.clone() }
    }

    fn check_changeable(&self, operation: &'static str) -> Result<()> {
        if self.managed {
            return Err(Error::ManagedByCertificate { kind: ResourceKind::Key, operation });
        }
        Ok(())
    }

    fn recovery_level(&self, cx: &Cx) -> RecoveryLevel {
        cx.recovery_level()
    }

    fn list_deleted(container: &ContainerId, page: &PageRequest, cx: &Cx) -> Vec<Arc<Self>> {
        cx.store.keys(container, Listing::Deleted, page.after.as_deref(), page.size + 1)
    }

    fn live_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<KeyBundle> {
        match self.current() {
            Some(version) => Ok(KeyBundle { version: version.clone(), level, managed: self.managed }),
            None => Err(Error::internal(format!("{} has no version", self.name))),
        }
    }

    fn deleted_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<DeletedKeyBundle> {
        match self.deletion {
            Some(deletion) => Ok(DeletedKeyBundle { current: self.live_bundle(level)?, deletion }),
            None => Err(Error::internal(format!("{} is not deleted", self.name))),
        }
    }

    fn purge_reply(self: &Arc<Self>, _: RecoveryLevel) {}

    fn purge_intent(&self) -> Option<(IntentVerb, Vec<VersionId>)> {
        Some((IntentVerb::Destroy, self.versions.iter().map(|version| version.version).collect()))
    }

    fn is_purged_by(&self, intent: &Intent) -> bool {
        intent.verb == IntentVerb::Destroy
            && intent.container == self.container
            && self.versions.iter().any(|version| intent.objects.contains(&version.version))
    }

    fn purged_by(intent: &Intent, store: &Store) -> Option<Arc<Self>> {
        let deleted = store.keys(&intent.container, Listing::Deleted, None, usize::MAX);
        deleted.into_iter().find(|key| key.is_purged_by(intent))
    }

    async fn destroy(&self, cx: &Cx) -> Result<()> {
        let objects: Vec<_> = self.versions.iter().map(|version| version.version).collect();
        cx.token()?.destroy(&objects).await
    }

    async fn repeat_destroy(intent: &Intent, _: Option<&Self>, cx: &RecoveryCx) -> Result<()> {
        cx.tokens.of(&intent.container)?.destroy(&intent.objects).await
    }
}

const fn names(name: &'static str, event: &'static str, action: DataAction) -> OperationNames<DataAction> {
    OperationNames { name, event, action, meter: Meter::Management }
}
