//! The vaults that a simulator creates.

use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::name::VaultName;
use crate::model::retention::RetentionDays;
use crate::model::vault::VaultSku;

/// A vault, created at start-up unless the data directory has ever had it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSeed {
    /// The name.
    pub name: VaultName,
    /// The location (Azure region).
    #[serde(default = "location")]
    pub location: String,
    /// The SKU, `standard` or `premium`; read in any case.
    #[serde(default = "sku", deserialize_with = "parsed_sku")]
    pub sku: VaultSku,
    /// The retention interval, in days.
    #[serde(default = "retention")]
    pub retention_days: RetentionDays,
    /// Whether purge protection is enabled: neither the deleted vault nor its deleted contents can be purged before their
    /// scheduled purge date.
    #[serde(default)]
    pub purge_protection: bool,
    /// Whether Azure RBAC decides about access to the contents; if not, access policies do, and nobody has access at first.
    #[serde(default = "yes")]
    pub rbac_authorization: bool,
}

fn location() -> String {
    "localhost".to_owned()
}

const fn sku() -> VaultSku {
    VaultSku::Standard
}

fn parsed_sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VaultSku, D::Error> {
    VaultSku::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

const fn retention() -> RetentionDays {
    RetentionDays::DEFAULT
}

const fn yes() -> bool {
    true
}
