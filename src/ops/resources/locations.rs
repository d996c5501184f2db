//! Lists the locations of resources.

use super::AnyScope;
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::location::Location;
use crate::model::resource::SubscriptionId;
use crate::ops::{ControlCx, Done, Operation};

/// Lists the locations that a subscription may use: all configured ones.
#[derive(Clone, Debug)]
pub struct ListLocations {
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl Operation for ListLocations {
    const NAME: &'static str = "ListLocations";
    const EVENT: &'static str = "LocationList";
    const ACTION: ControlAction = ControlAction::LocationRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    /// The subscription and the locations.
    type Reply = (SubscriptionId, Vec<Location>);

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply((self.subscription, cx.locations.all().to_vec())))
    }
}
