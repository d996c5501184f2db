//! Secrets and keys of vaults as resources of the control plane: operations on their contents that roles of the control plane
//! authorize, regardless of the permission model of the vault. They never return a value.
//!
//! Azure: `Microsoft.KeyVault/vaults/secrets` and `Microsoft.KeyVault/vaults/keys` in
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod keys;
mod plane;
mod secrets;
mod through_control_plane;

pub use keys::{EnsureKey, GetKeyResource, ListKeyResources, ListKeyVersionResources, PutKeyResource};
pub use plane::VaultContentsPlane;
pub use secrets::{
    ChangeSecret, DescribeSecret, GetSecretResource, ListSecretResources, PutSecretResource,
    UpdateSecretResource,
};
pub use through_control_plane::{InVault, ThroughControlPlane};

use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::ops::OperationNames;

/// Returns the names of an operation, which is not billed, like all of the control plane.
const fn names(
    name: &'static str,
    event: &'static str,
    action: ControlAction,
) -> OperationNames<ControlAction> {
    OperationNames { name, event, action, meter: Meter::Free }
}
