//! Tells the outcome of what was done to a resource group and has no resource to be asked any more.

use super::Directory;
use crate::model::Result;
use crate::model::entry::Meter;
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::ops::{DirectoryCx, Done, Known, Operation};

/// Asks for the outcome of the deletion of a resource group, as clients of Azure Resource Manager do until there is
/// one. It ended before it was answered, so it has come true.
///
/// Whoever deletes a group loses the roles that were given at it, so no role is asked for; and nothing is told of what
/// is there or was.
#[derive(Clone, Debug)]
pub struct GetResourceGroupDeletion {
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// Which group was deleted.
    pub name: ResourceGroupName,
}

impl Operation for GetResourceGroupDeletion {
    const NAME: &'static str = "GetResourceGroupDeletion";
    const EVENT: &'static str = "ResourceGroupDeletionGet";
    const ACTION: Known = Known;
    const METER: Meter = Meter::Free;
    // On gRPC, what takes long is answered when it is done.
    const IS_RPC: bool = false;
    type Target = Directory;
    type Reply = ();

    fn target(&self) {}

    async fn execute(self, _: Directory, _: &DirectoryCx) -> Result<Done<()>> {
        Ok(Done::reply(()))
    }
}
