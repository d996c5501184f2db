//! A managed HSM as a resource.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::control_plane::ControlScope;
use super::name::{HsmName, PrincipalId};
use super::resource::{ResourceGroupName, SubscriptionId};
use super::retention::{Deletion, RecoveryLevel, RetentionDays};

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
}

impl ManagedHsm {
    /// Where it is on the control plane.
    pub fn scope(&self) -> ControlScope {
        ControlScope::ManagedHsm(self.subscription, self.resource_group.clone(), self.name.clone())
    }

    /// What deletion means for its keys.
    pub const fn recovery_level(&self) -> RecoveryLevel {
        RecoveryLevel { retention: self.retention, purge_protection: self.purge_protection }
    }
}
