//! An access decision and its reason, for local RBAC and ARM RBAC.

use std::sync::Arc;

use crate::model::name::PrincipalId;
use crate::model::role::{GrantableAction, RoleDefinition, RoleGrant, roles_granting};

/// An access decision and its reason.
#[derive(Clone, Debug)]
pub struct AccessDecision<A: GrantableAction> {
    /// The action that was checked.
    pub action: A,
    /// The scope at which it was checked.
    pub scope: A::Scope,
    /// Whether the action is allowed.
    pub allowed: bool,
    /// A grant that allows the action and whose assignment the caller may read, if any.
    pub deciding: Option<RoleGrant<A>>,
    /// The reason, as a sentence.
    pub reason: String,
    /// The built-in roles that grant the action, if it is refused.
    pub roles: Vec<String>,
}

impl<A: GrantableAction> AccessDecision<A> {
    /// Decides by the rule by which the engine authorizes calls. `grants` are those of the principal and its groups.
    /// `readable` returns whether the caller may read assignments at a scope; the reason names no others. `qualifier`
    /// completes the sentence "... has no role assignment ...". `definitions` are all role definitions.
    pub fn new(
        principal: PrincipalId,
        grants: &[RoleGrant<A>],
        (action, scope): (A, A::Scope),
        readable: impl Fn(&A::Scope) -> bool,
        (qualifier, definitions): (&str, &[Arc<RoleDefinition>]),
    ) -> Self {
        let allowing: Vec<&RoleGrant<A>> =
            grants.iter().filter(|grant| grant.allows(action, &scope)).collect();
        let shown: Vec<&RoleGrant<A>> =
            grants.iter().filter(|grant| readable(&grant.assignment.scope)).collect();
        let deciding = shown.iter().copied().find(|grant| grant.allows(action, &scope)).cloned();
        let reason = match &deciding {
            Some(grant) => format!(
                "{action} is granted by role '{}', assigned to {} at {}",
                grant.definition.role_name, grant.assignment.principal, grant.assignment.scope
            ),
            None if !allowing.is_empty() => {
                format!("{action} is granted at {scope} by a role assignment that you may not read")
            }
            None => missing(principal, &shown, action, &scope, qualifier),
        };
        let allowed = !allowing.is_empty();
        let roles = if allowed { Vec::new() } else { roles_granting(action, definitions.to_vec()) };
        Self { action, scope, allowed, deciding, reason, roles }
    }
}

/// Returns why nothing grants the action: no role, roles at other scopes, or roles without the action.
fn missing<A: GrantableAction>(
    principal: PrincipalId,
    grants: &[&RoleGrant<A>],
    action: A,
    scope: &A::Scope,
    qualifier: &str,
) -> String {
    if grants.is_empty() {
        return format!("missing {action}: {principal} has no role assignment {qualifier}");
    }
    let elsewhere = grants.iter().find(|grant| grant.definition.grants(action));
    if let Some(grant) = elsewhere {
        return format!(
            "missing {action} at {scope}: role '{}' grants it, but is assigned at {}",
            grant.definition.role_name, grant.assignment.scope
        );
    }
    let mut roles: Vec<&str> = grants.iter().map(|grant| grant.definition.role_name.as_str()).collect();
    roles.sort_unstable();
    roles.dedup();
    format!("missing {action}: none of the roles of {principal} grants it ({})", roles.join(", "))
}
