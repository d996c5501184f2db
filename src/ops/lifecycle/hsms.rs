//! Reads the lifecycle events of a subscription's managed HSMs.

use super::{BATCH, Watching};
use crate::model::Result;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::event::{Batch, Since, Watched};
use crate::model::resource::SubscriptionId;
use crate::ops::resources::Place;
use crate::ops::{ControlCx, Done, Operation};

/// Reads the events of a subscription's managed HSMs, without those of keys, from a position in the log.
#[derive(Clone, Debug)]
pub struct WatchManagedHsms {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The position in the log.
    pub since: Since,
}

impl Operation for WatchManagedHsms {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: ControlAction = ControlAction::HsmRead;
    const METER: Meter = Meter::Free;
    type Target = Place;
    type Reply = Batch;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: Place, cx: &ControlCx) -> Result<Done<Batch>> {
        cx.store.events(Watched::ManagedHsms(self.subscription), self.since, BATCH).map(Done::reply)
    }
}

impl Watching for WatchManagedHsms {
    fn after(self, _: Watched, position: u64) -> Self {
        Self { since: Since::Event(position), ..self }
    }
}
