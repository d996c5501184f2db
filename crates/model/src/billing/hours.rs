//! Statement lines of pool hours: the time for which a managed HSM occupied its hardware, running or soft-deleted.
//!
//! Time is billed to the microsecond, without rounding up to whole hours.
// assumption: how Azure charges a part of an hour is not published for managed HSMs.

use rust_decimal::Decimal;

use super::money::{cost_of_hours, hours};
use super::period::Period;
use super::statement::{LineMeter, Lines};
use crate::Timestamp;
use crate::container_id::ContainerKind;
use crate::lifetime::{ContainerLifetime, Phase};

/// Adds the lines of all HSMs in the scope of the statement.
pub(super) fn add(lines: &mut Lines<'_>) {
    let (facts, plan) = (lines.facts, lines.plans.managed_hsm);
    if plan.pool_hours.is_empty() {
        return;
    }
    let is_hsm = |life: &&ContainerLifetime| life.container.kind() == ContainerKind::ManagedHsm;
    for life in facts.lifetimes.iter().filter(is_hsm).filter(|life| lines.scope.covers(life)) {
        for phase in [Phase::Running, Phase::Deleted] {
            add_phase(lines, life, phase);
        }
    }
}

fn add_phase(lines: &mut Lines<'_>, life: &ContainerLifetime, phase: Phase) {
    let spans: Vec<Period> = spans(life, phase).collect();
    let within: Vec<Period> = spans.iter().filter_map(|span| span.overlap(lines.period)).collect();
    if within.is_empty() {
        return;
    }
    let (period, plan, currency) = (lines.period, lines.plans.managed_hsm, lines.currency);
    let listed = plan.pool_hour(&life.sku, &life.location);
    let price = listed.map_or(Decimal::ZERO, |listed| listed.price);
    let line = lines.line(life, LineMeter::PoolHours, phase, None, usize::from(listed.is_some()));
    line.unit_price = price;
    line.assumption = listed.is_some_and(|listed| listed.source.assumption);
    for month in period.months() {
        // Differences of running totals from the first of the month add up, however the month is divided.
        let total = |to: Timestamp| -> i64 {
            let so_far = Period { from: month.from, to };
            spans.iter().filter_map(|span| span.overlap(so_far)).map(Period::micros).sum()
        };
        let begin = total(period.from.clamp(month.from, month.to));
        let end = total(period.to.clamp(month.from, month.to));
        let quantity = hours(end).saturating_sub(hours(begin));
        let amount = cost_of_hours(end, price).saturating_sub(cost_of_hours(begin, price));
        line.quantity = line.quantity.saturating_add(quantity).normalize();
        line.amount = line.amount.saturating_add(amount).normalize();
    }
    let spans: Vec<String> =
        within.iter().map(|span| format!("from {} to {}", second(span.from), second(span.to))).collect();
    let spans = spans.join(", ");
    let name = life.container.name();
    line.why = match phase {
        Phase::Deleted => format!(
            "{name} was soft-deleted {spans}: it keeps its hardware, and costs what a running one costs, until it is purged."
        ),
        Phase::Running | Phase::Purged => format!("{name} ran {spans}."),
    };
    match listed {
        None => line.why.push_str(&format!(" {} has no price for {}.", plan.title, life.sku)),
        Some(listed) if listed.source.assumption => {
            let (sku, source) = (&life.sku, &listed.source.text);
            line.why.push_str(&format!(
                " That an hour of {sku} costs {price} {currency} is an assumption: {source}."
            ));
        }
        Some(_) => {}
    }
}

/// Returns the periods in which an HSM was in a phase.
fn spans(life: &ContainerLifetime, wanted: Phase) -> impl Iterator<Item = Period> {
    let spans = life.spans().filter(move |(from, to, phase)| *phase == wanted && from < to);
    spans.map(|(from, to, _)| Period { from, to })
}

/// Formats an instant with second precision for explanations.
pub(super) fn second(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
