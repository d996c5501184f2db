//! Lists, returns and deletes resource groups.

use std::sync::Arc;

use super::{AnyScope, ExistingResourceGroup};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange};
use crate::model::deletion::Transition;
use crate::model::resource::{ResourceGroup, ResourceGroupName, SubscriptionId};
use crate::ops::{ControlCx, Done, Operation};

/// Lists the resource groups of a subscription.
#[derive(Clone, Debug)]
pub struct ListResourceGroups {
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl Operation for ListResourceGroups {
    const NAME: &'static str = "ListResourceGroups";
    const EVENT: &'static str = "ResourceGroupList";
    const ACTION: ControlAction = ControlAction::ResourceGroupRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = Vec<Arc<ResourceGroup>>;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(cx.store.resource_groups(self.subscription)))
    }
}

/// Returns a resource group.
#[derive(Clone, Debug)]
pub struct GetResourceGroup {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub name: ResourceGroupName,
}

impl Operation for GetResourceGroup {
    const NAME: &'static str = "GetResourceGroup";
    const EVENT: &'static str = "ResourceGroupGet";
    const ACTION: ControlAction = ControlAction::ResourceGroupRead;
    const METER: Meter = Meter::Free;
    type Target = ExistingResourceGroup;
    type Reply = Arc<ResourceGroup>;

    fn target(&self) -> (SubscriptionId, ResourceGroupName) {
        (self.subscription, self.name.clone())
    }

    async fn execute(self, target: ExistingResourceGroup, _: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(target.0))
    }
}

/// Deletes a resource group. HSMs and vaults in the group are soft-deleted in the same transaction, which requires only the action
/// of deleting the group. Role assignments at the group and below are deleted. Deleted HSMs belong to the subscription:
/// they are kept, and can be recovered once a group of this name exists again.
///
/// A vault without soft-delete is purged by the scheduler at once.
///
/// Source: "Delete resource groups" of Azure Resource Manager. Purge protection does not prevent soft-deletion.
#[derive(Clone, Debug)]
pub struct DeleteResourceGroup {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub name: ResourceGroupName,
}

impl Operation for DeleteResourceGroup {
    const NAME: &'static str = "DeleteResourceGroup";
    const EVENT: &'static str = "ResourceGroupDelete";
    const ACTION: ControlAction = ControlAction::ResourceGroupDelete;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = ExistingResourceGroup;
    type Reply = Arc<ResourceGroup>;

    fn target(&self) -> (SubscriptionId, ResourceGroupName) {
        (self.subscription, self.name.clone())
    }

    async fn execute(self, target: ExistingResourceGroup, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let group = &target.0;
        let mut changes = Vec::new();
        for container in cx.store.containers() {
            let is_in_group = container.subscription() == group.subscription
                && container.resource_group().to_case_insensitive() == group.name.to_case_insensitive()
                && container.deletion().is_none();
            if is_in_group {
                let deletion = container.recovery_level(false).deletion_at(cx.now)?;
                let transition = Transition::SoftDelete(deletion);
                changes.push(Change::Transition(container.deletable(), transition));
            }
        }
        // The store rejects the change if a container was added to the group meanwhile.
        changes.push(Change::Control(ControlChange::DeleteResourceGroup(self.subscription, self.name)));
        Ok(Done::with(target.0, changes))
    }
}
