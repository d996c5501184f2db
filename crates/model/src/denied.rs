//! Authorization failures, phrased as each plane's Azure service does.

use super::arm_rbac::{ControlAction, ControlScope};
use super::local_rbac::{DataAction, LocalScope};

/// An action that no role assignment grants the caller, and its scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeniedAction {
    /// A data action, in an HSM.
    Data(DataAction, LocalScope),
    /// An action of the control plane, at a scope.
    Control(ControlAction, ControlScope),
    /// An action of the control plane in all subscriptions.
    Everywhere(ControlAction),
    /// Setting the simulator's clock.
    SetClock,
}

impl DeniedAction {
    /// Returns the plane whose roles can grant it: `data` or `control`; `simulator` if no role can.
    pub const fn plane(&self) -> &'static str {
        match self {
            Self::Data(..) => "data",
            Self::Control(..) | Self::Everywhere(_) => "control",
            Self::SetClock => "simulator",
        }
    }

    /// Returns the action's full name.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Data(action, _) => action.as_str(),
            Self::Control(action, _) | Self::Everywhere(action) => action.as_str(),
            Self::SetClock => "Strongroom.Simulator/clock/turn/action",
        }
    }

    /// Returns the scope of the request.
    pub fn scope(&self) -> String {
        match self {
            Self::Data(_, scope) => scope.to_string(),
            Self::Control(_, scope) => scope.to_string(),
            Self::Everywhere(_) | Self::SetClock => "/".to_owned(),
        }
    }
}

impl std::fmt::Display for DeniedAction {
    /// Uses the text of the corresponding Azure service.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(action, scope) => write!(f, "is not authorized to perform {action} on '{scope}'"),
            Self::Control(action, scope) => {
                write!(f, "does not have authorization to perform action '{action}' over scope '{scope}'")
            }
            Self::Everywhere(action) => {
                write!(f, "does not have authorization to perform action '{action}' over every subscription")
            }
            Self::SetClock => f.write_str(
                "is not allowed to set the simulator's clock; the seed lists the principals that are",
            ),
        }
    }
}
