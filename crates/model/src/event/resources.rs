//! Events of containers as resources.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;
use crate::deletion::Transition;
use crate::name::{HsmName, VaultName};
use crate::resource::ResourceGroupName;

/// An event of a managed HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmEvent {
    /// Identifies the HSM among all that ever had its name.
    pub id: Uuid,
    /// Its name.
    pub name: HsmName,
    /// The resource group that holds it.
    pub resource_group: ResourceGroupName,
    /// Its region.
    pub location: String,
    /// What happened.
    pub kind: HsmEventKind,
}

/// What happened to a managed HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HsmEventKind {
    /// It was created.
    Created,
    /// It was activated.
    Activated,
    /// Purge protection was enabled.
    PurgeProtected,
    /// It was soft-deleted; its scheduled purge date.
    Deleted(Timestamp),
    /// It was recovered.
    Recovered,
    /// It was purged.
    Purged,
    /// Its contents were replaced by those of a backup.
    Restored,
}

/// An event of a vault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VaultEvent {
    /// Identifies the vault among all that ever had its name.
    pub id: Uuid,
    /// Its name.
    pub name: VaultName,
    /// The resource group that holds it.
    pub resource_group: ResourceGroupName,
    /// Its region.
    pub location: String,
    /// What happened.
    pub kind: VaultEventKind,
}

/// What happened to a vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VaultEventKind {
    /// It was created.
    Created,
    /// Purge protection was enabled.
    PurgeProtected,
    /// It was soft-deleted; its scheduled purge date.
    Deleted(Timestamp),
    /// It was recovered.
    Recovered,
    /// It was purged.
    Purged,
}

impl HsmEventKind {
    /// Returns the stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "hsm.created",
            Self::Activated => "hsm.activated",
            Self::PurgeProtected => "hsm.purge-protected",
            Self::Deleted(_) => "hsm.deleted",
            Self::Recovered => "hsm.recovered",
            Self::Purged => "hsm.purged",
            Self::Restored => "hsm.restored",
        }
    }

    /// Whether the HSM serves nothing from then on.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Deleted(_) | Self::Purged)
    }
}

impl VaultEventKind {
    /// Returns the stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "vault.created",
            Self::PurgeProtected => "vault.purge-protected",
            Self::Deleted(_) => "vault.deleted",
            Self::Recovered => "vault.recovered",
            Self::Purged => "vault.purged",
        }
    }

    /// Whether the vault serves nothing from then on.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Deleted(_) | Self::Purged)
    }
}

impl From<Transition> for HsmEventKind {
    fn from(transition: Transition) -> Self {
        match transition {
            Transition::SoftDelete(deletion) => Self::Deleted(deletion.scheduled_purge_at),
            Transition::Recover(_) => Self::Recovered,
            Transition::Purge(_) => Self::Purged,
        }
    }
}

impl From<Transition> for VaultEventKind {
    fn from(transition: Transition) -> Self {
        match transition {
            Transition::SoftDelete(deletion) => Self::Deleted(deletion.scheduled_purge_at),
            Transition::Recover(_) => Self::Recovered,
            Transition::Purge(_) => Self::Purged,
        }
    }
}
