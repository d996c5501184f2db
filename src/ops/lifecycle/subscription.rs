//! Reads the lifecycle events of the resources of a subscription.

use std::marker::PhantomData;

use super::{BATCH, WatchOperation};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::event::{EventBatch, EventFilter, EventPosition};
use crate::model::resource::SubscriptionId;
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, Done, Operation};

/// A kind of resource whose events can be watched. Each requires an action of its own: permission to read resources of one kind
/// includes neither others nor costs.
pub trait WatchedResources: Clone + Send + Sync + 'static {
    /// The action that a role must grant at the subscription.
    const ACTION: ControlAction;

    /// Returns the selection of their events.
    fn filter(subscription: SubscriptionId) -> EventFilter;
}

/// Managed HSMs, without their keys.
#[derive(Clone, Debug)]
pub struct ManagedHsms;

impl WatchedResources for ManagedHsms {
    const ACTION: ControlAction = ControlAction::HsmRead;

    fn filter(subscription: SubscriptionId) -> EventFilter {
        EventFilter::ManagedHsms(subscription)
    }
}

/// Vaults, without their contents.
#[derive(Clone, Debug)]
pub struct Vaults;

impl WatchedResources for Vaults {
    const ACTION: ControlAction = ControlAction::VaultRead;

    fn filter(subscription: SubscriptionId) -> EventFilter {
        EventFilter::Vaults(subscription)
    }
}

/// Budgets.
#[derive(Clone, Debug)]
pub struct Budgets;

impl WatchedResources for Budgets {
    const ACTION: ControlAction = ControlAction::BudgetRead;

    fn filter(subscription: SubscriptionId) -> EventFilter {
        EventFilter::Budgets(subscription)
    }
}

/// Reads the events of the resources `R` of a subscription from a position in the log.
#[derive(Clone, Debug)]
pub struct WatchResources<R> {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The position in the log.
    pub since: EventPosition,
    kind: PhantomData<R>,
}

impl<R> WatchResources<R> {
    /// Returns the operation.
    pub const fn new(subscription: SubscriptionId, since: EventPosition) -> Self {
        Self { subscription, since, kind: PhantomData }
    }
}

impl<R: WatchedResources> Operation for WatchResources<R> {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: ControlAction = R::ACTION;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = EventBatch;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<EventBatch>> {
        cx.store.events(R::filter(self.subscription), self.since, BATCH).map(Done::reply)
    }
}

impl<R: WatchedResources> WatchOperation for WatchResources<R> {
    fn after(self, _: EventFilter, position: u64) -> Self {
        Self { since: EventPosition::Event(position), ..self }
    }
}
