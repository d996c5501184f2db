//! Price lists: plans and their prices, as data.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::key_class::KeyClass;
use crate::Field;
use crate::audit_entry::Meter;
use crate::container_id::ContainerKind;
use crate::lifetime::ContainerLifetime;

/// A price list: plans in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSheet {
    /// The title of the list on statements.
    pub title: String,
    /// ISO 4217, for example `USD`.
    pub currency: String,
    /// The plans.
    pub plan: Vec<Plan>,
}

/// A pricing plan. Usage without a price in the plan is counted and free of charge.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The plan's name in the configuration.
    pub name: String,
    /// The title of the plan on statements.
    pub title: String,
    /// The kind of container whose usage it prices.
    #[serde(default = "managed_hsm")]
    pub container: ContainerKind,
    /// Prices of pool hours: hours of an HSM, running or soft-deleted.
    #[serde(default)]
    pub pool_hours: Vec<PoolHourPrice>,
    /// Prices of operations.
    #[serde(default)]
    pub operations: Vec<OperationPrice>,
    /// Prices of key versions, per month in which they count as used.
    #[serde(default)]
    pub key_versions: Vec<KeyVersionPrice>,
}

/// The price of an hour of an HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolHourPrice {
    /// The SKU; `*` matches every SKU without a price of its own.
    pub sku: String,
    /// The region; absent matches every region without a price of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The price.
    #[serde(deserialize_with = "exact")]
    pub price: Decimal,
    /// The source of the price.
    pub source: PriceSource,
}

/// The price of operations of one class.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationPrice {
    /// The class of operations.
    pub class: Meter,
    /// The number of operations that the price is for: a power of ten.
    pub per: u32,
    /// The price tiers, by rank within the month.
    pub tiers: Vec<Tier>,
    /// The source of the price.
    pub source: PriceSource,
}

/// The price of key versions of one class.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyVersionPrice {
    /// The class of keys.
    pub class: KeyClass,
    /// The price tiers, by rank within the month.
    pub tiers: Vec<Tier>,
    /// The source of the price.
    pub source: PriceSource,
}

/// The price for ranks within a month up to a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last rank, counted from 1, with this price; absent in the last tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u64>,
    /// The price.
    #[serde(deserialize_with = "exact")]
    pub price: Decimal,
}

/// A price list and the default plan of managed HSMs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pricing {
    /// The price list.
    pub prices: PriceSheet,
    /// The name of the default plan of managed HSMs.
    pub plan: String,
}

/// The plans of a statement: one for each kind of container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plans<'a> {
    /// The plan of managed HSMs.
    pub managed_hsm: &'a Plan,
    /// The plan of vaults; `None` if the price list has none, and their usage has no price.
    pub vault: Option<&'a Plan>,
}

impl<'a> Plans<'a> {
    /// Returns the plan of a kind of container.
    pub const fn of(self, kind: ContainerKind) -> Option<&'a Plan> {
        match kind {
            ContainerKind::ManagedHsm => Some(self.managed_hsm),
            ContainerKind::Vault => self.vault,
        }
    }

    /// Returns the plan of the container of a lifetime.
    pub(super) const fn of_life(self, life: &ContainerLifetime) -> Option<&'a Plan> {
        self.of(life.container.kind())
    }
}

impl Pricing {
    /// Returns the default plans; the named plan, if any, replaces that of its kind of container. The default plan of vaults
    /// is the first in the list.
    ///
    /// # Errors
    /// `Invalid` if there is no plan of this name.
    pub fn plans(&self, name: Option<&str>) -> crate::Result<Plans<'_>> {
        let plan = |name: &str| {
            self.prices.plan(name).ok_or_else(|| {
                let known: Vec<_> = self.prices.plan.iter().map(|plan| plan.name.as_str()).collect();
                crate::Error::invalid(Field::Plan, format!("the plan is one of {}", known.join(", ")))
            })
        };
        let for_vaults = |plan: &&Plan| plan.container == ContainerKind::Vault;
        let default =
            Plans { managed_hsm: plan(&self.plan)?, vault: self.prices.plan.iter().find(for_vaults) };
        Ok(match name.map(plan).transpose()? {
            None => default,
            Some(named) => match named.container {
                ContainerKind::ManagedHsm => Plans { managed_hsm: named, ..default },
                ContainerKind::Vault => Plans { vault: Some(named), ..default },
            },
        })
    }
}

/// The source of a price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSource {
    /// The publication or invoice.
    pub text: String,
    /// When the source was read.
    pub date: Date,
    /// Whether the price is an assumption, because the source is weak or does not state it.
    #[serde(default)]
    pub assumption: bool,
}

/// The kind of container of plans that state none, as price lists did before there were vaults.
const fn managed_hsm() -> ContainerKind {
    ContainerKind::ManagedHsm
}

/// Deserializes a decimal from a string. Numbers of the file format are binary fractions and not exact.
fn exact<'de, D: Deserializer<'de>>(input: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(input)?;
    Decimal::from_str_exact(&text)
        .map_err(|_| D::Error::custom(format!("{text} is not a decimal such as \"3.20\"")))
}

impl PriceSheet {
    /// Returns a plan by its name.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plan.iter().find(|plan| plan.name == name)
    }
}

impl Plan {
    /// Whether operations or key versions are charged.
    pub fn charges_usage(&self) -> bool {
        !self.operations.is_empty() || !self.key_versions.is_empty()
    }

    /// Returns the most specific price of an hour of an HSM: for SKU and region, for the SKU, or the wildcard.
    pub(super) fn pool_hour(&self, sku: &str, location: &str) -> Option<&PoolHourPrice> {
        let fits = |price: &&PoolHourPrice| {
            (price.sku == sku || price.sku == "*")
                && price.location.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(location))
        };
        let candidates = self.pool_hours.iter().filter(fits);
        candidates.max_by_key(|price| (price.sku != "*", price.location.is_some()))
    }

    pub(super) fn operation(&self, class: Meter) -> Option<&OperationPrice> {
        self.operations.iter().find(|price| price.class == class)
    }

    pub(super) fn key_version(&self, class: KeyClass) -> Option<&KeyVersionPrice> {
        self.key_versions.iter().find(|price| price.class == class)
    }
}
