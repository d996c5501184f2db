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
    /// Whether it is allowed.
    pub allowed: bool,
    /// The grant that allows it, where one does that the asker may read.
    pub deciding: Option<GrantOf<A>>,
    /// In a sentence.
    pub reason: String,
}

impl<A: Grantable> AccessDecision<A> {
    /// Decides by the rule that the engine goes by. `grants` are those of the principal and its groups; `readable` says
    /// of assignments at a scope whether the asker may read them, and none but those is told of; `place` completes the
    /// sentence that there is no role assignment.
    pub fn new(
        principal: PrincipalId,
        grants: &[GrantOf<A>],
        (action, scope): (A, A::Scope),
        readable: impl Fn(&A::Scope) -> bool,
        place: &str,
    ) -> Self {
        let allowing: Vec<&GrantOf<A>> = grants.iter().filter(|grant| grant.allows(action, &scope)).collect();
        let shown: Vec<&GrantOf<A>> =
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
            None => missing(principal, &shown, action, &scope, place),
        };
        Self { action, scope, allowed: !allowing.is_empty(), deciding, reason }
    }
}

/// Why nothing grants it: no role at all, roles elsewhere, or roles without the action.
fn missing<A: Grantable>(
    principal: PrincipalId,
    grants: &[&GrantOf<A>],
    action: A,
    scope: &A::Scope,
    place: &str,
) -> String {
    if grants.is_empty() {
        return format!("missing {action}: {principal} has no role assignment {place}");
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
