//! Updates the tags of a resource group.

use super::ExistingResourceGroup;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange};
use crate::model::key::Tags;
use crate::model::resource::{ResourceGroup, ResourceGroupName, SubscriptionId, check_resource_tags};
use crate::model::{Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// Updates a resource group.
#[derive(Clone, Debug)]
pub struct UpdateResourceGroup {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub name: ResourceGroupName,
    /// Tags that replace all existing ones; `None` keeps them.
    pub tags: Option<Tags>,
}

impl Operation for UpdateResourceGroup {
    const NAME: &'static str = "UpdateResourceGroup";
    const EVENT: &'static str = "ResourceGroupUpdate";
    const ACTION: ControlAction = ControlAction::ResourceGroupWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = ExistingResourceGroup;
    type Reply = ResourceGroup;

    fn target(&self) -> (SubscriptionId, ResourceGroupName) {
        (self.subscription, self.name.clone())
    }

    fn check(&self, _: &ExistingResourceGroup, _: Timestamp) -> Result<()> {
        Ok(self.tags.as_ref().map_or(Ok(()), check_resource_tags)?)
    }

    async fn execute(self, target: ExistingResourceGroup, _: &ControlCx) -> Result<Done<Self::Reply>> {
        let before = target.0.as_ref().clone();
        let Some(tags) = self.tags else { return Ok(Done::reply(before)) };
        let group = ResourceGroup { tags, ..before };
        let change = Change::Control(ControlChange::PutResourceGroup(group.clone()));
        Ok(Done::with(group, [change]))
    }
}
