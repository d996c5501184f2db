//! Caller x action x scope: yes or no, and why. Pure rules over grants; deny is the default.

use std::sync::Arc;

use crate::model::name::PrincipalId;
use crate::model::role::{GrantOf, Grantable, RoleDefinition};
use crate::model::{Error, Result};

use super::Caller;

/// The answer to "may this principal do this there?", with what it rests on.
#[derive(Clone, Debug)]
pub enum Decision<A: Grantable> {
    /// Yes, because of this grant (the first that was found; there may be more).
    Allowed(GrantOf<A>),
    /// No: no role of the principal or its groups grants the action at this scope.
    Missing(A),
}

/// Lets the call through if a role of the caller, or of one of its groups, grants the action at the first of `scopes`.
///
/// `grants` gives the grants of one principal on the HSM that is asked, or on the control plane; `definitions` the roles
/// there are.
///
/// # Errors
/// [`Error::Forbidden`], naming the missing action, the second of `scopes`, and the built-in roles that grant the action.
/// Custom ones are not named: not everybody may read them.
pub fn authorize<A: Grantable>(
    caller: &Caller,
    grants: impl Fn(PrincipalId) -> Arc<[GrantOf<A>]>,
    action: A,
    (scope, asked): (&A::Scope, &A::Scope),
    definitions: impl FnOnce() -> Vec<Arc<RoleDefinition>>,
) -> Result<()> {
    match explain(caller.principal, &caller.groups, grants, action, scope) {
        Decision::Allowed(_) => Ok(()),
        Decision::Missing(action) => Err(Error::Forbidden {
            principal: caller.principal,
            denied: action.denied(asked.clone()),
            roles: granting(action, definitions()),
        }),
    }
}

/// The names of the built-in roles that grant an action, those that grant least first.
pub fn granting<A: Grantable>(action: A, mut definitions: Vec<Arc<RoleDefinition>>) -> Vec<String> {
    definitions.retain(|role| role.built_in && role.grants(action));
    definitions.sort_by_key(|role| role.granted::<A>().len());
    definitions.iter().map(|role| role.role_name.clone()).collect()
}

/// Decides for any principal, without a credential of it.
pub fn explain<A: Grantable>(
    principal: PrincipalId,
    groups: &[PrincipalId],
    grants: impl Fn(PrincipalId) -> Arc<[GrantOf<A>]>,
    action: A,
    scope: &A::Scope,
) -> Decision<A> {
    std::iter::once(principal)
        .chain(groups.iter().copied())
        .find_map(|principal| grants(principal).iter().find(|grant| grant.allows(action, scope)).cloned())
        .map_or(Decision::Missing(action), Decision::Allowed)
}
