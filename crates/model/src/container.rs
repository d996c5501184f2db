//! Containers of the data plane: the resources that hold keys. Managed HSMs are the only kind.
//!
//! What differs by kind is stated here and in `container_id.rs`, so that operations on keys do not depend on the kind of their
//! container.

use std::sync::Arc;

use uuid::Uuid;

pub use super::container_id::{AuditNames, ContainerId, ContainerKind};
use super::hsm::{Activation, ManagedHsm};
use super::name::HsmName;
use super::resource::{ResourceGroupName, SubscriptionId};
use super::retention::RecoveryLevel;
use super::{Error, Result};

/// What decides whether a caller may perform an action on the data plane of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PermissionModel<'a> {
    /// The role definitions and role assignments of this managed HSM.
    LocalRbac(&'a HsmName),
}

/// A container that exists, with its properties.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Container {
    /// A managed HSM.
    ManagedHsm(Arc<ManagedHsm>),
}

impl Container {
    /// Returns its identifier.
    pub fn id(&self) -> ContainerId {
        match self {
            Self::ManagedHsm(hsm) => (&hsm.name).into(),
        }
    }

    /// Returns what identifies it among all containers that ever had its name.
    pub fn unique_id(&self) -> Uuid {
        match self {
            Self::ManagedHsm(hsm) => hsm.id,
        }
    }

    /// Returns the tenant whose principals it accepts.
    pub fn tenant(&self) -> Uuid {
        match self {
            Self::ManagedHsm(hsm) => hsm.tenant,
        }
    }

    /// Returns the subscription that holds the resource.
    pub fn subscription(&self) -> SubscriptionId {
        match self {
            Self::ManagedHsm(hsm) => hsm.subscription,
        }
    }

    /// Returns the resource group that holds the resource.
    pub fn resource_group(&self) -> &ResourceGroupName {
        match self {
            Self::ManagedHsm(hsm) => &hsm.resource_group,
        }
    }

    /// Returns the SKU, for example `Standard_B1`.
    pub fn sku(&self) -> &str {
        match self {
            Self::ManagedHsm(hsm) => &hsm.sku,
        }
    }

    /// Returns what decides about access to its data plane.
    pub fn permission_model(&self) -> PermissionModel<'_> {
        match self {
            Self::ManagedHsm(hsm) => PermissionModel::LocalRbac(&hsm.name),
        }
    }

    /// Returns the recovery level of its contents. `protected` means that its subscription cannot be cancelled.
    pub fn recovery_level(&self, protected: bool) -> RecoveryLevel {
        match self {
            Self::ManagedHsm(hsm) => hsm.recovery_level(protected),
        }
    }

    /// Checks that it is live.
    ///
    /// # Errors
    /// `Deleted` if it is soft-deleted.
    pub fn check_live(&self) -> Result<()> {
        match self {
            Self::ManagedHsm(hsm) => hsm.check_live(),
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
            Self::ManagedHsm(_) => Ok(()),
        }
    }

    /// Checks that the contents are not being replaced by a restore.
    ///
    /// # Errors
    /// `RestoreRunning`.
    pub fn check_not_restoring(&self) -> Result<()> {
        match self {
            Self::ManagedHsm(hsm) => hsm.check_not_restoring(),
        }
    }
}
