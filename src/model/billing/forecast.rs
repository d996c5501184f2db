//! What an HSM will cost if nothing is done, and what purging it now would save.
//!
//! A forecast is the statement of a future that is assumed: nobody uses anything, and a deleted HSM is
//! purged when it is due.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::facts::Facts;
use super::money::shown;
use super::period::Period;
use super::price::{Plan, PriceSheet};
use super::statement::{CostScope, statement};
use crate::model::Timestamp;
use crate::model::lifetime::{HsmLifetime, Phase};
use crate::model::name::HsmName;
use crate::model::retention::{Deletion, RetentionDays};

/// How far ahead the cost of a running HSM is looked at.
const AHEAD: i64 = 30;

/// What must be known of an HSM to say what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Its dates, if it is deleted.
    pub deletion: Option<Deletion>,
    /// Its retention interval.
    pub retention: RetentionDays,
    /// Whether nobody may purge it before the time.
    pub protected: bool,
}

/// What an HSM will cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forecast {
    /// The HSM.
    pub hsm: HsmName,
    /// What it is now.
    pub phase: Phase,
    /// From now to the scheduled purge, or for 30 days where none is scheduled.
    pub period: Period,
    /// The plan, as people call it.
    pub plan: String,
    /// The currency, by ISO 4217.
    pub currency: String,
    /// What the next 24 hours cost.
    pub per_day: Decimal,
    /// What the period costs if nothing is done.
    pub cost: Decimal,
    /// What the period would cost less if the HSM were purged now; `None` while it is not deleted.
    pub saving: Option<Decimal>,
    /// Whether purge protection stands in the way of that.
    pub protected: bool,
    /// All this in sentences.
    pub why: String,
}

/// Computes the forecast of the HSM that `life` is, at the instant `now`.
pub fn forecast(
    facts: &Facts,
    prices: &PriceSheet,
    plan: &Plan,
    life: &HsmLifetime,
    standing: Standing,
    now: Timestamp,
) -> Forecast {
    let after = |days: i64| now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let to = standing.deletion.map_or(after(AHEAD), |deletion| deletion.scheduled_purge_at.max(now));
    let scope = CostScope {
        subscription: life.subscription,
        resource_group: Some(life.resource_group.clone()),
        hsm: Some(life.name.clone()),
    };
    // What it costs up to `to` if it is purged at `purged`.
    let cost = |to: Timestamp, purged: Option<Timestamp>| {
        let period = Period { from: now, to };
        let future = purged.map(|at| purged_at(facts, life, at));
        statement(future.as_ref().unwrap_or(facts), prices, plan, &scope, period, to).total
    };
    let scheduled = standing.deletion.map(|_| to);
    let total = cost(to, scheduled);
    let per_day = cost(after(1), None);
    let saving = scheduled.map(|_| total.saturating_sub(cost(to, Some(now))));
    let until = to.strftime("%Y-%m-%d %H:%M:%SZ");
    let (name, currency) = (&life.name, &prices.currency);
    let (day, all) = (shown(per_day), shown(total));
    let why = match (saving, standing.protected) {
        (Some(_), true) => format!(
            "{name} is soft-deleted and costs {day} {currency} a day until it is purged. Left alone it is purged at {until}, and costs {all} {currency} until then. Purge protection is on: nobody can purge it before."
        ),
        (Some(saved), false) => format!(
            "{name} is soft-deleted and costs {day} {currency} a day until it is purged. Left alone it is purged at {until}, and costs {all} {currency} until then; purging it now saves {} {currency}.",
            shown(saved)
        ),
        (None, _) if plan.pool_hours.is_empty() => {
            format!(
                "{name} runs and costs {all} {currency} in {AHEAD} days if nobody uses it; {} does not charge for hours.",
                plan.title
            )
        }
        (None, _) => format!(
            "{name} runs and costs {day} {currency} a day, {all} {currency} in {AHEAD} days. Deleting it does not end that: it costs the same until it is purged, by itself {} days later.",
            standing.retention.days()
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
        protected: standing.protected,
        why,
    }
}

/// What would be known if the HSM were purged at an instant.
fn purged_at(facts: &Facts, life: &HsmLifetime, at: Timestamp) -> Facts {
    let mut facts = facts.clone();
    for known in facts.lives.iter_mut().filter(|known| known.id == life.id) {
        known.phases.push((at, Phase::Purged));
    }
    facts
}
