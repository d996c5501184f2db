//! Secrets as soft-deletable resources: delete, get and list deleted, recover, purge.

use std::sync::Arc;

use super::{AllSecrets, DeletedSecret, LiveSecret, SecretBundle, SecretPath};
use crate::model::audit_entry::Meter;
use crate::model::change::{Intent, IntentVerb};
use crate::model::deletion::Deletable;
use crate::model::name::{VaultName, VersionId};
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::secret::Secret;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result, Timestamp};
use crate::ops::deletion::{
    Delete, DeletionOperations, GetDeleted, ListDeleted, Purge, PurgeExpired, Recover, SoftDeletable,
};
use crate::ops::{Cx, OperationNames, PageRequest, RecoveryCx, VaultPlane};
use crate::store::{Listing, Store};

/// Soft-deletes a secret with all its versions.
pub type DeleteSecret = Delete<Secret>;
/// Returns a deleted secret, without its value.
pub type GetDeletedSecret = GetDeleted<Secret>;
/// Lists the deleted secrets of a vault.
pub type ListDeletedSecrets = ListDeleted<Secret>;
/// Recovers a deleted secret with all its versions.
pub type RecoverDeletedSecret = Recover<Secret>;
/// Purges a deleted secret.
pub type PurgeDeletedSecret = Purge<Secret>;
/// Purges a deleted secret at its scheduled purge date.
pub type PurgeExpiredSecret = PurgeExpired<Secret>;

/// A deleted secret as surfaces show it: the bundle of its current version, and the dates of its deletion.
#[derive(Clone, Debug)]
pub struct DeletedSecretBundle {
    /// The bundle of the current version.
    pub current: SecretBundle,
    /// The deletion date and the scheduled purge date.
    pub deletion: Deletion,
}

impl SoftDeletable for Secret {
    type Plane = VaultPlane;
    type Live = LiveSecret;
    type Deleted = DeletedSecret;
    type Recoverable = DeletedSecret;
    type Container = AllSecrets;
    type LiveBundle = SecretBundle;
    type DeletedBundle = DeletedSecretBundle;
    type PurgeReply = ();

    const OPERATIONS: DeletionOperations<VaultAction> = DeletionOperations {
        delete: names("DeleteSecret", "SecretDelete", VaultAction::SecretDelete),
        get_deleted: names("GetDeletedSecret", "SecretGetDeleted", VaultAction::DeletedSecretRead),
        list_deleted: names("ListDeletedSecrets", "SecretListDeleted", VaultAction::SecretList),
        recover: names("RecoverDeletedSecret", "SecretRecover", VaultAction::SecretRecover),
        purge: names("PurgeDeletedSecret", "SecretPurge", VaultAction::SecretPurge),
        purge_expired: "PurgeExpiredSecret",
    };
    const KIND_DURING_PURGE: ResourceKind = ResourceKind::DeletedSecret;

    fn reference(&self) -> Deletable {
        Deletable::Secret(self.vault.clone(), self.name.clone())
    }

    fn deleted_path(&self) -> SecretPath {
        SecretPath { vault: self.vault.clone(), name: self.name.clone() }
    }

    fn deletion(&self) -> Option<Deletion> {
        self.deletion
    }

    fn with_deletion(&self, deletion: Option<Deletion>, _: Timestamp) -> Self {
        Self { deletion, ..self.clone() }
    }

    fn check_changeable(&self, operation: &'static str) -> Result<()> {
        if self.managed {
            return Err(Error::ManagedByCertificate { kind: ResourceKind::Secret, operation });
        }
        Ok(())
    }

    fn recovery_level(&self, cx: &Cx) -> RecoveryLevel {
        cx.recovery_level()
    }

    fn list_deleted(vault: &VaultName, page: &PageRequest, cx: &Cx) -> Vec<Arc<Self>> {
        cx.store.secrets(vault, Listing::Deleted, page.after.as_deref(), page.size + 1)
    }

    fn live_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<SecretBundle> {
        match self.current() {
            Some(version) => Ok(SecretBundle { version: version.clone(), level, managed: self.managed }),
            None => Err(Error::internal(format!("{} has no version", self.name))),
        }
    }

    fn deleted_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<DeletedSecretBundle> {
        match self.deletion {
            Some(deletion) => Ok(DeletedSecretBundle { current: self.live_bundle(level)?, deletion }),
            None => Err(Error::internal(format!("{} is not deleted", self.name))),
        }
    }

    fn purge_reply(self: &Arc<Self>, _: RecoveryLevel) {}

    /// A secret has no object in the token: its record is its value.
    fn purge_intent(&self) -> Option<(IntentVerb, Vec<VersionId>)> {
        None
    }

    fn is_purged_by(&self, _: &Intent) -> bool {
        false
    }

    fn purged_by(_: &Intent, _: &Store) -> Option<Arc<Self>> {
        None
    }

    async fn destroy(&self, _: &Cx) -> Result<()> {
        Ok(())
    }

    async fn repeat_destroy(_: &Intent, _: Option<&Self>, _: &RecoveryCx) -> Result<()> {
        Ok(())
    }
}

const fn names(name: &'static str, event: &'static str, action: VaultAction) -> OperationNames<VaultAction> {
    OperationNames { name, event, action, meter: Meter::Management }
}
