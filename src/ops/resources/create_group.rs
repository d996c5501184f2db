//! Makes a resource group.

use super::Place;
use crate::model::change::{Change, ControlChange};
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::resource::{ResourceGroup, ResourceGroupName, SubscriptionId};
use crate::model::{Error, Result};
use crate::ops::{ControlCx, Done, Operation};

/// Resource groups of one subscription (Azure's service limits).
const MOST: usize = 980;

/// Makes a resource group. Its name must be free.
#[derive(Clone, Debug)]
pub struct CreateResourceGroup {
    /// In which subscription.
    pub subscription: SubscriptionId,
    /// Its name.
    pub name: ResourceGroupName,
    /// The region of its record, by either name.
    pub location: String,
}

impl Operation for CreateResourceGroup {
    const NAME: &'static str = "CreateResourceGroup";
    const EVENT: &'static str = "ResourceGroupCreate";
    const ACTION: ControlAction = ControlAction::ResourceGroupWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = Place;
    type Reply = ResourceGroup;

    fn target(&self) -> ControlScope {
        ControlScope::ResourceGroup(self.subscription, self.name.clone())
    }

    async fn execute(self, _: Place, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let Self { subscription, name, location } = self;
        let location = cx.locations.find(&location)?.name.clone();
        if cx.store.resource_group(subscription, &name).is_some() {
            return Err(Error::ResourceGroupExists { subscription, group: name });
        }
        if cx.store.resource_groups(subscription).len() >= MOST {
            return Err(Error::LimitExceeded { what: "resource groups in a subscription", limit: MOST });
        }
        let group = ResourceGroup { subscription, name, location, created: cx.now };
        let change = Change::Control(ControlChange::PutResourceGroup(group.clone()));
        Ok(Done::with(group, [change]))
    }
}
