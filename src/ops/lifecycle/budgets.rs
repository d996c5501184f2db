//! Reads the lifecycle events of a subscription's budgets.

use super::{BATCH, Watching};
use crate::model::Result;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::event::{Batch, Since, Watched};
use crate::model::resource::SubscriptionId;
use crate::ops::resources::Place;
use crate::ops::{ControlCx, Done, Operation};

/// Reads the events of a subscription's budgets from a position in the log. Requires an action of its own: permission to
/// read HSMs does not include their costs.
#[derive(Clone, Debug)]
pub struct WatchBudgets {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The position in the log.
    pub since: Since,
}

impl Operation for WatchBudgets {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: ControlAction = ControlAction::BudgetRead;
    const METER: Meter = Meter::Free;
    type Target = Place;
    type Reply = Batch;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: Place, cx: &ControlCx) -> Result<Done<Batch>> {
        cx.store.events(Watched::Budgets(self.subscription), self.since, BATCH).map(Done::reply)
    }
}

impl Watching for WatchBudgets {
    fn after(self, _: Watched, position: u64) -> Self {
        Self { since: Since::Event(position), ..self }
    }
}
