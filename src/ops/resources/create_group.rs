//! Creates a resource group.

use super::AnyScope;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange};
use crate::model::key::Tags;
use crate::model::resource::{ResourceGroup, ResourceGroupName, SubscriptionId, check_resource_tags};
use crate::model::resource_kind::Resource;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// Creates a resource group, or updates the tags of an existing one.
#[derive(Clone, Debug)]
pub struct CreateResourceGroup {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The name of the group.
    pub name: ResourceGroupName,
    /// The region, by name or display name.
    pub location: String,
    /// The tags, which replace those of an existing group.
    pub tags: Tags,
    /// Whether an existing group in this region is accepted; otherwise the name must be unused.
    pub allow_existing: bool,
}

/// The resource group, and whether it is new.
#[derive(Clone, Debug)]
pub struct CreatedGroup {
    /// The group.
    pub group: ResourceGroup,
    /// Whether the group was created by this operation.
    pub new: bool,
}

impl Operation for CreateResourceGroup {
    const NAME: &'static str = "CreateResourceGroup";
    const EVENT: &'static str = "ResourceGroupCreate";
    const ACTION: ControlAction = ControlAction::ResourceGroupWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = AnyScope;
    type Reply = CreatedGroup;

    fn target(&self) -> ControlScope {
        ControlScope::ResourceGroup(self.subscription, self.name.clone())
    }

    fn check(&self, _: &AnyScope, _: Timestamp) -> Result<()> {
        Ok(check_resource_tags(&self.tags)?)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let Self { subscription, name, location, tags, allow_existing: existing_will_do } = self;
        let location = cx.locations.find(&location)?.name.clone();
        match cx.store.resource_group(subscription, &name) {
            None => {}
            Some(_) if !existing_will_do => {
                return Err(Error::Exists { resource: Resource::group(subscription, &name), deleted: false });
            }
            Some(group) if group.location != location => {
                return Err(Error::invalid(Field::Location, "the resource group exists in another location"));
            }
            Some(group) if group.tags == tags => {
                return Ok(Done::reply(CreatedGroup { group: group.as_ref().clone(), new: false }));
            }
            Some(group) => {
                let group = ResourceGroup { tags, ..group.as_ref().clone() };
                let change = Change::Control(ControlChange::PutResourceGroup(group.clone()));
                return Ok(Done::with(CreatedGroup { group, new: false }, [change]));
            }
        }
        let group = ResourceGroup { subscription, name, location, created: cx.now, tags };
        let change = Change::Control(ControlChange::InsertResourceGroup(group.clone()));
        Ok(Done::with(CreatedGroup { group, new: true }, [change]))
    }
}
