//! Checks whether a principal may perform a data action at a scope, and returns the reason.

use super::AccessDecision;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::{DataAction, Grant, LocalScope};
use crate::model::name::{HsmName, PrincipalId};
use crate::ops::{Cx, Done, InHsm, Operation, RoleScope};

/// Checks access with the rule by which the engine authorizes calls. An extension of this service.
#[derive(Clone, Debug)]
pub struct CheckAccess {
    /// The HSM.
    pub hsm: HsmName,
    /// The principal to check.
    pub principal: PrincipalId,
    /// The groups of the principal, which are otherwise known only from its access token.
    pub groups: Vec<PrincipalId>,
    /// The data action.
    pub action: DataAction,
    /// The scope.
    pub scope: LocalScope,
}

impl Operation for CheckAccess {
    const NAME: &'static str = "CheckAccess";
    const EVENT: &'static str = "AccessCheck";
    const ACTION: DataAction = DataAction::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = RoleScope;
    type Reply = InHsm<AccessDecision<DataAction>>;

    fn target(&self) -> (HsmName, LocalScope) {
        (self.hsm.clone(), self.scope.clone())
    }

    async fn execute(self, _: RoleScope, cx: &Cx) -> Result<Done<Self::Reply>> {
        let principals = std::iter::once(self.principal).chain(self.groups.iter().copied());
        let grants: Vec<Grant> =
            principals.flat_map(|principal| cx.store.grants(&cx.hsm.name, principal).to_vec()).collect();
        // The reason names only assignments that the caller may read.
        let own: Vec<Grant> = cx
            .caller_principals
            .iter()
            .flat_map(|caller| cx.store.grants(&cx.hsm.name, *caller).to_vec())
            .collect();
        let readable =
            |scope: &LocalScope| own.iter().any(|grant| grant.allows(DataAction::RoleAssignmentRead, scope));
        let qualifier = if readable(&LocalScope::Hsm) { "in this HSM" } else { "that you may read" };
        let request = (self.action, self.scope);
        let decision = AccessDecision::new(self.principal, &grants, request, readable, qualifier);
        Ok(Done::reply(InHsm::new(cx, decision)))
    }
}
