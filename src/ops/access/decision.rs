//! A decision about access and its reason, on either plane.

use crate::model::name::PrincipalId;
use crate::model::role::{GrantOf, Grantable};

/// A decision and its reason.
#[derive(Clone, Debug)]
pub struct AccessDecision<A: Grantable> {
    /// What was asked.
    pub action: A,
    /// Where.
    pub scope: A::Scope,
    /// The grant that allows it; `None` if nothing does.
    pub deciding: Option<GrantOf<A>>,
    /// In a sentence.
    pub reason: String,
}

impl<A: Grantable> AccessDecision<A> {
    /// Decides by the rule that the engine goes by. `grants` are those of the principal and its groups,
    /// `place` names what they are in.
    pub fn new(
        principal: PrincipalId,
        grants: &[GrantOf<A>],
        action: A,
        scope: A::Scope,
        place: &str,
    ) -> Self {
        let deciding = grants.iter().find(|grant| grant.allows(action, &scope)).cloned();
        let reason = match &deciding {
            Some(grant) => format!(
                "{action} is granted by role '{}', assigned to {} at {}",
                grant.definition.role_name, grant.assignment.principal, grant.assignment.scope
            ),
            None => missing(principal, grants, action, &scope, place),
        };
        Self { action, scope, deciding, reason }
    }
}

/// Why nothing grants it: no role at all, roles elsewhere, or roles without the action.
fn missing<A: Grantable>(
    principal: PrincipalId,
    grants: &[GrantOf<A>],
    action: A,
    scope: &A::Scope,
    place: &str,
) -> String {
    if grants.is_empty() {
        return format!("missing {action}: {principal} has no role assignment in this {place}");
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
