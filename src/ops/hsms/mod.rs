//! Managed HSMs as resources: create, get, list, update, delete, recover, purge and activate.
//!
//! Azure: `Microsoft.KeyVault/managedHSMs` in
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod activate;
mod create;
mod operation_result;
mod resource;
mod update;

pub(super) use activate::current_hsm;
pub use activate::{ActivateManagedHsm, HsmInAnyState};
pub use create::CreateManagedHsm;
pub use operation_result::{GetManagedHsmOperationResult, OperationOutcome};
pub use update::{HsmChanges, ImmutableProperties, UpdateManagedHsm};

use super::containers::{Bundle, CheckName, ContainerPath, DeletedPath, Get, List, Live, NewContainer};
use super::deletion::{Delete, GetDeleted, ListDeleted, Purge, PurgeExpired, Recover};
use crate::model::hsm::ManagedHsm;

/// An HSM as surfaces show it.
pub type HsmBundle = Bundle<ManagedHsm>;
/// Identifies a live HSM resource.
pub type HsmPath = ContainerPath<ManagedHsm>;
/// Identifies a deleted HSM.
pub type DeletedHsmPath = DeletedPath<ManagedHsm>;
/// An unused HSM name in an existing resource group.
pub type NewHsm = NewContainer<ManagedHsm>;
/// A live HSM.
pub type LiveHsm = Live<ManagedHsm>;

/// Returns a live HSM.
pub type GetManagedHsm = Get<ManagedHsm>;
/// Lists the live HSMs of a subscription or of a resource group.
pub type ListManagedHsms = List<ManagedHsm>;
/// Checks whether a name is available for an HSM.
pub type CheckManagedHsmName = CheckName<ManagedHsm>;
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
