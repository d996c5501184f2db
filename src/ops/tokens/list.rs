//! Lists the states of the tokens of a subscription.

use std::collections::BTreeMap;

use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::container::ContainerId;
use crate::model::resource::SubscriptionId;
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, Done, Operation};
use crate::token::{Statistics, TokenInfo};

/// Lists the states of the tokens that hold the keys of a subscription's containers. An extension of this service: in Azure, metrics
/// tell the health of a managed HSM.
#[derive(Clone, Copy, Debug)]
pub struct ListTokenStates {
    /// The subscription.
    pub subscription: SubscriptionId,
}

/// The tokens of a subscription.
#[derive(Clone, Debug)]
pub struct TokenStates {
    /// The tokens, by serial number.
    pub tokens: Vec<TokenState>,
    /// The containers, live or deleted, whose token cannot be used.
    pub without_token: Vec<ContainerId>,
}

/// A token.
#[derive(Clone, Debug)]
pub struct TokenState {
    /// Its description.
    pub info: TokenInfo,
    /// The containers of the subscription, live or deleted, whose keys it holds.
    pub containers: Vec<ContainerId>,
    /// Its queues, workers and calls, with those for containers of other subscriptions.
    pub statistics: Statistics,
}

impl Operation for ListTokenStates {
    const NAME: &'static str = "ListTokenStates";
    const EVENT: &'static str = "TokenStateList";
    const ACTION: ControlAction = ControlAction::TokenStateRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = TokenStates;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<TokenStates>> {
        let (mut tokens, mut without_token) = (BTreeMap::new(), Vec::new());
        let mut containers = cx.store.containers();
        containers.retain(|container| container.subscription() == self.subscription);
        for container in containers {
            let id = container.id();
            let Ok(token) = cx.tokens.of(&id) else {
                without_token.push(id);
                continue;
            };
            let state = tokens.entry(token.info().serial.clone()).or_insert_with(|| TokenState {
                info: token.info().clone(),
                containers: Vec::new(),
                statistics: token.statistics(),
            });
            state.containers.push(id);
        }
        Ok(Done::reply(TokenStates { tokens: tokens.into_values().collect(), without_token }))
    }
}
