//! The managed HSM resource.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::arm_rbac::ControlScope;
use super::backup_job::{BackupJob, BackupJobKind};
use super::name::{HsmName, PrincipalId};
pub use super::network::{DefaultAction, NetworkBypass, NetworkChanges, NetworkRules, PublicNetworkAccess};
use super::resource::{ResourceGroupName, SubscriptionId};
use super::retention::{Deletion, RecoveryLevel, RetentionDays};
use super::security_domain::{SecurityDomain, TransferKey};
use super::setting::Settings;
use super::tags::Tags;
use super::{Error, Field, Result, Timestamp};

/// The SKUs of managed HSMs.
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

/// Returns the canonical spelling of a SKU; the lookup ignores case.
///
/// # Errors
/// `Invalid` naming `sku`.
pub fn find_sku(name: &str) -> Result<&'static str> {
    let found = SKUS.iter().copied().find(|sku| sku.eq_ignore_ascii_case(name));
    found.ok_or_else(|| Error::invalid(Field::Sku, format!("the sku is one of {}", SKUS.join(", "))))
}

/// The activation state; only an active HSM serves its data plane.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Activation {
    /// Provisioned; the only data-plane operation is activation.
    NotActivated,
    /// Activated; the data plane is available.
    Active,
}

/// A managed HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ManagedHsm {
    /// Identifies this HSM among all that ever had its name.
    pub id: Uuid,
    /// Its name, unique across the service.
    pub name: HsmName,
    /// The tenant whose principals it accepts.
    pub tenant: Uuid,
    /// The subscription that holds the resource.
    pub subscription: SubscriptionId,
    /// The resource group that holds the resource.
    pub resource_group: ResourceGroupName,
    /// The region, as spelled in the request that created it.
    pub location: String,
    /// For example `Standard_B1`.
    pub sku: String,
    /// The retention interval of soft-deleted keys and of the HSM itself; immutable.
    pub retention: RetentionDays,
    /// Whether purge protection is enabled; it cannot be disabled.
    pub purge_protection: bool,
    /// The activation state.
    pub activation: Activation,
    /// The principals that became Managed HSM Administrator when the HSM was created.
    pub initial_administrators: Vec<PrincipalId>,
    /// The serial number of the PKCS#11 token that holds its keys.
    pub token_serial: String,
    /// When it was created.
    pub created: Timestamp,
    /// `None` while live.
    #[serde(default)]
    pub deletion: Option<Deletion>,
    /// The user's tags.
    #[serde(default)]
    pub tags: Tags,
    /// The network settings.
    #[serde(default)]
    pub network: NetworkRules,
    /// The HSM settings of its administrators.
    #[serde(default)]
    pub settings: Settings,
    /// The security domain; `None` before activation.
    #[serde(default)]
    pub security_domain: Option<SecurityDomain>,
    /// The transfer key, if a security domain is going to be uploaded.
    #[serde(default)]
    pub transfer_key: Option<TransferKey>,
    /// The jobs that back it up and restore it, oldest first: the running one, and some that have ended.
    #[serde(default)]
    pub backup_jobs: Vec<BackupJob>,
}

impl ManagedHsm {
    /// Returns its scope in ARM RBAC.
    pub fn scope(&self) -> ControlScope {
        ControlScope::ManagedHsm(self.subscription, self.resource_group.clone(), self.name.clone())
    }

    /// Returns its Azure Resource Manager id while it is soft-deleted.
    pub fn deleted_id(&self) -> String {
        let Self { subscription, location, name, .. } = self;
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}"
        )
    }

    /// Returns the recovery level of the HSM and its keys. `protected` means that its subscription cannot be cancelled.
    pub const fn recovery_level(&self, protected: bool) -> RecoveryLevel {
        RecoveryLevel {
            soft_delete: true,
            retention: self.retention,
            purge_protection: self.purge_protection,
            protected_subscription: protected,
        }
    }

    /// Checks that the HSM is live.
    ///
    /// # Errors
    /// `HsmDeleted` if it is soft-deleted.
    pub fn check_live(&self) -> Result<()> {
        match self.deletion {
            None => Ok(()),
            Some(deletion) => Err(Error::deleted(&self.name, deletion)),
        }
    }

    /// Checks that its contents are not being replaced by a restore.
    ///
    /// # Errors
    /// `RestoreRunning`.
    pub fn check_not_restoring(&self) -> Result<()> {
        let is_restore = |job: &BackupJob| job.is_running() && job.kind == BackupJobKind::Restore;
        if self.backup_jobs.iter().any(is_restore) {
            return Err(Error::RestoreRunning { hsm: self.name.clone() });
        }
        Ok(())
    }

    /// Whether the HSM can change to `other`: immutable fields are equal, purge protection is not disabled, and a security
    /// domain is not replaced, which would make the backups of the HSM useless.
    pub fn may_become(&self, other: &Self) -> bool {
        let allowed = Self {
            purge_protection: self.purge_protection || other.purge_protection,
            activation: other.activation,
            tags: other.tags.clone(),
            network: other.network.clone(),
            settings: other.settings,
            security_domain: self.security_domain.clone().or_else(|| other.security_domain.clone()),
            transfer_key: other.transfer_key.clone(),
            // Changed by their own change only.
            backup_jobs: other.backup_jobs.clone(),
            ..self.clone()
        };
        allowed == *other
    }
}
