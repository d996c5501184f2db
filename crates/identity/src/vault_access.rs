//! Authorization in a vault: by role assignments of Azure RBAC or by access policies, as the vault is set. The default is to deny.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::error::{DeniedAction, VaultDenial, VaultRefusal};
use crate::model::name::PrincipalId;
use crate::model::policy_decision::PolicyDecision;
use crate::model::role::RoleDefinition;
use crate::model::vault::{AccessPolicy, Vault};
use crate::model::vault_rbac::{ObjectScope, VaultAction, VaultGrant};
use crate::model::{Error, Result};

use super::Caller;
use super::access::{Decision, explain, roles_granting};

/// A principal, as an access token names it.
#[derive(Clone, Copy, Debug)]
pub struct VaultPrincipal<'a> {
    /// The principal.
    pub principal: PrincipalId,
    /// Its groups.
    pub groups: &'a [PrincipalId],
    /// The application that calls.
    pub application: Option<Uuid>,
}

/// A decision in a vault and the reason for it.
#[derive(Clone, Debug)]
pub enum VaultDecision<'a> {
    /// This role assignment grants the action, or another that includes it.
    Role(VaultGrant, VaultAction),
    /// This access policy lists the permission, in this spelling.
    Policy(&'a AccessPolicy, &'a str),
    /// Nothing grants the action.
    Refused(VaultRefusal),
}

/// Returns the decision for any principal; no credential is needed. `grants` returns the role assignments of one principal.
pub fn explain_in_vault<'a>(
    vault: &'a Vault,
    caller: VaultPrincipal<'_>,
    grants: impl Fn(PrincipalId) -> Arc<[VaultGrant]>,
    action: VaultAction,
    object: &ObjectScope,
) -> VaultDecision<'a> {
    if !vault.rbac_authorization {
        let is_caller = |id: PrincipalId| id == caller.principal || caller.groups.contains(&id);
        let permission = action.policy_permission();
        return match vault.access_policies.decide(is_caller, caller.application, permission) {
            PolicyDecision::Allowed(policy, listed) => VaultDecision::Policy(policy, listed),
            PolicyDecision::OtherApplication(_) => VaultDecision::Refused(VaultRefusal::OtherApplication),
            PolicyDecision::Missing => VaultDecision::Refused(VaultRefusal::NoPermission),
        };
    }
    let scope = vault.scope().at(object);
    let sufficient = std::iter::once(action).chain(action.included_in());
    sufficient
        .into_iter()
        .find_map(|action| match explain(caller.principal, caller.groups, &grants, action, &scope) {
            Decision::Allowed(grant) => Some(VaultDecision::Role(grant, action)),
            Decision::Missing(_) => None,
        })
        .unwrap_or(VaultDecision::Refused(VaultRefusal::NoRole))
}

/// Authorizes `action` at the first of the two objects. Errors name the second, the object of the request. `grants` returns the
/// role assignments of one principal, `definitions` all role definitions. Returns the deciding role assignment; `None` if an access
/// policy decides.
///
/// # Errors
/// [`Error::Forbidden`], if role assignments decided with the built-in roles that grant the action.
pub fn authorize_in_vault(
    caller: &Caller,
    vault: &Vault,
    grants: impl Fn(PrincipalId) -> Arc<[VaultGrant]>,
    action: VaultAction,
    (object, reported): (&ObjectScope, &ObjectScope),
    definitions: impl FnOnce() -> Vec<Arc<RoleDefinition>>,
) -> Result<Option<Uuid>> {
    let application = caller.application.as_deref().and_then(|id| Uuid::parse_str(id).ok());
    let (principal, groups) = (caller.principal, caller.groups.as_slice());
    let by = VaultPrincipal { principal, groups, application };
    let refusal = match explain_in_vault(vault, by, grants, action, object) {
        VaultDecision::Role(grant, _) => return Ok(Some(grant.assignment.id)),
        VaultDecision::Policy(..) => return Ok(None),
        VaultDecision::Refused(refusal) => refusal,
    };
    let roles = match refusal {
        VaultRefusal::NoRole => roles_granting(action, definitions()),
        VaultRefusal::NoPermission | VaultRefusal::OtherApplication => Vec::new(),
    };
    let denial = VaultDenial {
        refusal,
        action,
        vault_scope: vault.scope(),
        vault: vault.name.clone(),
        location: vault.location.clone(),
        object: reported.clone(),
        application: caller.application.clone(),
        tenant: caller.tenant,
        groups: caller.groups.len(),
    };
    Err(Error::Forbidden { principal, denied: DeniedAction::Vault(Box::new(denial)), roles })
}
