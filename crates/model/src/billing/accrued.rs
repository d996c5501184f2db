//! What the containers have cost since the beginning of the month.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{CostScope, Facts, Period, Pricing, statement};
use crate::Timestamp;
use crate::container_id::ContainerId;
use crate::resource::SubscriptionId;

/// The costs of the containers since the beginning of the month.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccruedCosts {
    /// The currency, by ISO 4217.
    pub currency: String,
    /// The cost of each container that is charged.
    pub containers: BTreeMap<ContainerId, Decimal>,
}

impl AccruedCosts {
    /// Computes the costs of these subscriptions up to `now`, by the default plans. `facts` are those of the month.
    pub fn compute(
        facts: &Facts,
        pricing: &Pricing,
        subscriptions: impl IntoIterator<Item = SubscriptionId>,
        now: Timestamp,
    ) -> Self {
        let currency = pricing.prices.currency.clone();
        let Ok(plans) = pricing.plans(None) else { return Self { currency, ..Self::default() } };
        let period = Period { from: now, to: now }.month();
        let mut containers = BTreeMap::new();
        for subscription in subscriptions {
            let scope = CostScope { subscription, resource_group: None, container: None };
            for line in statement(facts, &pricing.prices, plans, &scope, period, now).lines {
                let cost: &mut Decimal = containers.entry(line.container).or_default();
                *cost = cost.saturating_add(line.amount);
            }
        }
        Self { currency, containers }
    }
}
