//! Tells whether a principal would be allowed an action at a scope, and why or why not.

use super::Of;
use crate::model::Result;
use crate::model::entry::Meter;
use crate::model::name::{HsmName, PrincipalId};
use crate::model::rbac::{Action, Grant, Scope};
use crate::ops::{Cx, Done, Operation, RoleScope};

/// Asks about access. The answer is the one the engine would give.
#[derive(Clone, Debug)]
pub struct CheckAccess {
    /// In which HSM.
    pub hsm: HsmName,
    /// About whom.
    pub principal: PrincipalId,
    /// Its groups: they are known from its token alone.
    pub groups: Vec<PrincipalId>,
    /// To do what.
    pub action: Action,
    /// Where.
    pub scope: Scope,
}

/// A decision and its reason.
#[derive(Clone, Debug)]
pub struct AccessDecision {
    /// What was asked.
    pub action: Action,
    /// Where.
    pub scope: Scope,
    /// The grant that allows it; `None` if nothing does.
    pub deciding: Option<Grant>,
    /// In a sentence.
    pub reason: String,
}

impl Operation for CheckAccess {
    const NAME: &'static str = "CheckAccess";
    const EVENT: &'static str = "AccessCheck";
    const ACTION: Action = Action::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = RoleScope;
    type Reply = Of<AccessDecision>;

    fn target(&self) -> (HsmName, Scope) {
        (self.hsm.clone(), self.scope.clone())
    }

    async fn execute(self, _: RoleScope, cx: &Cx) -> Result<Done<Self::Reply>> {
        let principals = std::iter::once(self.principal).chain(self.groups.iter().copied());
        let grants: Vec<Grant> =
            principals.flat_map(|principal| cx.store.grants(&cx.hsm.name, principal).to_vec()).collect();
        let deciding = grants.iter().find(|grant| grant.allows(self.action, &self.scope)).cloned();
        let reason = match &deciding {
            Some(grant) => format!(
                "{} is granted by role '{}', assigned to {} at {}",
                self.action, grant.definition.role_name, grant.assignment.principal, grant.assignment.scope
            ),
            None => missing(&self, &grants),
        };
        Ok(Done::reply(Of::new(
            cx,
            AccessDecision { action: self.action, scope: self.scope, deciding, reason },
        )))
    }
}

/// Why nothing grants it: no role at all, roles elsewhere, or roles without the action.
fn missing(question: &CheckAccess, grants: &[Grant]) -> String {
    let CheckAccess { action, scope, principal, .. } = question;
    if grants.is_empty() {
        return format!("missing {action}: {principal} has no role assignment in this HSM");
    }
    let elsewhere = grants.iter().find(|grant| grant.definition.grants(*action));
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
