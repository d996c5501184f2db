//! A managed HSM as a resource.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::control_plane::ControlScope;
use super::key::Tags;
use super::name::{HsmName, PrincipalId};
pub use super::network::{DefaultAction, NetworkBypass, NetworkChanges, NetworkRules, PublicNetworkAccess};
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

/// The stock keeping unit of this name, in any case, as it is spelled above.
///
/// # Errors
/// `Invalid` naming `sku`.
pub fn find_sku(name: &str) -> Result<&'static str> {
    let found = SKUS.iter().copied().find(|sku| sku.eq_ignore_ascii_case(name));
    found.ok_or_else(|| Error::invalid("sku", format!("the sku is one of {}", SKUS.join(", "))))
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
