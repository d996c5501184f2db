//! The planes of the service. Each has its own roles and scopes: an owner of the subscription has no access to keys, an
//! administrator of an HSM has no access to the resource.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/access-control>

use std::fmt::Display;

use super::{ClockCx, ControlCx, Cx, DirectoryCx};
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audience::Audience;
use crate::model::container::ContainerId;
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::name::VaultName;
use crate::model::resource::SubscriptionId;
use crate::model::vault_rbac::{ObjectScope, VaultAction};

/// A plane: the types of its actions, scopes, containers and contexts.
pub trait Plane: Sized + Send + Sync + 'static {
    /// The action that a role must grant.
    type Action: Copy + Display + Send + Sync + 'static;
    /// The scope at which a role must grant it.
    type Scope: Send + Sync + 'static;
    /// The container of a target, for example the HSM of a key.
    type Container: Send + Sync + 'static;
    /// The context of operations.
    type Cx: Send + Sync + 'static;
    /// The audiences of access tokens that its operations accept, on every surface.
    const AUDIENCES: &'static [Audience];
}

/// The data plane of a container: keys, and for a managed HSM local RBAC and settings.
#[derive(Clone, Copy, Debug)]
pub struct DataPlane;

impl Plane for DataPlane {
    type Action = DataAction;
    type Scope = LocalScope;
    type Container = ContainerId;
    type Cx = Cx;
    // Which of them is required depends on the kind of the container.
    const AUDIENCES: &'static [Audience] = &[Audience::Service, Audience::Vault];
}

/// The data plane of a vault: what managed HSMs do not have, such as secrets. Operations on keys, which both kinds of container
/// have, are on the [`DataPlane`].
#[derive(Clone, Copy, Debug)]
pub struct VaultPlane;

impl Plane for VaultPlane {
    type Action = VaultAction;
    type Scope = ObjectScope;
    type Container = VaultName;
    type Cx = Cx;
    const AUDIENCES: &'static [Audience] = &[Audience::Vault];
}

/// The control plane of a subscription: HSMs as resources, resource groups, ARM RBAC and costs.
#[derive(Clone, Copy, Debug)]
pub struct ControlPlane;

impl Plane for ControlPlane {
    type Action = ControlAction;
    type Scope = ControlScope;
    type Container = SubscriptionId;
    type Cx = ControlCx;
    const AUDIENCES: &'static [Audience] = &[Audience::Management];
}

/// The control plane above subscriptions. Every authenticated caller is authorized and gets its own resources.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryPlane;

impl Plane for DirectoryPlane {
    type Action = RolelessAction;
    type Scope = ();
    type Container = ();
    type Cx = DirectoryCx;
    const AUDIENCES: &'static [Audience] = &[Audience::Management];
}

/// Operations that only a simulator has: setting its virtual clock, for principals listed in the seed.
#[derive(Clone, Copy, Debug)]
pub struct SimulatorPlane;

impl Plane for SimulatorPlane {
    type Action = RolelessAction;
    type Scope = ();
    type Container = ();
    type Cx = ClockCx;
    const AUDIENCES: &'static [Audience] = &[Audience::Service];
}

/// Operations on the service as a whole. Every authenticated caller may read its clock.
#[derive(Clone, Copy, Debug)]
pub struct ServicePlane;

impl Plane for ServicePlane {
    type Action = RolelessAction;
    type Scope = ();
    type Container = ();
    type Cx = ClockCx;
    const AUDIENCES: &'static [Audience] = &[Audience::Service];
}

/// Operations on all subscriptions at once: a role must grant the action at each of them.
#[derive(Clone, Copy, Debug)]
pub struct InstallationPlane;

impl Plane for InstallationPlane {
    type Action = ControlAction;
    type Scope = ();
    type Container = ();
    type Cx = ClockCx;
    const AUDIENCES: &'static [Audience] = &[Audience::Management];
}

/// The actions that no role grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RolelessAction {
    /// Every authenticated caller may perform it.
    AnyCaller,
    /// Principals that the seed lists may perform it: setting the virtual clock.
    SetClock,
}

impl RolelessAction {
    /// No data action of local RBAC.
    pub const fn data_action(self) -> Option<DataAction> {
        None
    }

    /// No action of ARM RBAC.
    pub const fn control_action(self) -> Option<ControlAction> {
        None
    }

    /// No action on a vault.
    pub const fn vault_action(self) -> Option<VaultAction> {
        None
    }
}

impl Display for RolelessAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AnyCaller => "(any principal)",
            Self::SetClock => "(principals that may set the clock)",
        })
    }
}
