//! Cost forecasts: the future cost of an HSM, and the saving of purging it now.
//!
//! A forecast is the statement of an assumed future without usage, in which a deleted HSM is purged at its
//! scheduled purge date.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::facts::Facts;
use super::money::format_amount;
use super::period::Period;
use super::price::{Plan, PriceSheet};
use super::statement::{CostScope, statement};
use crate::Timestamp;
use crate::lifetime::{HsmLifetime, Phase};
use crate::name::HsmName;
use crate::retention::{Deletion, RetentionDays};

/// The days covered by the forecast of a running HSM.
const FORECAST_DAYS: i64 = 30;

/// The deletion state of an HSM, which determines its forecast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeletionState {
    /// Its deletion dates, if it is soft-deleted.
    pub deletion: Option<Deletion>,
    /// Its retention interval.
    pub retention: RetentionDays,
    /// Whether purging before the scheduled purge date is forbidden.
    pub protected: bool,
}

/// The cost forecast of an HSM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forecast {
    /// The HSM.
    pub hsm: HsmName,
    /// Its current phase.
    pub phase: Phase,
    /// From now to the scheduled purge date, or 30 days if none is scheduled.
    pub period: Period,
    /// The title of the plan.
    pub plan: String,
    /// The currency, by ISO 4217.
    pub currency: String,
    /// The cost of the next 24 hours.
    pub per_day: Decimal,
    /// The cost of the period if the HSM is left as it is.
    pub cost: Decimal,
    /// The amount saved by purging the HSM now; `None` unless it is soft-deleted.
    pub saving: Option<Decimal>,
    /// Whether purge protection forbids purging now.
    pub protected: bool,
    /// The explanation, in sentences.
    pub why: String,
}

/// Computes the forecast of the HSM with the lifetime `life` at the instant `now`.
pub fn forecast(
    facts: &Facts,
    prices: &PriceSheet,
    plan: &Plan,
    life: &HsmLifetime,
    state: DeletionState,
    now: Timestamp,
) -> Forecast {
    let after = |days: i64| now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let to = state.deletion.map_or(after(FORECAST_DAYS), |deletion| deletion.scheduled_purge_at.max(now));
    let scope = CostScope {
        subscription: life.subscription,
        resource_group: Some(life.resource_group.clone()),
        hsm: Some(life.name.clone()),
    };
    // Returns the cost up to `to` if the HSM is purged at `purged`.
    let cost = |to: Timestamp, purged: Option<Timestamp>| {
        let period = Period { from: now, to };
        let future = purged.map(|at| with_purge_at(facts, life, at));
        statement(future.as_ref().unwrap_or(facts), prices, plan, &scope, period, to).total
    };
    let scheduled = state.deletion.map(|_| to);
    let total = cost(to, scheduled);
    let per_day = cost(after(1), None);
    let saving = scheduled.map(|_| total.saturating_sub(cost(to, Some(now))));
    let until = to.strftime("%Y-%m-%d %H:%M:%SZ");
    let (name, currency) = (&life.name, &prices.currency);
    let (day, all) = (format_amount(per_day), format_amount(total));
    let why = match (saving, state.protected) {
        (Some(_), true) => format!(
            "{name} is soft-deleted and costs {day} {currency} a day until it is purged. Left alone it is purged at {until}, and costs {all} {currency} until then. Purge protection is on: nobody can purge it before."
        ),
        (Some(saved), false) => format!(
            "{name} is soft-deleted and costs {day} {currency} a day until it is purged. Left alone it is purged at {until}, and costs {all} {currency} until then; purging it now saves {} {currency}.",
            format_amount(saved)
        ),
        (None, _) if plan.pool_hours.is_empty() => {
            format!(
                "{name} runs and costs {all} {currency} in {FORECAST_DAYS} days if nobody uses it; {} does not charge for hours.",
                plan.title
            )
        }
        (None, _) => format!(
            "{name} runs and costs {day} {currency} a day, {all} {currency} in {FORECAST_DAYS} days. Deleting it does not end that: it costs the same until it is purged, by itself {} days later.",
            state.retention.days()
        ),
    };
    Forecast {
        hsm: life.name.clone(),
        phase: if scheduled.is_some() { Phase::Deleted } else { Phase::Running },
        period: Period { from: now, to },
        plan: plan.title.clone(),
        currency: prices.currency.clone(),
        per_day,
        cost: total,
        saving,
        protected: state.protected,
        why,
    }
}

/// Returns the facts as if the HSM were purged at an instant.
fn with_purge_at(facts: &Facts, life: &HsmLifetime, at: Timestamp) -> Facts {
    let mut facts = facts.clone();
    for known in facts.lifetimes.iter_mut().filter(|known| known.id == life.id) {
        known.phases.push((at, Phase::Purged));
    }
    facts
}
