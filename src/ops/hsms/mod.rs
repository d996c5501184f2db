//! Managed HSMs as resources: create, get, list, update, delete, recover, purge and activate.
//!
//! Azure: `Microsoft.KeyVault/managedHSMs` in
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod activate;
mod check_name;
mod create;
mod delete;
mod expire;
mod get;
mod get_deleted;
mod list;
mod list_deleted;
mod operation_result;
mod purge;
mod recover;
mod recovery;
mod target;
mod update;

use std::sync::Arc;

pub use activate::ActivateManagedHsm;
pub use check_name::{CheckManagedHsmName, NameAvailability};
pub use create::CreateManagedHsm;
pub use delete::DeleteManagedHsm;
pub use expire::PurgeExpiredManagedHsm;
pub use get::GetManagedHsm;
pub use get_deleted::GetDeletedManagedHsm;
pub use list::ListManagedHsms;
pub use list_deleted::ListDeletedManagedHsms;
pub use operation_result::{GetManagedHsmOperationResult, OperationOutcome};
pub use purge::PurgeDeletedManagedHsm;
pub use recover::RecoverDeletedManagedHsm;
pub(super) use recovery::{CREATION_RECOVERY, PURGE_RECOVERY};
pub use target::{
    DeletedHsm, DeletedHsmPath, HsmCollection, HsmPath, LiveHsm, NewHsm, RecoverableHsm, SubscriptionHsms,
};
pub use update::{HsmChanges, ImmutableProperties, UpdateManagedHsm};

use super::ControlCx;
use crate::model::hsm::ManagedHsm;
use crate::model::retention::RecoveryLevel;
use crate::store::Store;

/// An HSM as surfaces show it.
#[derive(Clone, Debug)]
pub struct HsmBundle {
    /// The resource.
    pub hsm: Arc<ManagedHsm>,
    /// The recovery level of the HSM and its keys.
    pub level: RecoveryLevel,
}

impl HsmBundle {
    /// Returns the bundle of an HSM.
    fn of(hsm: &Arc<ManagedHsm>, store: &Store) -> Self {
        Self { hsm: Arc::clone(hsm), level: recovery_level(hsm, store) }
    }
}

/// Returns the recovery level of an HSM and its keys.
fn recovery_level(hsm: &ManagedHsm, store: &Store) -> RecoveryLevel {
    let subscription = store.subscription(hsm.subscription);
    hsm.recovery_level(subscription.is_some_and(|subscription| subscription.protected))
}

/// Whether an interrupted purge is wiping the token of a deleted HSM; the sweeper completes it.
fn is_being_purged(hsm: &ManagedHsm, cx: &ControlCx) -> bool {
    use crate::model::change::IntentVerb;
    let wipes_it = |intent: &crate::model::change::Intent| {
        intent.verb == IntentVerb::Wipe && intent.hsm.to_case_insensitive() == hsm.name.to_case_insensitive()
    };
    cx.store.intents().iter().any(wipes_it)
}
