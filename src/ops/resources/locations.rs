//! Lists where resources can be.

use super::Place;
use crate::model::Result;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::location::Location;
use crate::model::resource::SubscriptionId;
use crate::ops::{ControlCx, Done, Operation};

/// Lists the locations that a subscription may use: all of them.
#[derive(Clone, Debug)]
pub struct ListLocations {
    /// For which subscription.
    pub subscription: SubscriptionId,
}

impl Operation for ListLocations {
    const NAME: &'static str = "ListLocations";
    const EVENT: &'static str = "LocationList";
    const ACTION: ControlAction = ControlAction::LocationRead;
    const METER: Meter = Meter::Free;
    type Target = Place;
    /// The locations, and for which subscription.
    type Reply = (SubscriptionId, Vec<Location>);

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: Place, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply((self.subscription, cx.locations.all().to_vec())))
    }
}
