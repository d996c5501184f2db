//! Authorization: decides whether role grants allow an action at a scope. The default is to deny.

use std::sync::Arc;

use crate::model::error::DeniedAction;
use crate::model::name::PrincipalId;
pub use crate::model::role::roles_granting;
use crate::model::role::{GrantableAction, RoleDefinition, RoleGrant};
use crate::model::{Error, Result};

use super::Caller;

/// An authorization decision and the reason for it.
#[derive(Clone, Debug)]
pub enum Decision<A: GrantableAction> {
    /// Allowed by this grant. It is the first match; there may be more.
    Allowed(RoleGrant<A>),
    /// Denied: no role of the principal or its groups grants this action at the scope.
    Missing(A),
}

/// Authorizes `action` at `scope` if a role of the caller, or of one of its groups, grants it.
///
/// `grants` returns the grants of one principal on the target HSM or on the control plane, `definitions` all role
/// definitions. `denied` names the action and the scope of the request.
///
/// # Errors
/// [`Error::Forbidden`], with what `denied` returns and the built-in roles that grant the action.
/// Custom roles are not named, because the caller may not be allowed to read them.
pub fn authorize<A: GrantableAction>(
    caller: &Caller,
    grants: impl Fn(PrincipalId) -> Arc<[RoleGrant<A>]>,
    action: A,
    scope: &A::Scope,
    definitions: impl FnOnce() -> Vec<Arc<RoleDefinition>>,
    denied: impl FnOnce() -> DeniedAction,
) -> Result<()> {
    match explain(caller.principal, &caller.groups, grants, action, scope) {
        Decision::Allowed(_) => Ok(()),
        Decision::Missing(action) => Err(Error::Forbidden {
            principal: caller.principal,
            denied: denied(),
            roles: roles_granting(action, definitions()),
        }),
    }
}

/// Returns the decision for any principal; no credential is needed.
pub fn explain<A: GrantableAction>(
    principal: PrincipalId,
    groups: &[PrincipalId],
    grants: impl Fn(PrincipalId) -> Arc<[RoleGrant<A>]>,
    action: A,
    scope: &A::Scope,
) -> Decision<A> {
    std::iter::once(principal)
        .chain(groups.iter().copied())
        .find_map(|principal| grants(principal).iter().find(|grant| grant.allows(action, scope)).cloned())
        .map_or(Decision::Missing(action), Decision::Allowed)
}
