//! Reads the lifecycle events of a subscription's budgets.

use super::{BATCH, WatchOperation};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::event::{EventBatch, EventFilter, EventPosition};
use crate::model::resource::SubscriptionId;
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, Done, Operation};

/// Reads the events of a subscription's budgets from a position in the log. Requires an action of its own: permission to
/// read HSMs does not include their costs.
#[derive(Clone, Debug)]
pub struct WatchBudgets {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The position in the log.
    pub since: EventPosition,
}

impl Operation for WatchBudgets {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: ControlAction = ControlAction::BudgetRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = EventBatch;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<EventBatch>> {
        cx.store.events(EventFilter::Budgets(self.subscription), self.since, BATCH).map(Done::reply)
    }
}

impl WatchOperation for WatchBudgets {
    fn after(self, _: EventFilter, position: u64) -> Self {
        Self { since: EventPosition::Event(position), ..self }
    }
}
