//! A managed HSM as a resource.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::control_plane::ControlScope;
use super::key::Tags;
use super::name::{HsmName, PrincipalId};
use super::resource::{ResourceGroupName, SubscriptionId};
use super::retention::{Deletion, RecoveryLevel, RetentionDays};
use super::setting::Settings;
use super::{Error, Result, Timestamp};

/// The stock keeping units of managed HSMs.
///
/// Source: `sku.name` of `Microsoft.KeyVault/managedHSMs`, api-version 2026-05-15.
pub const SKUS: &[&str] = &[
    "Standard_B1",
    "Standard_B1v2",
    "Standard_B5v2",
    "Standard_B10v2",
    "Standard_B15v2",
    "Standard_B20v2",
    "Custom_B6",
    "Custom_B32",
    "Custom_C10",
    "Custom_C42",
];

/// Whether there is such a stock keeping unit.
///
/// # Errors
/// `Invalid` naming `sku`.
pub fn check_sku(sku: &str) -> Result<()> {
    if SKUS.contains(&sku) {
        return Ok(());
    }
    Err(Error::invalid("sku", format!("the sku is one of {}", SKUS.join(", "))))
}

/// Whether the data plane answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Activation {
    /// Provisioned; only activation is possible.
    NotActivated,
    /// In service.
    Active,
}

/// A managed HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ManagedHsm {
    /// Identifies this HSM among all that ever had its name.
    pub id: Uuid,
    /// Its name, unique across the service.
    pub name: HsmName,
    /// The directory whose principals it accepts.
    pub tenant: Uuid,
    /// The subscription that holds the resource.
    pub subscription: SubscriptionId,
    /// The resource group that holds the resource.
    pub resource_group: ResourceGroupName,
    /// The region, as it was given.
    pub location: String,
    /// For example `Standard_B1`.
    pub sku: String,
    /// How long deleted things can be recovered; fixed.
    pub retention: RetentionDays,
    /// Whether purging before the time is refused; can be turned on, never off.
    pub purge_protection: bool,
    /// Whether the data plane answers.
    pub activation: Activation,
    /// Those who became Managed HSM Administrator when it was made.
    pub initial_administrators: Vec<PrincipalId>,
    /// The serial number of the PKCS#11 token that holds its keys.
    pub token_serial: String,
    /// When it was made.
    pub created: Timestamp,
    /// `None` while live.
    #[serde(default)]
    pub deletion: Option<Deletion>,
    /// The user's tags.
    #[serde(default)]
    pub tags: Tags,
    /// Who may reach it over the network.
    #[serde(default)]
    pub network: NetworkRules,
    /// What its administrators decide about it as a whole.
    #[serde(default)]
    pub settings: Settings,
}

/// Whether the data plane is to be reached over the public network. Stored and shown, not enforced:
/// there is no network of Azure's around this service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum PublicNetworkAccess {
    /// From everywhere the rules allow.
    #[default]
    Enabled,
    /// Only by trusted services and private endpoints.
    Disabled,
}

/// What happens to callers whom no rule names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum DefaultAction {
    /// They are let in.
    #[default]
    Allow,
    /// They are not.
    Deny,
}

/// Who passes without a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum NetworkBypass {
    /// Nobody.
    None,
    /// Azure's trusted services.
    #[default]
    AzureServices,
}

/// The network settings of an HSM. Stored and shown, not enforced.
///
/// Source: `networkAcls` and `publicNetworkAccess` of `Microsoft.KeyVault/managedHSMs`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NetworkRules {
    /// Whether it is public at all.
    pub public_network_access: PublicNetworkAccess,
    /// What happens where no rule fits.
    pub default_action: DefaultAction,
    /// Who passes without a rule.
    pub bypass: NetworkBypass,
    /// IPv4 addresses and ranges (CIDR) that are let in; at most 10.
    pub ip_rules: Vec<String>,
}

impl NetworkRules {
    /// At most so many rules (`networkAcls.ipRules`).
    const MOST: usize = 10;

    /// Whether they keep the service's limits.
    ///
    /// # Errors
    /// `Invalid` naming `network.ip_rules`.
    pub fn check(&self) -> Result<()> {
        let wrong = |why: &str| Err(Error::invalid("network.ip_rules", why));
        if self.ip_rules.len() > Self::MOST {
            return wrong("there are at most 10 rules");
        }
        let is_range = |rule: &String| {
            let (address, bits) = rule.split_once('/').unwrap_or((rule, "32"));
            address.parse::<std::net::Ipv4Addr>().is_ok_and(|address| !address.is_private())
                && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
        };
        if self.ip_rules.iter().all(is_range) {
            Ok(())
        } else {
            wrong("a rule is a public IPv4 address or range, for example 203.0.113.0/24")
        }
    }
}

impl ManagedHsm {
    /// Where it is on the control plane.
    pub fn scope(&self) -> ControlScope {
        ControlScope::ManagedHsm(self.subscription, self.resource_group.clone(), self.name.clone())
    }

    /// Where it is on the control plane while it is deleted, as Azure Resource Manager writes it.
    pub fn deleted_id(&self) -> String {
        let Self { subscription, location, name, .. } = self;
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}"
        )
    }

    /// What deletion means for it and for its keys. `protected` says that its subscription cannot be cancelled.
    pub const fn recovery_level(&self, protected: bool) -> RecoveryLevel {
        RecoveryLevel {
            retention: self.retention,
            purge_protection: self.purge_protection,
            protected_subscription: protected,
        }
    }

    /// Whether it is live.
    ///
    /// # Errors
    /// `HsmDeleted`.
    pub fn check_live(&self) -> Result<()> {
        match self.deletion {
            None => Ok(()),
            Some(deletion) => Err(Error::HsmDeleted {
                hsm: self.name.clone(),
                scheduled_purge_at: deletion.scheduled_purge_at,
            }),
        }
    }

    /// Whether this can become that: what is fixed stays, and purge protection is never turned off.
    pub fn may_become(&self, other: &Self) -> bool {
        let fixed = Self {
            purge_protection: self.purge_protection || other.purge_protection,
            activation: other.activation,
            tags: other.tags.clone(),
            network: other.network.clone(),
            settings: other.settings,
            ..self.clone()
        };
        fixed == *other
    }
}
