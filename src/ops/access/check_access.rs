//! Tells whether a principal would be allowed an action at a scope, and why or why not.

use super::AccessDecision;
use crate::model::Result;
use crate::model::entry::Meter;
use crate::model::name::{HsmName, PrincipalId};
use crate::model::rbac::{Action, Grant, Scope};
use crate::ops::{Cx, Done, Of, Operation, RoleScope};

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

impl Operation for CheckAccess {
    const NAME: &'static str = "CheckAccess";
    const EVENT: &'static str = "AccessCheck";
    const ACTION: Action = Action::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = RoleScope;
    type Reply = Of<AccessDecision<Action>>;

    fn target(&self) -> (HsmName, Scope) {
        (self.hsm.clone(), self.scope.clone())
    }

    async fn execute(self, _: RoleScope, cx: &Cx) -> Result<Done<Self::Reply>> {
        let principals = std::iter::once(self.principal).chain(self.groups.iter().copied());
        let grants: Vec<Grant> =
            principals.flat_map(|principal| cx.store.grants(&cx.hsm.name, principal).to_vec()).collect();
        // Of assignments, those are told of that the asker could read one by one.
        let own: Vec<Grant> =
            cx.asker.iter().flat_map(|asker| cx.store.grants(&cx.hsm.name, *asker).to_vec()).collect();
        let readable =
            |scope: &Scope| own.iter().any(|grant| grant.allows(Action::RoleAssignmentRead, scope));
        let place = if readable(&Scope::Hsm) { "in this HSM" } else { "that you may read" };
        let asked = (self.action, self.scope);
        let decision = AccessDecision::new(self.principal, &grants, asked, readable, place);
        Ok(Done::reply(Of::new(cx, decision)))
    }
}
