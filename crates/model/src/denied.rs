//! Authorization failures, phrased as each plane's Azure service does.

use uuid::Uuid;

use super::arm_rbac::{ControlAction, ControlScope};
use super::local_rbac::{DataAction, LocalScope};
use super::name::VaultName;
use super::vault_object::ObjectScope;
use super::vault_rbac::VaultAction;

/// An action that no role assignment or access policy grants the caller, and its scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeniedAction {
    /// A data action, in an HSM.
    Data(DataAction, LocalScope),
    /// An action of the control plane, at a scope.
    Control(ControlAction, ControlScope),
    /// An action of the control plane in all subscriptions.
    Everywhere(ControlAction),
    /// An action in a vault.
    Vault(Box<VaultDenial>),
    /// Setting the simulator's clock.
    SetClock,
}

/// What did not grant an action in a vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VaultRefusal {
    /// No role assignment of Azure RBAC grants it.
    NoRole,
    /// No access policy lists the permission.
    NoPermission,
    /// An access policy lists the permission only for calls of another application.
    OtherApplication,
}

impl VaultRefusal {
    /// Returns the inner code of Azure's error.
    ///
    /// Source: `innererror` in messages that users quote in reports.
    pub const fn inner_code(self) -> &'static str {
        match self {
            Self::NoRole => "ForbiddenByRbac",
            Self::NoPermission => "AccessDenied",
            Self::OtherApplication => "ForbiddenByPolicy",
        }
    }
}

/// An action that was denied in a vault, and what the texts of the refusal name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VaultDenial {
    /// What did not grant it.
    pub refusal: VaultRefusal,
    /// The action.
    pub action: VaultAction,
    /// The scope of the vault in Azure RBAC.
    pub vault_scope: ControlScope,
    /// The name of the vault.
    pub vault: VaultName,
    /// The region of the vault.
    pub location: String,
    /// The object of the request.
    pub object: ObjectScope,
    /// The application of the caller, according to its credential.
    pub application: Option<String>,
    /// The tenant of the caller.
    pub tenant: Uuid,
    /// The number of groups of the caller, according to its credential.
    pub groups: usize,
}

impl VaultDenial {
    /// Returns the permission that an access policy must list, as refusals name it: `secrets get`.
    pub fn permission(&self) -> String {
        self.action.policy_permission().to_string()
    }

    /// Returns the scope of the object in Azure RBAC.
    pub fn scope(&self) -> ControlScope {
        self.vault_scope.clone().at(&self.object)
    }
}

impl DeniedAction {
    /// Returns the plane whose roles can grant it: `data`, `control` or `vault`; `simulator` if no role can.
    pub const fn plane(&self) -> &'static str {
        match self {
            Self::Data(..) => "data",
            Self::Control(..) | Self::Everywhere(_) => "control",
            Self::Vault(_) => "vault",
            Self::SetClock => "simulator",
        }
    }

    /// Returns the action's full name.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Data(action, _) => action.as_str(),
            Self::Control(action, _) | Self::Everywhere(action) => action.as_str(),
            Self::Vault(denial) => denial.action.as_str(),
            Self::SetClock => "Strongroom.Simulator/clock/turn/action",
        }
    }

    /// Returns the scope of the request.
    pub fn scope(&self) -> String {
        match self {
            Self::Data(_, scope) => scope.to_string(),
            Self::Control(_, scope) => scope.to_string(),
            Self::Vault(denial) => denial.scope().to_string(),
            Self::Everywhere(_) | Self::SetClock => "/".to_owned(),
        }
    }

    /// Returns the stable reason of the error: it says whether roles or access policies decided.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Vault(denial) => match denial.refusal {
                VaultRefusal::NoPermission | VaultRefusal::OtherApplication => "PERMISSION_NOT_GRANTED",
                VaultRefusal::NoRole => "ACTION_NOT_GRANTED",
            },
            Self::Data(..) | Self::Control(..) | Self::Everywhere(_) | Self::SetClock => "ACTION_NOT_GRANTED",
        }
    }

    /// Returns the permission that an access policy must list, if access policies decided: `secrets get`.
    pub fn permission(&self) -> Option<String> {
        match self {
            Self::Vault(denial) if denial.refusal != VaultRefusal::NoRole => Some(denial.permission()),
            Self::Data(..) | Self::Control(..) | Self::Everywhere(_) | Self::Vault(_) | Self::SetClock => {
                None
            }
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
            Self::Vault(denial) => denial.fmt(f),
            Self::SetClock => f.write_str(
                "is not allowed to set the simulator's clock; the seed lists the principals that are",
            ),
        }
    }
}

impl std::fmt::Display for VaultDenial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (vault, permission) = (&self.vault, self.permission());
        match self.refusal {
            VaultRefusal::NoRole => {
                write!(
                    f,
                    "is not authorized to perform action '{}' on resource '{}'",
                    self.action,
                    self.scope()
                )
            }
            VaultRefusal::NoPermission => {
                write!(f, "does not have {permission} permission on key vault '{vault}'")
            }
            VaultRefusal::OtherApplication => write!(
                f,
                "has {permission} permission on key vault '{vault}' only for calls of another application on its behalf"
            ),
        }
    }
}
