//! What is counted: operations, and key versions per month in which they count as used.
//!
//! Tiers go by rank within a calendar month and a subscription. A line's amount is what its own ranks
//! cost, so that statements of parts, of HSMs or of days, add up to the whole.
// assumption: the list says neither whether tiers are counted per vault, per subscription or per bill.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::facts::VersionUse;
use super::hours::second;
use super::money::cost_of_count;
use super::period::{Period, day_of, start_of_day};
use super::price::KeyClass;
use super::statement::{Line, LineMeter, Lines, born, gone};
use super::tiers::{Ladder, Share};
use crate::model::Timestamp;
use crate::model::entry::Meter;
use crate::model::lifetime::{HsmLifetime, Phase};
use crate::model::name::HsmName;
use crate::model::resource::SubscriptionId;

/// The lives of HSMs by name, oldest first.
struct Lives<'a>(HashMap<String, Vec<&'a HsmLifetime>>);

impl<'a> Lives<'a> {
    fn new(lives: &'a [HsmLifetime]) -> Self {
        let mut by_name: HashMap<String, Vec<&HsmLifetime>> = HashMap::new();
        for life in lives {
            by_name.entry(life.name.folded()).or_default().push(life);
        }
        for lives in by_name.values_mut() {
            lives.sort_by_key(|life| (born(life), life.id));
        }
        Self(by_name)
    }

    /// Who had a name in a span: the last one, if it changed hands.
    fn in_span(&self, name: &HsmName, span: Period) -> Option<&'a HsmLifetime> {
        let lives = self.0.get(&name.folded())?;
        let there = |life: &&&HsmLifetime| born(life) < span.to && span.from <= gone(life);
        lives.iter().rev().find(there).copied()
    }
}

/// What an HSM was at an instant.
fn phase_at(life: &HsmLifetime, instant: Timestamp) -> Phase {
    let so_far = life.phases.iter().rev().find(|(at, _)| *at <= instant);
    so_far.map_or(Phase::Running, |(_, phase)| *phase)
}

/// Adds what a share of something costs to its line.
fn charge(line: &mut Line, share: Share, per: u32) {
    line.unit_price = share.price;
    line.per = per;
    line.quantity = line.quantity.saturating_add(Decimal::from(share.count));
    line.amount = line.amount.saturating_add(cost_of_count(share.count, share.price, per)).normalize();
}

/// Adds the lines of operations. An hour's operations belong to the instant at which it began.
pub(super) fn add_operations(lines: &mut Lines<'_>) {
    let (facts, plan, period) = (lines.facts, lines.plan, lines.period);
    let lives = Lives::new(&facts.lives);
    for month in period.months() {
        let mut readings = Vec::new();
        for reading in &facts.readings {
            let (Ok(begin), Some(hsm)) = (Timestamp::from_second(reading.hour), &reading.hsm) else {
                continue;
            };
            let end = Timestamp::from_second(reading.hour.saturating_add(3_600)).unwrap_or(Timestamp::MAX);
            if reading.meter == Meter::Free || !month.contains(begin) || begin >= period.to {
                continue;
            }
            if let Some(life) = lives.in_span(hsm, Period { from: begin, to: end }) {
                readings.push((begin, life.name.folded(), life.id, reading, life));
            }
        }
        readings.sort_by(|a, b| (a.0, &a.1, a.2, &a.3.event).cmp(&(b.0, &b.1, b.2, &b.3.event)));
        let mut ladders: HashMap<(SubscriptionId, Meter), Ladder<'_>> = HashMap::new();
        for (begin, _, _, reading, life) in readings {
            let class = reading.meter;
            let listed = plan.operation(class);
            let tiers = listed.map_or(&[][..], |listed| &listed.tiers);
            let ladder = ladders.entry((life.subscription, class)).or_insert_with(|| Ladder::new(tiers));
            let shares = ladder.take(reading.calls);
            if !period.contains(begin) || !lines.scope.covers(life) {
                continue;
            }
            for share in shares {
                let phase = phase_at(life, begin);
                let line = lines.line(life, LineMeter::Operations(class), phase, None, share.tier);
                charge(line, share, listed.map_or(1, |listed| listed.per));
                line.assumption = listed.is_some_and(|listed| listed.source.assumption);
                line.why = why_operations(line, &plan.title);
            }
        }
    }
}

fn why_operations(line: &Line, plan: &str) -> String {
    let class = match line.meter {
        LineMeter::Operations(Meter::Management) => "management operations",
        LineMeter::Operations(Meter::Advanced) => {
            "operations with RSA keys above 2048 bits, elliptic curves or AES"
        }
        _ => "operations with RSA keys of 2048 bits, or with none",
    };
    let mut why =
        format!("{} was asked for {} {class}; refused ones count too.", line.hsm, line.quantity.normalize());
    if line.unit_price.is_zero() {
        why.push_str(&format!(" {plan} does not charge for operations."));
    }
    why
}

/// A charge for one version: the day on which it falls, and for whom.
struct Charge<'a> {
    day: i32,
    used: &'a VersionUse,
    life: &'a HsmLifetime,
}

/// Adds the lines of key versions. In each month, a version is charged on the first day on which it
/// was used within the last 30 days; if there is no such day, it is not.
pub(super) fn add_key_versions(lines: &mut Lines<'_>) {
    let (facts, plan, period) = (lines.facts, lines.plan, lines.period);
    let lives = Lives::new(&facts.lives);
    for month in period.months() {
        let (first, end) = (day_of(month.from), day_of(month.to));
        let charge_of = |used| charge_of(used, &lives, first, end);
        let mut charges: Vec<_> = facts.uses.iter().filter_map(charge_of).collect();
        charges.sort_by_key(|charge| (charge.day, charge.used.version));
        let mut ladders: HashMap<(SubscriptionId, KeyClass), Ladder<'_>> = HashMap::new();
        for Charge { day, used, life } in charges {
            let class = KeyClass::of(used.key_type);
            let Some(listed) = plan.key_version(class) else { continue };
            let ladder =
                ladders.entry((life.subscription, class)).or_insert_with(|| Ladder::new(&listed.tiers));
            let shares = ladder.take(1);
            if !period.contains(start_of_day(day)) || !lines.scope.covers(life) {
                continue;
            }
            for share in shares {
                let phase = phase_at(life, start_of_day(day));
                let meter = LineMeter::KeyVersions(class);
                let line = lines.line(life, meter, phase, Some(&used.key), share.tier);
                charge(line, share, 1);
                line.assumption = listed.source.assumption;
                line.why = why_version(line, used, day);
            }
        }
    }
}

fn charge_of<'a>(used: &'a VersionUse, lives: &Lives<'a>, first: i32, end: i32) -> Option<Charge<'a>> {
    let day = used.days.first_counting(first, end)?;
    let begun = used.days.first()?;
    let span = Period { from: start_of_day(begun), to: start_of_day(begun.saturating_add(1)) };
    let life = lives.in_span(&used.hsm, span)?;
    Some(Charge { day, used, life })
}

fn why_version(line: &Line, used: &VersionUse, day: i32) -> String {
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
