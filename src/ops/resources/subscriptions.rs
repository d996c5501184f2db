//! Lists and returns subscriptions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{AnyScope, Directory};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::resource::{Subscription, SubscriptionId};
use crate::ops::{ControlCx, DirectoryCx, Done, Operation, RolelessAction};

/// Lists the subscriptions in which the caller has a role at any scope, as Azure Resource Manager does.
#[derive(Clone, Debug)]
pub struct ListSubscriptions;

impl Operation for ListSubscriptions {
    const NAME: &'static str = "ListSubscriptions";
    const EVENT: &'static str = "SubscriptionList";
    const ACTION: RolelessAction = RolelessAction::AnyCaller;
    const METER: Meter = Meter::Free;
    type Target = Directory;
    type Reply = Vec<Arc<Subscription>>;

    fn target(&self) {}

    async fn execute(self, _: Directory, cx: &DirectoryCx) -> Result<Done<Self::Reply>> {
        let accessible: BTreeSet<SubscriptionId> = cx
            .principals
            .iter()
            .flat_map(|principal| cx.store.control_grants(*principal).to_vec())
            .map(|grant| grant.assignment.scope.subscription())
            .collect();
        let mut subscriptions = cx.store.subscriptions();
        subscriptions.retain(|one| one.tenant == cx.tenant && accessible.contains(&one.id));
        Ok(Done::reply(subscriptions))
    }
}

/// Returns a subscription.
#[derive(Clone, Debug)]
pub struct GetSubscription {
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl Operation for GetSubscription {
    const NAME: &'static str = "GetSubscription";
    const EVENT: &'static str = "SubscriptionGet";
    const ACTION: ControlAction = ControlAction::SubscriptionRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = Arc<Subscription>;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(Arc::clone(&cx.subscription)))
    }
}
