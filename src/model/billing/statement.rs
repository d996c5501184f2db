//! Statements: what was used in a period, what it costs, and why.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::counted;
use super::facts::Facts;
use super::hours;
use super::period::Period;
use super::price::{KeyClass, Plan, PriceSheet};
use crate::model::Timestamp;
use crate::model::entry::Meter;
use crate::model::lifetime::{HsmLifetime, Phase};
use crate::model::name::{HsmName, KeyName};
use crate::model::resource::SubscriptionId;

/// Whose costs are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CostScope {
    /// The subscription that pays.
    pub subscription: SubscriptionId,
    /// One resource group of it alone.
    pub resource_group: Option<String>,
    /// The HSMs of this name alone: the one there is, and those that were purged.
    pub hsm: Option<HsmName>,
}

impl CostScope {
    /// Whether an HSM's costs belong to it.
    pub fn covers(&self, life: &HsmLifetime) -> bool {
        let group = |wanted: &String| wanted.to_lowercase() == life.resource_group.to_lowercase();
        let name = |wanted: &HsmName| wanted.folded() == life.name.folded();
        life.subscription == self.subscription
            && self.resource_group.as_ref().is_none_or(group)
            && self.hsm.as_ref().is_none_or(name)
    }
}

/// What was measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LineMeter {
    /// Hours for which an HSM held its hardware.
    PoolHours,
    /// Operations of a class.
    Operations(Meter),
    /// Key versions of a class that counted as used, per month.
    KeyVersions(KeyClass),
}

impl LineMeter {
    /// What one of them is.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::PoolHours => "hours",
            Self::Operations(_) => "operations",
            Self::KeyVersions(_) => "version-months",
        }
    }

    /// The name of the meter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PoolHours => "pool-hours",
            Self::Operations(_) => "operations",
            Self::KeyVersions(_) => "key-versions",
        }
    }
}

/// One line of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What was measured.
    pub meter: LineMeter,
    /// Which life of the HSM: a name that is used again after a purge begins another.
    pub life: Uuid,
    /// The HSM.
    pub hsm: HsmName,
    /// The key, where key versions are charged.
    pub key: Option<KeyName>,
    /// The subscription that pays.
    pub subscription: SubscriptionId,
    /// The HSM's resource group.
    pub resource_group: String,
    /// The HSM's region.
    pub location: String,
    /// The HSM's stock keeping unit.
    pub sku: String,
    /// What the HSM was when this was used.
    pub phase: Phase,
    /// How much, in the meter's unit.
    pub quantity: Decimal,
    /// Which tier of the price, counted from 1; 0 where the plan does not charge.
    pub tier: usize,
    /// How much `per` units cost.
    pub unit_price: Decimal,
    /// How many units the price is for.
    pub per: u32,
    /// What it costs.
    pub amount: Decimal,
    /// Whether the price is an assumption.
    pub assumption: bool,
    /// Why, in a sentence.
    pub why: String,
}

impl Line {
    /// What was used: `hsms/payroll`, or a key in it.
    pub fn resource(&self) -> String {
        match &self.key {
            Some(key) => format!("hsms/{}/keys/{key}", self.hsm),
            None => format!("hsms/{}", self.hsm),
        }
    }
}

/// What a period costs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The period.
    pub period: Period,
    /// Up to when it is known what happened: the end of the period, or the present.
    pub until: Timestamp,
    /// The plan, as people call it.
    pub plan: String,
    /// The price list.
    pub prices: String,
    /// The currency, by ISO 4217.
    pub currency: String,
    /// The lines, by HSM, meter, phase and key.
    pub lines: Vec<Line>,
    /// The sum of all amounts.
    pub total: Decimal,
    /// The sum of the amounts of soft-deleted HSMs.
    pub soft_deleted: Decimal,
}

/// In which order lines stand, and what belongs into one line.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    hsm: String,
    born: Timestamp,
    life: Uuid,
    meter: LineMeter,
    phase: u8,
    key: Option<String>,
    tier: usize,
}

/// The lines that come about.
pub(super) struct Lines<'a> {
    pub(super) facts: &'a Facts,
    pub(super) plan: &'a Plan,
    pub(super) currency: &'a str,
    pub(super) scope: &'a CostScope,
    /// The period, as far as it is known what happened.
    pub(super) period: Period,
    found: BTreeMap<Place, Line>,
}

impl Lines<'_> {
    /// The line of an HSM, a meter, a phase, a key and a tier, which is made if there is none.
    pub(super) fn line(
        &mut self,
        life: &HsmLifetime,
        meter: LineMeter,
        phase: Phase,
        key: Option<&KeyName>,
        tier: usize,
    ) -> &mut Line {
        let place = Place {
            hsm: life.name.folded(),
            born: life.born(),
            life: life.id,
            meter,
            phase: match phase {
                Phase::Running => 0,
                Phase::Deleted => 1,
                Phase::Purged => 2,
            },
            key: key.map(KeyName::folded),
            tier,
        };
        self.found.entry(place).or_insert_with(|| Line {
            meter,
            life: life.id,
            hsm: life.name.clone(),
            key: key.cloned(),
            subscription: life.subscription,
            resource_group: life.resource_group.clone(),
            location: life.location.clone(),
            sku: life.sku.clone(),
            phase,
            quantity: Decimal::ZERO,
            tier,
            unit_price: Decimal::ZERO,
            per: 1,
            amount: Decimal::ZERO,
            assumption: false,
            why: String::new(),
        })
    }
}

/// Computes the statement of a period from what is known at the instant `until`. What comes after it
/// is left out; of a period that is over by then, the statement is the same ever after.
pub fn statement(
    facts: &Facts,
    prices: &PriceSheet,
    plan: &Plan,
    scope: &CostScope,
    period: Period,
    until: Timestamp,
) -> Statement {
    let until = until.min(period.to);
    let first = facts.lives.iter().map(HsmLifetime::born).min().unwrap_or(period.from);
    let known = Period { from: period.from.max(super::period::month_of(first).from), to: until };
    let mut lines =
        Lines { facts, plan, currency: &prices.currency, scope, period: known, found: BTreeMap::new() };
    if known.from < known.to && !facts.lives.is_empty() {
        hours::add(&mut lines);
        counted::add_operations(&mut lines);
        counted::add_key_versions(&mut lines);
    }
    let lines: Vec<Line> = lines.found.into_values().filter(|line| !line.quantity.is_zero()).collect();
    let sum = |wanted: &dyn Fn(&&Line) -> bool| {
        let amounts = lines.iter().filter(wanted).map(|line| line.amount);
        amounts.fold(Decimal::ZERO, Decimal::saturating_add).normalize()
    };
    let (total, soft_deleted) = (sum(&|_| true), sum(&|line| line.phase == Phase::Deleted));
    Statement {
        period,
        until,
        plan: plan.title.clone(),
        prices: prices.title.clone(),
        currency: prices.currency.clone(),
        lines,
        total,
        soft_deleted,
    }
}
