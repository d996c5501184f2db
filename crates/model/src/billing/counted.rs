//! Statement lines of counted usage: operations, and key versions per month in which they count as used.
//!
//! A tier is chosen by rank within a calendar month, a subscription and a kind of container. A line's amount is the price of its own
//! ranks, so that statements of single HSMs or days add up to the statement of the whole.
// assumption: no price list specifies whether tiers are counted per vault, per subscription or per bill.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use super::facts::VersionUse;
use super::hours::second;
use super::key_class::KeyClass;
use super::lifetimes::LifetimesByName;
use super::money::cost_of_count;
use super::period::{Period, day_of, month_of, start_of_day};
use super::statement::{LineMeter, Lines, StatementLine};
use super::tiers::{TierAllocator, TierShare};
use crate::Timestamp;
use crate::audit_entry::Meter;
use crate::container_id::ContainerKind;
use crate::lifetime::ContainerLifetime;
use crate::resource::SubscriptionId;

/// Adds quantity and cost of a share to its line.
fn charge(line: &mut StatementLine, share: TierShare, per: u32) {
    line.unit_price = share.price;
    line.per = per;
    line.quantity = line.quantity.saturating_add(Decimal::from(share.count));
    line.amount = line.amount.saturating_add(cost_of_count(share.count, share.price, per)).normalize();
}

/// Adds the lines of operations. The operations of an hour are attributed to its first instant.
pub(super) fn add_operations(lines: &mut Lines<'_>) {
    let (facts, plans, period) = (lines.facts, lines.plans, lines.period);
    let lives = LifetimesByName::new(&facts.lifetimes);
    // Whole months, since ranks are counted from the first instant of a month.
    let mut months: BTreeMap<Timestamp, Vec<_>> = BTreeMap::new();
    for reading in &facts.readings {
        let (Ok(begin), Some(container)) = (Timestamp::from_second(reading.hour), &reading.container) else {
            continue;
        };
        let end = Timestamp::from_second(reading.hour.saturating_add(3_600)).unwrap_or(Timestamp::MAX);
        if reading.meter == Meter::Free || begin < period.month().from || begin >= period.to {
            continue;
        }
        if let Some(life) = lives.in_span(container, Period { from: begin, to: end }) {
            let month = months.entry(month_of(begin).from).or_default();
            month.push((begin, life.container.to_case_insensitive(), life.id, reading, life));
        }
    }
    for mut readings in months.into_values() {
        readings.sort_by(|a, b| (a.0, &a.1, a.2, &a.3.event).cmp(&(b.0, &b.1, b.2, &b.3.event)));
        let mut ladders: HashMap<(SubscriptionId, ContainerKind, Meter), TierAllocator<'_>> = HashMap::new();
        for (begin, _, _, reading, life) in readings {
            let class = reading.meter;
            let plan = plans.of_life(life);
            let listed = plan.and_then(|plan| plan.operation(class));
            let tiers = listed.map_or(&[][..], |listed| &listed.tiers);
            let ladder = ladders
                .entry((life.subscription, life.container.kind(), class))
                .or_insert_with(|| TierAllocator::new(tiers));
            let shares = ladder.allocate(reading.calls);
            if !period.contains(begin) || !lines.scope.covers(life) {
                continue;
            }
            for share in shares {
                let phase = life.phase_at(begin);
                let line = lines.line(life, LineMeter::Operations(class), phase, None, share.tier);
                charge(line, share, listed.map_or(1, |listed| listed.per));
                line.assumption = listed.is_some_and(|listed| listed.source.assumption);
                line.why = explain_operations(line);
            }
        }
    }
}

/// Returns the explanation of a line of operations.
fn explain_operations(line: &StatementLine) -> String {
    let count = line.quantity.normalize();
    let calls = if count == Decimal::ONE { "call" } else { "calls" };
    let name = line.container.name();
    let mut why = match (line.meter, line.container.kind()) {
        (LineMeter::Operations(Meter::Management), ContainerKind::ManagedHsm) => {
            format!("{name}: {count} management {calls} for keys or roles; rejected calls count too.")
        }
        (LineMeter::Operations(Meter::Management), ContainerKind::Vault) => {
            format!(
                "{name}: {count} {calls} for secrets, certificates or the management of keys, and purges and recoveries; rejected calls count too."
            )
        }
        (LineMeter::Operations(Meter::Renewal), _) => {
            let renewals = if count == Decimal::ONE { "version" } else { "versions" };
            format!(
                "{name}: {count} {renewals} of certificates issued by their issuers for the lifetime actions of their policies."
            )
        }
        (LineMeter::Operations(Meter::Advanced), _) => {
            format!("{name}: {count} cryptographic {calls} with keys other than 2048-bit RSA.")
        }
        _ => {
            format!(
                "{name}: {count} cryptographic {calls} with 2048-bit RSA or no key; rejected calls count too."
            )
        }
    };
    if line.unit_price.is_zero() {
        match line.plan.as_str() {
            "" => why.push_str(" The price list has no plan for vaults."),
            plan => why.push_str(&format!(" {plan} does not charge for operations.")),
        }
    }
    why
}

/// The charge for one key version: the day it is attributed to, and the lifetime of the container.
struct Charge<'a> {
    day: i32,
    used: &'a VersionUse,
    life: &'a ContainerLifetime,
}

/// Adds the lines of key versions. In each month, a version is charged on the first day on which it
/// counts as used within the last 30 days; without such a day it is not charged.
pub(super) fn add_key_versions(lines: &mut Lines<'_>) {
    let (facts, plans, period) = (lines.facts, lines.plans, lines.period);
    let lives = LifetimesByName::new(&facts.lifetimes);
    for month in period.months() {
        let (first, end) = (day_of(month.from), day_of(month.to));
        let charge_of = |used| charge_of(used, &lives, first, end);
        let mut charges: Vec<_> = facts.uses.iter().filter_map(charge_of).collect();
        charges.sort_by_key(|charge| (charge.day, charge.used.version));
        let mut ladders: HashMap<(SubscriptionId, ContainerKind, KeyClass), TierAllocator<'_>> =
            HashMap::new();
        for Charge { day, used, life } in charges {
            let class = KeyClass::of(used.key_type);
            let Some(listed) = plans.of_life(life).and_then(|plan| plan.key_version(class)) else { continue };
            let ladder = ladders
                .entry((life.subscription, life.container.kind(), class))
                .or_insert_with(|| TierAllocator::new(&listed.tiers));
            let shares = ladder.allocate(1);
            if !period.contains(start_of_day(day)) || !lines.scope.covers(life) {
                continue;
            }
            for share in shares {
                let phase = life.phase_at(start_of_day(day));
                let meter = LineMeter::KeyVersions(class);
                let line = lines.line(life, meter, phase, Some(&used.key), share.tier);
                charge(line, share, 1);
                line.assumption = listed.source.assumption;
                line.why = explain_version(line, used, day);
            }
        }
    }
}

/// Returns the charge for a version in the days `first..end`, if any.
fn charge_of<'a>(
    used: &'a VersionUse,
    lives: &LifetimesByName<'a>,
    first: i32,
    end: i32,
) -> Option<Charge<'a>> {
    let day = used.days.first_counted_day(first, end)?;
    Some(Charge { day, used, life: lives.of_version(used)? })
}

/// Returns the explanation of a line of key versions.
fn explain_version(line: &StatementLine, used: &VersionUse, day: i32) -> String {
    let date = |day: i32| second(start_of_day(day)).chars().take(10).collect::<String>();
    let key = &used.key;
    let count = line.quantity.normalize();
    if count == Decimal::ONE {
        let last = used.days.iter().take_while(|used| *used <= day).last().unwrap_or(day);
        return format!(
            "A version of {key} was used on {}, in the 30 days that end with {}: it is charged once a month.",
            date(last),
            date(day)
        );
    }
    format!(
        "{count} times a version of {key} had been used within 30 days, last counted on {}: each is charged once a month.",
        date(day)
    )
}
