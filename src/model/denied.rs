//! What was not granted, in the words of each plane.

use super::control_plane::{ControlAction, ControlScope};
use super::rbac::{Action, Scope};

/// What no role granted, and where it was asked for, on one of the planes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denied {
    /// A data action, in an HSM.
    Data(Action, Scope),
    /// An action of the control plane.
    Control(ControlAction, ControlScope),
    /// An action of the control plane, everywhere: what is asked for concerns all subscriptions.
    Everywhere(ControlAction),
    /// Turning the simulator's clock.
    TurnClock,
}

impl Denied {
    /// The plane whose roles could grant it: `data` or `control`; `simulator` where no role could.
    pub const fn plane(&self) -> &'static str {
        match self {
            Self::Data(..) => "data",
            Self::Control(..) | Self::Everywhere(_) => "control",
            Self::TurnClock => "simulator",
        }
    }

    /// The action's full name.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Data(action, _) => action.as_str(),
            Self::Control(action, _) | Self::Everywhere(action) => action.as_str(),
            Self::TurnClock => "Strongroom.Simulator/clock/turn/action",
        }
    }

    /// Where it was asked for.
    pub fn scope(&self) -> String {
        match self {
            Self::Data(_, scope) => scope.to_string(),
            Self::Control(_, scope) => scope.to_string(),
            Self::Everywhere(_) | Self::TurnClock => "/".to_owned(),
        }
    }
}

impl std::fmt::Display for Denied {
    /// In the words of each plane's service.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(action, scope) => write!(f, "is not authorized to perform {action} on '{scope}'"),
            Self::Control(action, scope) => {
                write!(f, "does not have authorization to perform action '{action}' over scope '{scope}'")
            }
            Self::Everywhere(action) => {
                write!(f, "does not have authorization to perform action '{action}' over every subscription")
            }
            Self::TurnClock => f.write_str("may not turn the simulator's clock: its seed says who may"),
        }
    }
}
