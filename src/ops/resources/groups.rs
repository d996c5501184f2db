//! Resource groups: listed, read, deleted.

use std::sync::Arc;

use super::{Group, Place};
use crate::model::Result;
use crate::model::change::{Change, ControlChange};
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::resource::{ResourceGroup, ResourceGroupName, SubscriptionId};
use crate::ops::{ControlCx, Done, Operation};

/// Lists the resource groups of a subscription.
#[derive(Clone, Debug)]
pub struct ListResourceGroups {
    /// Of which subscription.
    pub subscription: SubscriptionId,
}

impl Operation for ListResourceGroups {
    const NAME: &'static str = "ListResourceGroups";
    const EVENT: &'static str = "ResourceGroupList";
    const ACTION: ControlAction = ControlAction::ResourceGroupRead;
    const METER: Meter = Meter::Free;
    type Target = Place;
    type Reply = Vec<Arc<ResourceGroup>>;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: Place, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(cx.store.resource_groups(self.subscription)))
    }
}

/// Reads a resource group.
#[derive(Clone, Debug)]
pub struct GetResourceGroup {
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// Which.
    pub name: ResourceGroupName,
}

impl Operation for GetResourceGroup {
    const NAME: &'static str = "GetResourceGroup";
    const EVENT: &'static str = "ResourceGroupGet";
    const ACTION: ControlAction = ControlAction::ResourceGroupRead;
    const METER: Meter = Meter::Free;
    type Target = Group;
    type Reply = Arc<ResourceGroup>;

    fn target(&self) -> (SubscriptionId, ResourceGroupName) {
        (self.subscription, self.name.clone())
    }

    async fn execute(self, target: Group, _: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(target.0))
    }
}

/// Deletes a resource group that holds no HSM, live or soft-deleted: where a deleted one is recovered to
/// must still be there. Role assignments at the group go with it.
#[derive(Clone, Debug)]
pub struct DeleteResourceGroup {
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// Which.
    pub name: ResourceGroupName,
}

impl Operation for DeleteResourceGroup {
    const NAME: &'static str = "DeleteResourceGroup";
    const EVENT: &'static str = "ResourceGroupDelete";
    const ACTION: ControlAction = ControlAction::ResourceGroupDelete;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = Group;
    type Reply = Arc<ResourceGroup>;

    fn target(&self) -> (SubscriptionId, ResourceGroupName) {
        (self.subscription, self.name.clone())
    }

    async fn execute(self, target: Group, _: &ControlCx) -> Result<Done<Self::Reply>> {
        // That it is empty is the store's to see, in the moment of the change.
        let change = ControlChange::DeleteResourceGroup(self.subscription, self.name);
        Ok(Done::with(target.0, [Change::Control(change)]))
    }
}
