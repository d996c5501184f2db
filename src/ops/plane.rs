//! The planes of the service. Each has its own roles, scopes and deciders, and shares none of them:
//! owning the subscription opens no key, administering an HSM's keys gives no right to the resource.

use std::fmt::Display;

use super::{ClockCx, ControlCx, Cx, DirectoryCx};
use crate::model::audience::Audience;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::name::HsmName;
use crate::model::rbac::{Action, Scope};
use crate::model::resource::SubscriptionId;

/// A plane: what its roles grant, where, and what its operations may use.
pub trait Plane: Sized + Send + Sync + 'static {
    /// What a role must grant.
    type Action: Copy + Display + Send + Sync + 'static;
    /// Where it must be granted.
    type Scope: Send + Sync + 'static;
    /// Where a target is.
    type Container: Send + Sync + 'static;
    /// What operations may use while they run.
    type Cx: Send + Sync + 'static;
    /// What a bearer token must be meant for, on every surface.
    const AUDIENCE: Audience;
}

/// The data plane of a managed HSM: keys and local roles.
#[derive(Clone, Copy, Debug)]
pub struct DataPlane;

impl Plane for DataPlane {
    type Action = Action;
    type Scope = Scope;
    type Container = HsmName;
    type Cx = Cx;
    const AUDIENCE: Audience = Audience::Service;
}

/// The control plane of a subscription: HSMs as resources, what holds them, and who may manage them.
#[derive(Clone, Copy, Debug)]
pub struct ControlPlane;

impl Plane for ControlPlane {
    type Action = ControlAction;
    type Scope = ControlScope;
    type Container = SubscriptionId;
    type Cx = ControlCx;
    const AUDIENCE: Audience = Audience::Management;
}

/// The control plane above subscriptions: everybody who is known may ask, and is told what is theirs.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryPlane;

impl Plane for DirectoryPlane {
    type Action = Known;
    type Scope = ();
    type Container = ();
    type Cx = DirectoryCx;
    const AUDIENCE: Audience = Audience::Management;
}

/// What only a simulator has: a clock that is turned, by principals that its seed names.
#[derive(Clone, Copy, Debug)]
pub struct SimulatorPlane;

impl Plane for SimulatorPlane {
    type Action = TurnClock;
    type Scope = ();
    type Container = ();
    type Cx = ClockCx;
    const AUDIENCE: Audience = Audience::Service;
}

/// The service as a whole: everybody who is known may ask what time it is.
#[derive(Clone, Copy, Debug)]
pub struct ServicePlane;

impl Plane for ServicePlane {
    type Action = Known;
    type Scope = ();
    type Container = ();
    type Cx = ClockCx;
    const AUDIENCE: Audience = Audience::Service;
}

/// What concerns every subscription at once: a role must grant it for each of them.
#[derive(Clone, Copy, Debug)]
pub struct InstallationPlane;

impl Plane for InstallationPlane {
    type Action = ControlAction;
    type Scope = ();
    type Container = ();
    type Cx = ClockCx;
    const AUDIENCE: Audience = Audience::Management;
}

/// Turning the simulator's clock. No role grants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TurnClock;

impl TurnClock {
    /// No local role is asked.
    pub const fn data_action(self) -> Option<Action> {
        None
    }

    /// No role of the control plane is asked.
    pub const fn control_action(self) -> Option<ControlAction> {
        None
    }
}

impl Display for TurnClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(principals that turn the clock)")
    }
}

/// Being known is enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known;

impl Known {
    /// No local role is asked.
    pub const fn data_action(self) -> Option<Action> {
        None
    }

    /// No role of the control plane is asked.
    pub const fn control_action(self) -> Option<ControlAction> {
        None
    }
}

impl Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(any principal)")
    }
}
