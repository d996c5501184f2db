//! Statements: the usage of a period, its cost, and an explanation.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::counted;
use super::facts::Facts;
use super::hours;
use super::key_class::KeyClass;
use super::period::Period;
use super::price::{Plans, PriceSheet};
use crate::Timestamp;
use crate::audit_entry::Meter;
use crate::container_id::{ContainerId, ContainerKind};
use crate::lifetime::{ContainerLifetime, Phase};
use crate::name::KeyName;
use crate::resource::SubscriptionId;

/// The scope of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CostScope {
    /// The billed subscription.
    pub subscription: SubscriptionId,
    /// Restricts the scope to one resource group.
    pub resource_group: Option<String>,
    /// Restricts the scope to containers of this kind and name, existing or purged.
    pub container: Option<ContainerId>,
}

impl CostScope {
    /// Whether the costs of a container are in the scope.
    pub fn covers(&self, life: &ContainerLifetime) -> bool {
        let group = |wanted: &String| wanted.to_lowercase() == life.resource_group.to_lowercase();
        let same =
            |wanted: &ContainerId| wanted.to_case_insensitive() == life.container.to_case_insensitive();
        life.subscription == self.subscription
            && self.resource_group.as_ref().is_none_or(group)
            && self.container.as_ref().is_none_or(same)
    }
}

/// The meter of a statement line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LineMeter {
    /// Hours for which an HSM occupied its hardware.
    PoolHours,
    /// Operations of a class.
    Operations(Meter),
    /// Key versions of a class that counted as used, per month.
    KeyVersions(KeyClass),
}

impl LineMeter {
    /// Returns the unit of the quantity.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::PoolHours => "hours",
            Self::Operations(_) => "operations",
            Self::KeyVersions(_) => "version-months",
        }
    }

    /// Returns the name of the meter.
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
pub struct StatementLine {
    /// The meter.
    pub meter: LineMeter,
    /// The lifetime of the container; reusing its name after a purge starts another lifetime.
    pub lifetime_id: Uuid,
    /// The container.
    pub container: ContainerId,
    /// The title of the plan that prices it; empty if there is none for its kind.
    pub plan: String,
    /// The key, where key versions are charged.
    pub key: Option<KeyName>,
    /// The billed subscription.
    pub subscription: SubscriptionId,
    /// The container's resource group.
    pub resource_group: String,
    /// The container's region.
    pub location: String,
    /// The container's SKU.
    pub sku: String,
    /// The phase of the container at the time of use.
    pub phase: Phase,
    /// The quantity, in the meter's unit.
    pub quantity: Decimal,
    /// The price tier, counted from 1; 0 if the plan has no price.
    pub tier: usize,
    /// The price of `per` units.
    pub unit_price: Decimal,
    /// The number of units that the price is for.
    pub per: u32,
    /// The cost.
    pub amount: Decimal,
    /// Whether the price is an assumption.
    pub assumption: bool,
    /// The explanation, in a sentence.
    pub why: String,
}

impl StatementLine {
    /// Returns the resource name: `hsms/payroll`, `vaults/payroll`, or a key in it.
    pub fn resource(&self) -> String {
        match &self.key {
            Some(key) => format!("{}/keys/{key}", self.container),
            None => self.container.to_string(),
        }
    }
}

/// The statement of a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The period.
    pub period: Period,
    /// The end of the known usage: the end of the period, or the present.
    pub until: Timestamp,
    /// The titles of the plans of the lines, separated by commas; without lines, of the plan of the scope.
    pub plan: String,
    /// The title of the price list.
    pub prices: String,
    /// The currency, by ISO 4217.
    pub currency: String,
    /// The lines, by container, meter, phase and key; those of managed HSMs precede those of vaults.
    pub lines: Vec<StatementLine>,
    /// The sum of all amounts.
    pub total: Decimal,
    /// The sum of the amounts of soft-deleted containers.
    pub soft_deleted: Decimal,
}

/// The key of a line: usage with the same key is one line, and lines are sorted by it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    kind: ContainerKind,
    container: String,
    born: Timestamp,
    life: Uuid,
    meter: LineMeter,
    phase: u8,
    key: Option<String>,
    tier: usize,
}

/// The lines of a statement under construction.
pub(super) struct Lines<'a> {
    pub(super) facts: &'a Facts,
    pub(super) plans: Plans<'a>,
    pub(super) currency: &'a str,
    pub(super) scope: &'a CostScope,
    /// The part of the period for which usage is known.
    pub(super) period: Period,
    by_key: BTreeMap<LineKey, StatementLine>,
}

impl Lines<'_> {
    /// Returns the line of a container, meter, phase, key and tier, creating it if needed.
    pub(super) fn line(
        &mut self,
        life: &ContainerLifetime,
        meter: LineMeter,
        phase: Phase,
        key: Option<&KeyName>,
        tier: usize,
    ) -> &mut StatementLine {
        let line_key = LineKey {
            kind: life.container.kind(),
            container: life.container.to_case_insensitive(),
            born: life.created_at(),
            life: life.id,
            meter,
            phase: match phase {
                Phase::Running => 0,
                Phase::Deleted => 1,
                Phase::Purged => 2,
            },
            key: key.map(KeyName::to_case_insensitive),
            tier,
        };
        let plan = self.plans.of_life(life);
        self.by_key.entry(line_key).or_insert_with(|| StatementLine {
            meter,
            lifetime_id: life.id,
            container: life.container.clone(),
            plan: plan.map(|plan| plan.title.clone()).unwrap_or_default(),
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

/// Computes the statement of a period from the facts known at the instant `until`, ignoring later facts. The
/// statement of a period that has ended by then never changes.
pub fn statement(
    facts: &Facts,
    prices: &PriceSheet,
    plans: Plans<'_>,
    scope: &CostScope,
    period: Period,
    until: Timestamp,
) -> Statement {
    let until = until.min(period.to);
    let first = facts.lifetimes.iter().map(ContainerLifetime::created_at).min().unwrap_or(period.from);
    let known = Period { from: period.from.max(super::period::month_of(first).from), to: until };
    let mut lines =
        Lines { facts, plans, currency: &prices.currency, scope, period: known, by_key: BTreeMap::new() };
    if known.from < known.to && !facts.lifetimes.is_empty() {
        hours::add(&mut lines);
        counted::add_operations(&mut lines);
        counted::add_key_versions(&mut lines);
    }
    let lines: Vec<StatementLine> =
        lines.by_key.into_values().filter(|line| !line.quantity.is_zero()).collect();
    let sum = |wanted: &dyn Fn(&&StatementLine) -> bool| {
        let amounts = lines.iter().filter(wanted).map(|line| line.amount);
        amounts.fold(Decimal::ZERO, Decimal::saturating_add).normalize()
    };
    let (total, soft_deleted) = (sum(&|_| true), sum(&|line| line.phase == Phase::Deleted));
    Statement {
        period,
        until,
        plan: plan_titles(&lines, plans, scope),
        prices: prices.title.clone(),
        currency: prices.currency.clone(),
        lines,
        total,
        soft_deleted,
    }
}

/// Returns the titles of the plans of the lines; without lines, of the plan of the scope.
fn plan_titles(lines: &[StatementLine], plans: Plans<'_>, scope: &CostScope) -> String {
    let has_lines = |kind| lines.iter().any(|line| line.container.kind() == kind);
    let mut kinds = vec![ContainerKind::ManagedHsm, ContainerKind::Vault];
    kinds.retain(|kind| has_lines(*kind));
    if kinds.is_empty() {
        kinds.push(scope.container.as_ref().map_or(ContainerKind::ManagedHsm, ContainerId::kind));
    }
    let titles = kinds.into_iter().filter_map(|kind| plans.of(kind)).map(|plan| plan.title.as_str());
    titles.collect::<Vec<_>>().join(", ")
}
