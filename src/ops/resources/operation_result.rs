//! Returns the result of the deletion of a resource group.

use super::Directory;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::ops::{DirectoryCx, Done, Operation, RolelessAction};

/// Returns the result of the deletion of a resource group, which clients of Azure Resource Manager poll. The deletion
/// completed before its reply, so the result is success.
///
/// Deleting a group deletes the role assignments at it, so no role is required. The reply does not depend on which groups
/// exist or existed.
#[derive(Clone, Debug)]
pub struct GetResourceGroupDeletion {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The deleted group.
    pub name: ResourceGroupName,
}

impl Operation for GetResourceGroupDeletion {
    const NAME: &'static str = "GetResourceGroupDeletion";
    const EVENT: &'static str = "ResourceGroupDeletionGet";
    const ACTION: RolelessAction = RolelessAction::AnyCaller;
    const METER: Meter = Meter::Free;
    // gRPC methods reply when the operation is complete.
    const IS_RPC: bool = false;
    type Target = Directory;
    type Reply = ();

    fn target(&self) {}

    async fn execute(self, _: Directory, _: &DirectoryCx) -> Result<Done<()>> {
        Ok(Done::reply(()))
    }
}
