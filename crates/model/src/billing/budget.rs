//! Budgets: monthly amounts whose reaching is reported once per calendar month.

use jiff::{SignedDuration, Span, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::period::Period;
use super::price::{Plans, PriceSheet};
use super::statement::{CostScope, statement};
use crate::arm_rbac::ControlScope;
use crate::name::BudgetName;
use crate::resource::SubscriptionId;
use crate::{Error, Field, Result, Timestamp};

/// The number of months ahead that are searched for when a budget is reached. It covers all month lengths.
const AHEAD: i64 = 12;
/// The number of months back that are searched: longer than any expected downtime, and few enough to compute each time.
const BACK: i64 = 24;

/// An amount per calendar month.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Budget {
    /// Its name, unique in its subscription without regard to case.
    pub name: BudgetName,
    /// The scope of the costs: a subscription, a managed HSM or a vault.
    pub scope: ControlScope,
    /// The amount, in the currency of the price list.
    pub amount: Decimal,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last reached.
    pub reached: Option<BudgetReached>,
}

/// The instant at which a budget is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BudgetReached {
    /// The first instant of the month; a budget is reported once per month.
    pub month: Timestamp,
    /// When the amount was reached; the budget's creation time if it was reached before that.
    pub at: Timestamp,
}

impl Budget {
    /// Parses an amount.
    ///
    /// # Errors
    /// `Invalid` unless it is a decimal above 0, at most 10^12, with at most two decimals.
    pub fn amount(text: &str) -> Result<Decimal> {
        let most = Decimal::from(1_000_000_000_000_i64);
        let valid =
            |amount: &Decimal| *amount > Decimal::ZERO && *amount <= most && amount.normalize().scale() <= 2;
        let amount = Decimal::from_str_exact(text).ok().filter(valid);
        let wrong =
            || Error::invalid(Field::Amount, "an amount is above 0 and has at most two decimals: 1000.50");
        amount.map(|amount| amount.normalize()).ok_or_else(wrong)
    }

    /// Returns the subscription of the budget.
    pub const fn subscription(&self) -> SubscriptionId {
        self.scope.subscription()
    }

    /// Returns the scope of the costs.
    pub fn cost_scope(&self) -> CostScope {
        CostScope {
            subscription: self.scope.subscription(),
            resource_group: self.scope.resource_group().map(ToString::to_string),
            container: self.scope.container(),
        }
    }

    /// Returns the start of the facts that are needed to compute when it is reached next.
    pub fn facts_needed_from(&self) -> Timestamp {
        match self.reached {
            Some(BudgetReached { month, .. }) => Period { from: month, to: month }.month().to,
            None => Period { from: self.created, to: self.created }.month().from,
        }
    }

    /// Returns when it is reached next, as projected at `now`: existing containers remain, and there is no other usage.
    pub fn next_reached(
        &self,
        facts: &Facts,
        prices: &PriceSheet,
        plans: Plans<'_>,
        now: Timestamp,
    ) -> Option<BudgetReached> {
        let scope = self.cost_scope();
        if !facts.lifetimes.iter().any(|life| scope.covers(life)) {
            return None;
        }
        // Months that ended long ago are not reported.
        let oldest = now.to_zoned(TimeZone::UTC).checked_sub(Span::new().months(BACK));
        let oldest = oldest.map_or(Timestamp::MIN, |zoned| zoned.timestamp());
        let begin = self.facts_needed_from().max(Period { from: oldest, to: oldest }.month().from);
        let last = now.max(begin).to_zoned(TimeZone::UTC).checked_add(Span::new().months(AHEAD));
        let end = last.map_or(Timestamp::MAX, |zoned| zoned.timestamp());
        let spent = |month: Period, until| statement(facts, prices, plans, &scope, month, until).total;
        let mut months = Period { from: begin, to: end }.months();
        let month = months.find(|month| spent(*month, month.to) >= self.amount)?;
        // Costs only grow, so a binary search finds the first microsecond at which the amount is reached.
        let (mut before, mut enough) = (month.from, month.to);
        while let Some(middle) = between(before, enough) {
            if spent(month, middle) >= self.amount {
                enough = middle;
            } else {
                before = middle;
            }
        }
        Some(BudgetReached { month: month.from, at: enough.max(self.created) })
    }
}

/// Returns the midpoint of two instants, if they are more than a microsecond apart.
fn between(before: Timestamp, after: Timestamp) -> Option<Timestamp> {
    let half = Period { from: before, to: after }.micros() / 2;
    if half == 0 { None } else { before.checked_add(SignedDuration::from_micros(half)).ok() }
}
