//! Checks whether a principal may perform an action in a vault, and returns the reason.

use std::sync::Arc;

use uuid::Uuid;

use super::{LiveVault, VaultPath};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::name::PrincipalId;
use crate::model::policy_decision::PolicyDecision;
use crate::model::role::HierarchicalScope as _;
use crate::model::vault::{AccessPolicy, Vault};
use crate::model::vault_rbac::{ObjectScope, VaultAction, VaultGrant};
use crate::ops::rbac::AccessDecision;
use crate::ops::{ControlCx, Done, Operation};

/// Checks access with the rule by which the engine authorizes calls. An extension of this service.
///
/// Who may read the role assignments of the vault may also learn the access policy that decides: all built-in roles that grant
/// the one permit reading the vault with its policies, too.
#[derive(Clone, Debug)]
pub struct CheckVaultAccess {
    /// The vault.
    pub path: VaultPath,
    /// The principal to check.
    pub principal: PrincipalId,
    /// The groups of the principal, which are otherwise known only from its access token.
    pub groups: Vec<PrincipalId>,
    /// The application that calls on behalf of the principal.
    pub application: Option<Uuid>,
    /// The action.
    pub action: VaultAction,
    /// The object.
    pub object: ObjectScope,
}

/// An access decision in a vault and its reason.
#[derive(Clone, Debug)]
pub struct VaultAccess {
    /// The action that was checked.
    pub action: VaultAction,
    /// The scope at which it was checked.
    pub scope: ControlScope,
    /// Whether the action is allowed.
    pub allowed: bool,
    /// A role assignment that allows it, if the vault has Azure RBAC.
    pub role: Option<VaultGrant>,
    /// An access policy that allows it, if access policies decide.
    pub policy: Option<AccessPolicy>,
    /// The reason, as a sentence.
    pub reason: String,
}

impl Operation for CheckVaultAccess {
    const NAME: &'static str = "CheckVaultAccess";
    const EVENT: &'static str = "VaultAccessCheck";
    const ACTION: ControlAction = ControlAction::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = LiveVault;
    type Reply = VaultAccess;

    fn target(&self) -> VaultPath {
        self.path.clone()
    }

    async fn execute(self, target: LiveVault, cx: &ControlCx) -> Result<Done<VaultAccess>> {
        let vault = target.0.as_ref();
        if !vault.rbac_authorization {
            return Ok(Done::reply(self.by_policies(vault)));
        }
        let principals = std::iter::once(self.principal).chain(self.groups.iter().copied());
        let grants: Vec<Arc<[VaultGrant]>> =
            principals.map(|principal| cx.store.vault_grants(principal)).collect();
        Ok(Done::reply(self.by_roles(vault, &grants.concat())))
    }
}

impl CheckVaultAccess {
    fn by_roles(self, vault: &Vault, grants: &[VaultGrant]) -> VaultAccess {
        let at = vault.scope();
        let scope = at.clone().at(&self.object);
        // The assignments that the caller may list at the vault.
        let readable = |scope: &ControlScope| scope.covers(&at) || at.covers(scope);
        let decide = |action| {
            let request = (action, scope.clone());
            AccessDecision::new(self.principal, grants, request, readable, "that holds in this vault")
        };
        let own = decide(self.action);
        let including = self.action.included_in().map(decide);
        let decision = match including.filter(|other| other.allowed && !own.allowed) {
            Some(other) => {
                AccessDecision { reason: format!("{} is included: {}", self.action, other.reason), ..other }
            }
            None => own,
        };
        VaultAccess {
            action: self.action,
            scope,
            allowed: decision.allowed,
            role: decision.deciding,
            policy: None,
            reason: decision.reason,
        }
    }

    fn by_policies(self, vault: &Vault) -> VaultAccess {
        let is_checked = |id: PrincipalId| id == self.principal || self.groups.contains(&id);
        let permission = self.action.policy_permission();
        let wanted = permission.to_string();
        let (policy, reason) = match vault.access_policies.decide(is_checked, self.application, permission) {
            PolicyDecision::Allowed(policy, listed) => {
                let of = policy.application.map(|id| format!(" for calls of application {id}"));
                let reason = format!(
                    "{wanted} is granted by the access policy of {}{}, which lists '{listed}'",
                    policy.principal,
                    of.unwrap_or_default()
                );
                (Some(policy.clone()), reason)
            }
            PolicyDecision::OtherApplication(policy) => {
                let application = policy.application.map(|id| id.to_string()).unwrap_or_default();
                let reason = format!(
                    "missing {wanted}: the access policy of {} grants it only for calls of application {application}",
                    policy.principal
                );
                (None, reason)
            }
            PolicyDecision::Missing => {
                let own = vault.access_policies.iter().filter(|policy| is_checked(policy.principal));
                let own: Vec<&AccessPolicy> = own.collect();
                (None, format!("missing {wanted}: {}", missing(self.principal, self.action, &own)))
            }
        };
        VaultAccess {
            action: self.action,
            scope: vault.scope().at(&self.object),
            allowed: policy.is_some(),
            role: None,
            policy,
            reason,
        }
    }
}

/// Returns why no access policy grants the action: no policy, or policies that do not list the permission.
fn missing(principal: PrincipalId, action: VaultAction, own: &[&AccessPolicy]) -> String {
    let kind = action.policy_permission().kind;
    let listed: Vec<&str> =
        own.iter().flat_map(|policy| policy.permissions.of(kind)).map(String::as_str).collect();
    let of_kind = kind.collection();
    match (own, listed.as_slice()) {
        ([], _) => format!("{principal} has no access policy in this vault"),
        (_, []) => format!("no access policy of {principal} lists permissions for {of_kind}"),
        (_, listed) if listed.iter().any(|name| name.eq_ignore_ascii_case("all")) => {
            format!(
                "the access policies of {principal} list 'all' for {of_kind}, which does not include purge"
            )
        }
        (_, listed) => {
            format!("the access policies of {principal} list for {of_kind} only {}", listed.join(", "))
        }
    }
}
