//! Budgets: amounts of which it is said, once a calendar month, that they were reached.

use jiff::{SignedDuration, Span, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::period::Period;
use super::price::{Plan, PriceSheet};
use super::statement::{CostScope, statement};
use crate::model::control_plane::ControlScope;
use crate::model::name::BudgetName;
use crate::model::resource::SubscriptionId;
use crate::model::{Error, Result, Timestamp};

/// How many months ahead it is looked whether a budget will be reached: more than any difference in
/// their lengths can hide.
const AHEAD: i64 = 12;
/// How many months back: longer ago than the service stands still, and few enough to be looked at each time.
const BACK: i64 = 24;

/// An amount per calendar month.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Budget {
    /// Its name, unique in its subscription without regard to case.
    pub name: BudgetName,
    /// Whose costs: a subscription's, or one HSM's.
    pub scope: ControlScope,
    /// How much, in the currency of the price list.
    pub amount: Decimal,
    /// When it was made.
    pub created: Timestamp,
    /// When it was reached last.
    pub reached: Option<Reached>,
}

/// That a budget was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reached {
    /// The month's first instant: it is said once a month.
    pub month: Timestamp,
    /// When; where the month was over or the amount spent before the budget was made, when that was.
    pub at: Timestamp,
}

impl Budget {
    /// Reads an amount.
    ///
    /// # Errors
    /// `Invalid` where it is no decimal, not above 0, or too long.
    pub fn amount(text: &str) -> Result<Decimal> {
        let most = Decimal::from(1_000_000_000_000_i64);
        let sensible =
            |amount: &Decimal| *amount > Decimal::ZERO && *amount <= most && amount.normalize().scale() <= 2;
        let amount = Decimal::from_str_exact(text).ok().filter(sensible);
        let wrong = || Error::invalid("amount", "an amount is above 0 and has at most two decimals: 1000.50");
        amount.map(|amount| amount.normalize()).ok_or_else(wrong)
    }

    /// The subscription it belongs to.
    pub const fn subscription(&self) -> SubscriptionId {
        self.scope.subscription()
    }

    /// Whose costs it watches.
    pub fn costs(&self) -> CostScope {
        CostScope {
            subscription: self.scope.subscription(),
            resource_group: self.scope.resource_group().map(ToString::to_string),
            hsm: self.scope.hsm().cloned(),
        }
    }

    /// From when on facts are needed to say when it is reached next.
    pub fn watched_from(&self) -> Timestamp {
        match self.reached {
            Some(Reached { month, .. }) => Period { from: month, to: month }.month().to,
            None => Period { from: self.created, to: self.created }.month().from,
        }
    }

    /// When it is reached next, as far as it can be told at an instant: if HSMs that are there stay
    /// there, and nothing else is used.
    pub fn next(&self, facts: &Facts, prices: &PriceSheet, plan: &Plan, now: Timestamp) -> Option<Reached> {
        let costs = self.costs();
        if !facts.lives.iter().any(|life| costs.covers(life)) {
            return None;
        }
        // Months that were over long ago are no news, however long nothing was reached.
        let oldest = now.to_zoned(TimeZone::UTC).checked_sub(Span::new().months(BACK));
        let oldest = oldest.map_or(Timestamp::MIN, |zoned| zoned.timestamp());
        let begin = self.watched_from().max(Period { from: oldest, to: oldest }.month().from);
        let last = now.max(begin).to_zoned(TimeZone::UTC).checked_add(Span::new().months(AHEAD));
        let end = last.map_or(Timestamp::MAX, |zoned| zoned.timestamp());
        let spent = |month: Period, until| statement(facts, prices, plan, &costs, month, until).total;
        let mut months = Period { from: begin, to: end }.months();
        let month = months.find(|month| spent(*month, month.to) >= self.amount)?;
        // Spending only grows: the first microsecond at which it is enough is found by halving.
        let (mut before, mut enough) = (month.from, month.to);
        while let Some(middle) = between(before, enough) {
            if spent(month, middle) >= self.amount {
                enough = middle;
            } else {
                before = middle;
            }
        }
        Some(Reached { month: month.from, at: enough.max(self.created) })
    }
}

/// An instant between two, if there is one.
fn between(before: Timestamp, after: Timestamp) -> Option<Timestamp> {
    let half = Period { from: before, to: after }.micros() / 2;
    if half == 0 { None } else { before.checked_add(SignedDuration::from_micros(half)).ok() }
}
