//! Containers of the data plane: the resources that hold keys.
//!
//! What differs by kind is stated here and in `container_id.rs`, so that operations on keys do not depend on the kind of their
//! container.

use std::sync::Arc;

use uuid::Uuid;

use super::arm_rbac::ControlScope;
pub use super::container_id::{AuditNames, ContainerId, ContainerKind};
use super::deletion::Deletable;
use super::hsm::{Activation, ManagedHsm};
use super::name::{HsmName, KeyName, VersionId};
use super::resource::{ResourceGroupName, SubscriptionId};
use super::resource_kind::Resource;
use super::retention::{Deletion, RecoveryLevel};
use super::vault::{Vault, VaultSku};
use super::{Error, Result};

/// What decides whether a caller may perform an action on the data plane of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PermissionModel<'a> {
    /// The role definitions and role assignments of this managed HSM.
    LocalRbac(&'a HsmName),
    /// The role assignments of Azure RBAC, or the access policies, of this vault.
    Vault(&'a Vault),
}

/// A container that exists, with its properties.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Container {
    /// A managed HSM.
    ManagedHsm(Arc<ManagedHsm>),
    /// A vault.
    Vault(Arc<Vault>),
}

impl Container {
    /// Returns its identifier.
    pub fn id(&self) -> ContainerId {
        match self {
            Self::ManagedHsm(hsm) => (&hsm.name).into(),
            Self::Vault(vault) => (&vault.name).into(),
        }
    }

    /// Returns it as a resource that can be soft-deleted.
    pub fn deletable(&self) -> Deletable {
        match self {
            Self::ManagedHsm(hsm) => Deletable::ManagedHsm(hsm.name.clone()),
            Self::Vault(vault) => Deletable::Vault(vault.name.clone()),
        }
    }

    /// Returns the error of restoring a key whose name is in use, in which a vault names the version that is restored, as recorded of
    /// secrets.
    pub fn restore_conflict(
        &self,
        name: &KeyName,
        version: Option<VersionId>,
        deletion: Option<Deletion>,
    ) -> Error {
        let resource = Resource::key(&self.id(), name);
        match (self, deletion) {
            (Self::Vault(_), deletion) => {
                let resource = Resource::version(&self.id(), name, version);
                Error::Exists { resource, deleted: deletion.is_some() }
            }
            (Self::ManagedHsm(_), Some(deletion)) => Error::deleted(resource, deletion),
            (Self::ManagedHsm(_), None) => Error::Exists { resource, deleted: false },
        }
    }

    /// Returns what identifies it among all containers that ever had its name.
    pub fn unique_id(&self) -> Uuid {
        match self {
            Self::ManagedHsm(hsm) => hsm.id,
            Self::Vault(vault) => vault.id,
        }
    }

    /// Returns the tenant whose principals it accepts.
    pub fn tenant(&self) -> Uuid {
        match self {
            Self::ManagedHsm(hsm) => hsm.tenant,
            Self::Vault(vault) => vault.tenant,
        }
    }

    /// Returns the subscription that holds the resource.
    pub fn subscription(&self) -> SubscriptionId {
        match self {
            Self::ManagedHsm(hsm) => hsm.subscription,
            Self::Vault(vault) => vault.subscription,
        }
    }

    /// Returns the resource group that holds the resource.
    pub fn resource_group(&self) -> &ResourceGroupName {
        match self {
            Self::ManagedHsm(hsm) => &hsm.resource_group,
            Self::Vault(vault) => &vault.resource_group,
        }
    }

    /// Returns the dates of its deletion; `None` while it is live.
    pub fn deletion(&self) -> Option<Deletion> {
        match self {
            Self::ManagedHsm(hsm) => hsm.deletion,
            Self::Vault(vault) => vault.deletion,
        }
    }

    /// Returns the serial number of the PKCS#11 token that holds its keys.
    pub fn token_serial(&self) -> &str {
        match self {
            Self::ManagedHsm(hsm) => &hsm.token_serial,
            Self::Vault(vault) => &vault.token_serial,
        }
    }

    /// Returns the managed HSM, if it is one.
    pub const fn managed_hsm(&self) -> Option<&Arc<ManagedHsm>> {
        match self {
            Self::ManagedHsm(hsm) => Some(hsm),
            Self::Vault(_) => None,
        }
    }

    /// Returns the vault, if it is one.
    pub const fn vault(&self) -> Option<&Arc<Vault>> {
        match self {
            Self::Vault(vault) => Some(vault),
            Self::ManagedHsm(_) => None,
        }
    }

    /// Returns its scope in Azure RBAC.
    pub fn scope(&self) -> ControlScope {
        match self {
            Self::ManagedHsm(hsm) => hsm.scope(),
            Self::Vault(vault) => vault.scope(),
        }
    }

    /// Returns the region, as spelled in the request that created it.
    pub fn location(&self) -> &str {
        match self {
            Self::ManagedHsm(hsm) => &hsm.location,
            Self::Vault(vault) => &vault.location,
        }
    }

    /// Returns the SKU, for example `Standard_B1`.
    pub fn sku(&self) -> &str {
        match self {
            Self::ManagedHsm(hsm) => &hsm.sku,
            Self::Vault(vault) => vault.sku.as_str(),
        }
    }

    /// Returns the family of the SKU: `B` for `Standard_B1`.
    pub fn sku_family(&self) -> &str {
        match self {
            Self::ManagedHsm(hsm) => {
                hsm.sku.split_once('_').and_then(|(_, size)| size.get(..1)).unwrap_or_default()
            }
            Self::Vault(_) => VaultSku::FAMILY,
        }
    }

    /// Returns what decides about access to its data plane.
    pub fn permission_model(&self) -> PermissionModel<'_> {
        match self {
            Self::ManagedHsm(hsm) => PermissionModel::LocalRbac(&hsm.name),
            Self::Vault(vault) => PermissionModel::Vault(vault),
        }
    }

    /// Returns the recovery level of its contents. `protected` means that its subscription cannot be cancelled.
    pub fn recovery_level(&self, protected: bool) -> RecoveryLevel {
        match self {
            Self::ManagedHsm(hsm) => hsm.recovery_level(protected),
            Self::Vault(vault) => vault.recovery_level(protected),
        }
    }

    /// Checks that it is live.
    ///
    /// # Errors
    /// `Deleted` if it is soft-deleted.
    pub fn check_live(&self) -> Result<()> {
        match self {
            Self::ManagedHsm(hsm) => hsm.check_live(),
            Self::Vault(vault) => vault.check_live(),
        }
    }

    /// Checks that it serves its data plane.
    ///
    /// # Errors
    /// `HsmNotActivated` if it is a managed HSM that is not activated.
    pub fn check_activated(&self) -> Result<()> {
        match self {
            Self::ManagedHsm(hsm) if hsm.activation != Activation::Active => {
                Err(Error::HsmNotActivated { hsm: hsm.name.clone() })
            }
            Self::ManagedHsm(_) | Self::Vault(_) => Ok(()),
        }
    }

    /// Checks that the contents are not being replaced by a restore.
    ///
    /// # Errors
    /// `RestoreRunning`.
    pub fn check_not_restoring(&self) -> Result<()> {
        match self {
            Self::ManagedHsm(hsm) => hsm.check_not_restoring(),
            Self::Vault(_) => Ok(()),
        }
    }
}
