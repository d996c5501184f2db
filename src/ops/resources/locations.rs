//! Lists the locations of resources.

use super::Place;
use crate::model::Result;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
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
    type Target = Place;
    /// The subscription and the locations.
    type Reply = (SubscriptionId, Vec<Location>);

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: Place, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply((self.subscription, cx.locations.all().to_vec())))
    }
}
