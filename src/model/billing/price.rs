//! What things cost: plans and their prices, as data.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::entry::Meter;
use crate::model::key::KeyType;

/// A price list: plans in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSheet {
    /// What statements call the list.
    pub title: String,
    /// ISO 4217, for example `USD`.
    pub currency: String,
    /// The plans.
    pub plan: Vec<Plan>,
}

/// What is charged, and how much. What has no price in a plan is counted and costs nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name in the configuration.
    pub name: String,
    /// What statements call it.
    pub title: String,
    /// Hours of an HSM, running or soft-deleted.
    #[serde(default)]
    pub pool_hours: Vec<PoolHourPrice>,
    /// Operations.
    #[serde(default)]
    pub operations: Vec<OperationPrice>,
    /// Key versions, per month in which they count as used.
    #[serde(default)]
    pub key_versions: Vec<KeyVersionPrice>,
}

/// The price of an hour of an HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolHourPrice {
    /// The stock keeping unit; `*` stands for those that have no price of their own.
    pub sku: String,
    /// The region; absent for those that have no price of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// How much.
    #[serde(deserialize_with = "exact")]
    pub price: Decimal,
    /// Where this comes from.
    pub source: Source,
}

/// The price of operations of one class.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationPrice {
    /// Which operations.
    pub class: Meter,
    /// How many operations the price is for: a power of ten.
    pub per: u32,
    /// How much, by rank within the month.
    pub tiers: Vec<Tier>,
    /// Where this comes from.
    pub source: Source,
}

/// The price of key versions of one class.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyVersionPrice {
    /// Which keys.
    pub class: KeyClass,
    /// How much, by rank within the month.
    pub tiers: Vec<Tier>,
    /// Where this comes from.
    pub source: Source,
}

/// A price for those that come so early in a month.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last one, counted from 1, that has this price; absent in the last tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u64>,
    /// How much.
    #[serde(deserialize_with = "exact")]
    pub price: Decimal,
}

/// A price list, and the plan of it that is meant unless another is named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pricing {
    /// The list.
    pub prices: PriceSheet,
    /// The plan's name.
    pub plan: String,
}

impl Pricing {
    /// The plan that is meant.
    ///
    /// # Errors
    /// `Invalid` where there is none of this name.
    pub fn plan(&self, name: Option<&str>) -> crate::model::Result<&Plan> {
        let name = name.unwrap_or(&self.plan);
        self.prices.plan(name).ok_or_else(|| {
            let known: Vec<_> = self.prices.plan.iter().map(|plan| plan.name.as_str()).collect();
            crate::model::Error::invalid("plan", format!("the plan is one of {}", known.join(", ")))
        })
    }
}

/// Where a price comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The publication or invoice.
    pub text: String,
    /// When it was read there.
    pub date: Date,
    /// Whether the source is weak or silent, so that the price is somebody's guess.
    #[serde(default)]
    pub assumption: bool,
}

/// Kinds of keys that are priced apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyClass {
    /// RSA keys of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// Larger RSA keys and elliptic curves. Symmetric keys, which vaults do not have, too.
    Advanced,
}

impl KeyClass {
    /// What kind a key is.
    // assumption: no vault has symmetric keys, so no list has a price for them.
    pub const fn of(key_type: KeyType) -> Self {
        match key_type {
            KeyType::Rsa { bits: 2048 } => Self::Rsa2048,
            KeyType::Rsa { .. } | KeyType::Ec { .. } | KeyType::Oct { .. } => Self::Advanced,
        }
    }

    /// Its name in the price list.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Advanced => "advanced",
        }
    }
}

/// A decimal from its text. A number of the file's own has been through binary fractions already.
fn exact<'de, D: Deserializer<'de>>(input: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(input)?;
    Decimal::from_str_exact(&text)
        .map_err(|_| D::Error::custom(format!("{text} is no decimal, such as \"3.20\"")))
}

impl PriceSheet {
    /// A plan by its name.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plan.iter().find(|plan| plan.name == name)
    }
}

impl Plan {
    /// Whether anything but hours is charged.
    pub fn charges_use(&self) -> bool {
        !self.operations.is_empty() || !self.key_versions.is_empty()
    }

    /// The price of an hour of an HSM: that of the sku in the region, of the sku, or of any.
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
