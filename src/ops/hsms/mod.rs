//! Managed HSMs as resources: create, get, list, update, delete, recover, purge and activate.
//!
//! Azure: `Microsoft.KeyVault/managedHSMs` in
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod activate;
mod check_name;
mod create;
mod deletion;
mod get;
mod list;
mod operation_result;
mod recovery;
mod target;
mod update;

use std::sync::Arc;

pub(super) use activate::current_hsm;
pub use activate::{ActivateManagedHsm, HsmInAnyState};
pub use check_name::{CheckManagedHsmName, NameAvailability};
pub use create::CreateManagedHsm;
pub use deletion::{
    DeleteManagedHsm, GetDeletedManagedHsm, ListDeletedManagedHsms, PurgeDeletedManagedHsm,
    PurgeExpiredManagedHsm, RecoverDeletedManagedHsm,
};
pub use get::GetManagedHsm;
pub use list::ListManagedHsms;
pub use operation_result::{GetManagedHsmOperationResult, OperationOutcome};
pub(super) use recovery::CREATION_RECOVERY;
pub use target::{
    DeletedHsm, DeletedHsmPath, HsmCollection, HsmPath, LiveHsm, NewHsm, RecoverableHsm, SubscriptionHsms,
};
pub use update::{HsmChanges, ImmutableProperties, UpdateManagedHsm};

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
