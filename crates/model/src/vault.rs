//! The vault resource.
//!
//! Source: `Microsoft.KeyVault/vaults`, api-version 2026-02-01.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

pub use super::access_policy::{AccessPolicies, AccessPolicy, Permissions, PolicyChange};
use super::arm_rbac::ControlScope;
use super::location::normalize;
use super::name::{VaultName, VersionId};
use super::network::NetworkRules;
use super::resource::{ResourceGroupName, SubscriptionId};
use super::retention::{Deletion, RecoveryLevel, RetentionDays};
use super::tags::Tags;
use super::{Error, Field, Result, Timestamp};

/// The SKUs of vaults.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VaultSku {
    /// Keys are protected by software.
    Standard,
    /// Keys may be protected by hardware, too.
    Premium,
}

impl VaultSku {
    /// The family of both, as Azure names it.
    pub const FAMILY: &str = "A";

    /// Returns the name as Azure spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Premium => "premium",
        }
    }
}

impl FromStr for VaultSku {
    type Err = Error;

    /// Parses the name; case is ignored, as recorded.
    fn from_str(text: &str) -> Result<Self> {
        let known =
            [Self::Standard, Self::Premium].into_iter().find(|sku| sku.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| Error::invalid(Field::Sku, "the sku of a vault is standard or premium"))
    }
}

impl fmt::Display for VaultSku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// For what Azure's own services may read secrets of the vault. They are stored and reported; nothing uses them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EnabledFor {
    /// Virtual machines.
    pub deployment: bool,
    /// Disk encryption; `None` if no request has set it.
    pub disk_encryption: Option<bool>,
    /// Deployments of templates; `None` if no request has set it.
    pub template_deployment: Option<bool>,
}

/// The value of records that were written before vaults could be without soft-delete.
const fn enabled() -> bool {
    true
}

/// Reads a location in any spelling as its name.
fn location_name<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    Ok(normalize(&String::deserialize(deserializer)?))
}

/// A vault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vault {
    /// Identifies this vault among all that ever had its name.
    pub id: Uuid,
    /// Its name, unique across the service.
    pub name: VaultName,
    /// The tenant whose principals it accepts.
    pub tenant: Uuid,
    /// The subscription that holds the resource.
    pub subscription: SubscriptionId,
    /// The resource group that holds the resource.
    pub resource_group: ResourceGroupName,
    /// The name of the region, such as `eastus`. Earlier records have the spelling of the request that created the vault.
    #[serde(deserialize_with = "location_name")]
    pub location: String,
    /// The SKU, which may change.
    pub sku: VaultSku,
    /// The retention interval of its soft-deleted contents and of the vault itself; immutable.
    pub retention: RetentionDays,
    /// Whether the vault and its contents are soft-deleted, rather than deleted permanently; it cannot be disabled.
    #[serde(default = "enabled")]
    pub soft_delete: bool,
    /// Whether purge protection is enabled; it cannot be disabled.
    pub purge_protection: bool,
    /// Whether Azure RBAC decides about access to its contents, instead of the access policies.
    pub rbac_authorization: bool,
    /// The access policies, which are kept while Azure RBAC decides.
    pub access_policies: AccessPolicies,
    /// The network settings.
    pub network: NetworkRules,
    /// The ids of the subnets whose clients are allowed, in lower case.
    pub virtual_network_rules: Vec<String>,
    /// For what Azure's own services may read its secrets.
    pub enabled_for: EnabledFor,
    /// The serial number of the PKCS#11 token that holds its keys.
    pub token_serial: String,
    /// When it was created.
    pub created: Timestamp,
    /// When the resource was last changed.
    pub updated: Timestamp,
    /// `None` while live.
    pub deletion: Option<Deletion>,
    /// The user's tags.
    pub tags: Tags,
}

impl Vault {
    /// From when on vaults cannot be created without soft-delete: 1 February 2025, 00:00 UTC.
    ///
    /// Source: "Soft-delete will be enabled on all key vaults" of Azure's documentation, which names the month.
    // assumption: the day.
    pub const SOFT_DELETE_REQUIRED_FROM: Timestamp = Timestamp::constant(1_738_368_000, 0);

    /// The maximum number of IP rules.
    ///
    /// Source: "Network security for Azure Key Vault" of Azure's documentation.
    pub const MAX_IP_RULES: usize = 1000;

    /// The maximum number of rules for virtual networks (same source).
    pub const MAX_VIRTUAL_NETWORK_RULES: usize = 200;

    /// Returns its scope in Azure RBAC.
    pub fn scope(&self) -> ControlScope {
        ControlScope::Vault(self.subscription, self.resource_group.clone(), self.name.clone())
    }

    /// Returns the identifier of its sealing key: the AES-256 key in its token that encrypts the values of its secrets. It is
    /// that of the vault, so that no vault with a later use of the name can decrypt them.
    pub const fn sealing_key(&self) -> VersionId {
        VersionId::from_bytes(self.id.into_bytes())
    }

    /// Returns its Azure Resource Manager id while it is soft-deleted.
    pub fn deleted_id(&self) -> String {
        let Self { subscription, location, name, .. } = self;
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}"
        )
    }

    /// Returns the recovery level of the vault and its contents. `protected` means that its subscription cannot be
    /// cancelled.
    pub const fn recovery_level(&self, protected: bool) -> RecoveryLevel {
        RecoveryLevel {
            soft_delete: self.soft_delete,
            retention: self.retention,
            purge_protection: self.purge_protection,
            protected_subscription: protected,
        }
    }

    /// Checks that the vault is live.
    ///
    /// # Errors
    /// `Deleted` if it is soft-deleted.
    pub fn check_live(&self) -> Result<()> {
        match self.deletion {
            None => Ok(()),
            Some(deletion) => Err(Error::deleted(&self.name, deletion)),
        }
    }

    /// Whether the vault can change to `other`: immutable fields are equal, and neither soft-delete nor purge protection is
    /// disabled. The retention interval is set when soft-delete is enabled.
    pub fn may_become(&self, other: &Self) -> bool {
        let allowed = Self {
            sku: other.sku,
            soft_delete: self.soft_delete || other.soft_delete,
            retention: if self.soft_delete { self.retention } else { other.retention },
            purge_protection: self.purge_protection || other.purge_protection,
            rbac_authorization: other.rbac_authorization,
            access_policies: other.access_policies.clone(),
            network: other.network.clone(),
            virtual_network_rules: other.virtual_network_rules.clone(),
            enabled_for: other.enabled_for,
            updated: other.updated,
            tags: other.tags.clone(),
            ..self.clone()
        };
        allowed == *other
    }
}
