//! Managed HSMs as resources that are soft-deleted: their deletion operations, and what purging an HSM destroys.

use std::sync::Arc;

use super::{
    DeletedHsm, DeletedHsmPath, HsmBundle, LiveHsm, RecoverableHsm, SubscriptionHsms, recovery_level,
};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::{Intent, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::deletion::Deletable;
use crate::model::hsm::ManagedHsm;
use crate::model::name::VersionId;
use crate::model::resource::SubscriptionId;
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::ops::deletion::{
    Delete, DeletionOperations, GetDeleted, ListDeleted, Purge, PurgeExpired, Recover, SoftDeletable,
};
use crate::ops::{AttachedTokens, ControlCx, ControlPlane, OperationNames, PageRequest, RecoveryCx, wipe};
use crate::store::Store;
use crate::token::TokenPool;

/// Soft-deletes an HSM with its keys and role assignments. It is billed until it is purged.
pub type DeleteManagedHsm = Delete<ManagedHsm>;
/// Returns a deleted HSM.
pub type GetDeletedManagedHsm = GetDeleted<ManagedHsm>;
/// Lists the deleted HSMs of a subscription.
pub type ListDeletedManagedHsms = ListDeleted<ManagedHsm>;
/// Recovers a deleted HSM with its keys, deleted keys and their dates, and role assignments.
pub type RecoverDeletedManagedHsm = Recover<ManagedHsm>;
/// Purges a deleted HSM.
pub type PurgeDeletedManagedHsm = Purge<ManagedHsm>;
/// Purges a deleted HSM at its scheduled purge date.
pub type PurgeExpiredManagedHsm = PurgeExpired<ManagedHsm>;

impl SoftDeletable for ManagedHsm {
    type Plane = ControlPlane;
    type Live = LiveHsm;
    type Deleted = DeletedHsm;
    type Recoverable = RecoverableHsm;
    type Container = SubscriptionHsms;
    type LiveBundle = HsmBundle;
    type DeletedBundle = HsmBundle;
    type PurgeReply = HsmBundle;

    const OPERATIONS: DeletionOperations<ControlAction> = DeletionOperations {
        delete: OperationNames {
            name: "DeleteManagedHsm",
            event: "ManagedHsmDelete",
            action: ControlAction::HsmDelete,
            meter: Meter::Free,
        },
        get_deleted: OperationNames {
            name: "GetDeletedManagedHsm",
            event: "ManagedHsmGetDeleted",
            action: ControlAction::DeletedHsmRead,
            meter: Meter::Free,
        },
        list_deleted: OperationNames {
            name: "ListDeletedManagedHsms",
            event: "ManagedHsmListDeleted",
            action: ControlAction::DeletedHsmList,
            meter: Meter::Free,
        },
        recover: OperationNames {
            name: "RecoverDeletedManagedHsm",
            event: "ManagedHsmRecover",
            action: ControlAction::HsmWrite,
            meter: Meter::Management,
        },
        purge: OperationNames {
            name: "PurgeDeletedManagedHsm",
            event: "ManagedHsmPurge",
            action: ControlAction::DeletedHsmPurge,
            meter: Meter::Management,
        },
        purge_expired: "PurgeExpiredManagedHsm",
    };
    const KIND_DURING_PURGE: ResourceKind = ResourceKind::ManagedHsm;

    fn reference(&self) -> Deletable {
        Deletable::ManagedHsm(self.name.clone())
    }

    fn deleted_path(&self) -> DeletedHsmPath {
        let Self { subscription, location, name, .. } = self.clone();
        DeletedHsmPath { subscription, location, name }
    }

    fn deletion(&self) -> Option<Deletion> {
        self.deletion
    }

    fn with_deletion(&self, deletion: Option<Deletion>) -> Self {
        Self { deletion, ..self.clone() }
    }

    fn recovery_level(&self, cx: &ControlCx) -> RecoveryLevel {
        recovery_level(self, &cx.store)
    }

    fn list_deleted(subscription: &SubscriptionId, page: &PageRequest, cx: &ControlCx) -> Vec<Arc<Self>> {
        let mut hsms = cx.store.hsms();
        hsms.retain(|hsm| {
            hsm.subscription == *subscription
                && hsm.deletion.is_some()
                && page.after.as_ref().is_none_or(|after| hsm.name.to_case_insensitive() > *after)
        });
        hsms
    }

    fn live_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<HsmBundle> {
        Ok(HsmBundle { hsm: Arc::clone(self), level })
    }

    fn deleted_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<HsmBundle> {
        self.live_bundle(level)
    }

    fn purge_reply(self: &Arc<Self>, level: RecoveryLevel) -> HsmBundle {
        HsmBundle { hsm: Arc::clone(self), level }
    }

    fn purge_intent(&self) -> Option<(IntentVerb, Vec<VersionId>)> {
        Some((IntentVerb::Wipe, Vec::new()))
    }

    fn is_purged_by(&self, intent: &Intent) -> bool {
        let this = ContainerId::from(&self.name);
        intent.verb == IntentVerb::Wipe
            && intent.container.to_case_insensitive() == this.to_case_insensitive()
    }

    fn purged_by(intent: &Intent, store: &Store) -> Option<Arc<Self>> {
        store.hsm(intent.container.managed_hsm()?).filter(|hsm| hsm.deletion.is_some())
    }

    async fn destroy(&self, cx: &ControlCx) -> Result<()> {
        release(self, &cx.store, &cx.token_pool, &cx.tokens).await
    }

    async fn repeat_destroy(_: &Intent, deleted: Option<&Self>, cx: &RecoveryCx) -> Result<()> {
        match deleted {
            Some(hsm) => release(hsm, &cx.store, &cx.token_pool, &cx.tokens).await,
            None => Ok(()),
        }
    }
}

/// Wipes the token of a deleted HSM and releases it to the pool.
async fn release(hsm: &ManagedHsm, store: &Store, pool: &TokenPool, tokens: &AttachedTokens) -> Result<()> {
    wipe(store, pool, hsm).await?;
    tokens.detach(&(&hsm.name).into());
    Ok(())
}
