//! Marks a subscription as protected.

use super::AnyScope;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange};
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::{Error, Field, Result};
use crate::ops::{ControlCx, Done, Operation};

/// Updates a subscription.
#[derive(Clone, Debug)]
pub struct UpdateSubscription {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Whether the subscription is protected and cannot be cancelled. Can be enabled but not disabled.
    pub undeletable: bool,
}

impl Operation for UpdateSubscription {
    const NAME: &'static str = "UpdateSubscription";
    const EVENT: &'static str = "SubscriptionUpdate";
    const ACTION: ControlAction = ControlAction::SubscriptionWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = AnyScope;
    type Reply = Subscription;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        // Read again: another call may have changed it since this one was authorized.
        let missing = Error::NotFound(self.subscription.into());
        let before = cx.store.subscription(self.subscription).ok_or(missing)?;
        let undeletable = self.undeletable;
        if before.protected && !undeletable {
            return Err(Error::invalid(Field::Undeletable, "this can be enabled but not disabled"));
        }
        let subscription = Subscription { protected: undeletable, ..before.as_ref().clone() };
        let change = Change::Control(ControlChange::PutSubscription(subscription.clone()));
        Ok(Done::with(subscription, [change]))
    }
}
