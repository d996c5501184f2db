//! Cost forecasts: the future cost of a container, and the saving of purging it now.
//!
//! A forecast is the statement of an assumed future without usage, in which a deleted container is purged at its
//! scheduled purge date.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::facts::Facts;
use super::money::format_amount;
use super::period::Period;
use super::price::{Plans, PriceSheet};
use super::statement::{CostScope, statement};
use crate::Timestamp;
use crate::container_id::{ContainerId, ContainerKind};
use crate::lifetime::{ContainerLifetime, Phase};
use crate::retention::{Deletion, RetentionDays};

/// The days covered by the forecast of a running container.
const FORECAST_DAYS: i64 = 30;

/// The deletion state of a container, which determines its forecast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeletionState {
    /// Its deletion dates, if it is soft-deleted.
    pub deletion: Option<Deletion>,
    /// Its retention interval.
    pub retention: RetentionDays,
    /// Whether purging before the scheduled purge date is forbidden.
    pub protected: bool,
}

/// The cost forecast of a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forecast {
    /// The container.
    pub container: ContainerId,
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
    /// The cost of the period if the container is left as it is.
    pub cost: Decimal,
    /// The amount saved by purging the container now; `None` unless it is soft-deleted.
    pub saving: Option<Decimal>,
    /// Whether purge protection forbids purging now.
    pub protected: bool,
    /// The explanation, in sentences.
    pub why: String,
}

/// Computes the forecast of the container with the lifetime `life` at the instant `now`.
pub fn forecast(
    facts: &Facts,
    prices: &PriceSheet,
    plans: Plans<'_>,
    life: &ContainerLifetime,
    state: DeletionState,
    now: Timestamp,
) -> Forecast {
    let after = |days: i64| now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let to = state.deletion.map_or(after(FORECAST_DAYS), |deletion| deletion.scheduled_purge_at.max(now));
    let scope = CostScope {
        subscription: life.subscription,
        resource_group: Some(life.resource_group.clone()),
        container: Some(life.container.clone()),
    };
    // Returns the cost up to `to` if the container is purged at `purged`.
    let cost = |to: Timestamp, purged: Option<Timestamp>| {
        let period = Period { from: now, to };
        let future = purged.map(|at| with_purge_at(facts, life, at));
        statement(future.as_ref().unwrap_or(facts), prices, plans, &scope, period, to).total
    };
    let scheduled = state.deletion.map(|_| to);
    let total = cost(to, scheduled);
    let per_day = cost(after(1), None);
    let saving = scheduled.map(|_| total.saturating_sub(cost(to, Some(now))));
    let until = to.strftime("%Y-%m-%d %H:%M:%SZ");
    let (name, currency) = (life.container.name(), &prices.currency);
    let plan = plans.of_life(life).map(|plan| plan.title.clone()).unwrap_or_default();
    let is_vault = life.container.kind() == ContainerKind::Vault;
    let (day, all) = (format_amount(per_day), format_amount(total));
    let why = match (saving, state.protected) {
        (Some(_), protected) if is_vault => format!(
            "{name} is soft-deleted, which costs nothing. Left alone it is purged at {until}. Until then, key versions that were used in the last 30 days cost {all} {currency}; purging it now saves nothing.{}",
            if protected { " Purge protection is on: nobody can purge it before." } else { "" }
        ),
        (None, _) if is_vault => format!(
            "{name} costs {all} {currency} in {FORECAST_DAYS} days if nobody uses it: a vault is charged for operations and for key versions that were used in the last 30 days."
        ),
        (Some(_), true) => format!(
            "{name} is soft-deleted and costs {day} {currency} a day until it is purged. Left alone it is purged at {until}, and costs {all} {currency} until then. Purge protection is on: nobody can purge it before."
        ),
        (Some(saved), false) => format!(
            "{name} is soft-deleted and costs {day} {currency} a day until it is purged. Left alone it is purged at {until}, and costs {all} {currency} until then; purging it now saves {} {currency}.",
            format_amount(saved)
        ),
        (None, _) if plans.managed_hsm.pool_hours.is_empty() => {
            format!(
                "{name} runs and costs {all} {currency} in {FORECAST_DAYS} days if nobody uses it; {} does not charge for hours.",
                plans.managed_hsm.title
            )
        }
        (None, _) => format!(
            "{name} runs and costs {day} {currency} a day, {all} {currency} in {FORECAST_DAYS} days. Deleting it does not end that: it costs the same until it is purged, by itself {} days later.",
            state.retention.days()
        ),
    };
    Forecast {
        container: life.container.clone(),
        phase: if scheduled.is_some() { Phase::Deleted } else { Phase::Running },
        period: Period { from: now, to },
        plan,
        currency: prices.currency.clone(),
        per_day,
        cost: total,
        saving,
        protected: state.protected,
        why,
    }
}

/// Returns the facts as if the container were purged at an instant.
fn with_purge_at(facts: &Facts, life: &ContainerLifetime, at: Timestamp) -> Facts {
    let mut facts = facts.clone();
    for known in facts.lifetimes.iter_mut().filter(|known| known.id == life.id) {
        known.phases.push((at, Phase::Purged));
    }
    facts
}
