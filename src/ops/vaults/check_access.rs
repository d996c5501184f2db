//! Checks whether a principal may perform actions in a vault, and returns the reasons.

use std::sync::Arc;

use uuid::Uuid;

use super::{LiveVault, VaultPath};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::container::ContainerId;
use crate::model::name::PrincipalId;
use crate::model::policy_decision::PolicyDecision;
use crate::model::resource::SubscriptionId;
use crate::model::role::{HierarchicalScope as _, RoleDefinition};
use crate::model::vault::{AccessPolicy, Vault};
use crate::model::vault_rbac::{ObjectScope, VaultAction, VaultGrant};
use crate::ops::rbac::{AccessDecision, Checked, UNREADABLE, checked_principals, is_about};
use crate::ops::{ControlCx, ControlPlane, Done, Operation, Target};
use crate::store::Store;

/// Checks access with the rule by which the engine authorizes calls. An extension of this service.
///
/// Every caller may ask about itself. The answer then does not depend on whether the vault exists, unless an access policy grants it an
/// action.
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
    /// The actions.
    pub actions: Checked<VaultAction>,
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
    /// The built-in roles that grant it, if it is refused and roles decide.
    pub roles: Vec<String>,
}

/// A vault by its path, or that there is none.
#[derive(Debug)]
pub struct CheckedVault(Option<Arc<Vault>>);

impl Target for CheckedVault {
    type Plane = ControlPlane;
    type Id = VaultPath;

    fn container(id: &VaultPath) -> SubscriptionId {
        LiveVault::container(id)
    }

    fn scope(id: &VaultPath, store: &Store) -> ControlScope {
        LiveVault::scope(id, store)
    }

    fn resource(id: &VaultPath) -> Option<ContainerId> {
        LiveVault::resource(id)
    }

    fn describe(id: &VaultPath) -> String {
        LiveVault::describe(id)
    }

    fn lock(id: &VaultPath) -> String {
        LiveVault::lock(id)
    }

    fn load(id: &VaultPath, store: &Store) -> Result<Self> {
        Ok(Self(id.live(store).ok()))
    }
}

impl Operation for CheckVaultAccess {
    const NAME: &'static str = "CheckVaultAccess";
    const EVENT: &'static str = "VaultAccessCheck";
    const ACTION: ControlAction = ControlAction::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = CheckedVault;
    type Reply = Checked<VaultAccess>;

    fn target(&self) -> VaultPath {
        self.path.clone()
    }

    fn concerns_only(&self, caller: &[PrincipalId]) -> bool {
        is_about(caller, self.principal, &self.groups)
    }

    async fn execute(self, target: CheckedVault, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let Self { path, principal, groups, application, actions, object } = self;
        let at = LiveVault::scope(&path, &cx.store);
        let mut own = cx.caller_principals.iter().map(|one| cx.store.control_grants(*one));
        let may_read = own.any(|grants| grants.iter().any(|grant| grant.allows(Self::ACTION, &at)));
        // Callers who may not read role assignments do not learn whether the vault exists.
        if target.0.is_none() && may_read {
            path.live(&cx.store)?;
        }
        let principals = checked_principals(&cx.caller_principals, principal, groups);
        let definitions = cx.store.control_definitions();
        let question = Question { at, principal, principals, application, object, may_read, definitions };
        let decisions = match &target.0 {
            Some(vault) if !vault.rbac_authorization => {
                actions.map(|action| question.by_policies(vault, action))
            }
            _ => {
                let grants: Vec<Arc<[VaultGrant]>> =
                    question.principals.iter().map(|one| cx.store.vault_grants(*one)).collect();
                let grants = grants.concat();
                actions.map(|action| question.by_roles(&grants, action))
            }
        };
        Ok(Done::reply(decisions))
    }
}

/// Whose access is checked, and where.
struct Question {
    /// The vault.
    at: ControlScope,
    principal: PrincipalId,
    /// The principal and its groups.
    principals: Vec<PrincipalId>,
    application: Option<Uuid>,
    object: ObjectScope,
    /// Whether the caller may read role assignments at the vault.
    may_read: bool,
    /// All role definitions.
    definitions: Vec<Arc<RoleDefinition>>,
}

impl Question {
    fn by_roles(&self, grants: &[VaultGrant], action: VaultAction) -> VaultAccess {
        let Self { at, may_read, .. } = self;
        let scope = at.clone().at(&self.object);
        // The assignments that the caller may list at the vault.
        let readable = |scope: &ControlScope| *may_read && (scope.covers(at) || at.covers(scope));
        let qualifier = if *may_read { "that holds in this vault" } else { UNREADABLE };
        let decide = |action| {
            let request = (action, scope.clone());
            let with = (qualifier, self.definitions.as_slice());
            AccessDecision::new(self.principal, grants, request, readable, with)
        };
        let own = decide(action);
        let including = action.included_in().map(decide);
        let decision = match including.filter(|other| other.allowed && !own.allowed) {
            Some(other) => {
                AccessDecision { reason: format!("{action} is included: {}", other.reason), ..other }
            }
            None => own,
        };
        VaultAccess {
            action,
            scope,
            allowed: decision.allowed,
            role: decision.deciding,
            policy: None,
            reason: decision.reason,
            roles: decision.roles,
        }
    }

    fn by_policies(&self, vault: &Vault, action: VaultAction) -> VaultAccess {
        let is_checked = |id: PrincipalId| self.principals.contains(&id);
        let permission = action.policy_permission();
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
            // The same answer as where roles decide, and for a vault that does not exist.
            _ if !self.may_read => return self.by_roles(&[], action),
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
                (None, format!("missing {wanted}: {}", missing(self.principal, action, &own)))
            }
        };
        VaultAccess {
            action,
            scope: vault.scope().at(&self.object),
            allowed: policy.is_some(),
            role: None,
            policy,
            reason,
            roles: Vec::new(),
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
