//! Checks whether a principal may perform an action of the control plane, and returns the reason.

use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlGrant, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::HierarchicalScope as _;
use crate::model::name::PrincipalId;
use crate::ops::access::AccessDecision;
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, Done, Operation};

/// Checks access with the rule by which the engine authorizes calls. An extension of this service.
#[derive(Clone, Debug)]
pub struct CheckControlAccess {
    /// The scope.
    pub scope: ControlScope,
    /// The principal to check.
    pub principal: PrincipalId,
    /// The groups of the principal, which are otherwise known only from its access token.
    pub groups: Vec<PrincipalId>,
    /// The action.
    pub action: ControlAction,
}

impl Operation for CheckControlAccess {
    const NAME: &'static str = "CheckControlAccess";
    const EVENT: &'static str = "ControlAccessCheck";
    const ACTION: ControlAction = ControlAction::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = AccessDecision<ControlAction>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        // The reason names only assignments that the caller may list with the action that this operation requires.
        let visible = |grant: &ControlGrant| {
            let scope = &grant.assignment.scope;
            scope.covers(&self.scope) || self.scope.covers(scope)
        };
        let principals = std::iter::once(self.principal).chain(self.groups.iter().copied());
        let grants = principals.flat_map(|principal| cx.store.control_grants(principal).to_vec());
        let grants: Vec<_> = grants.filter(visible).collect();
        let qualifier = match self.scope {
            ControlScope::Subscription(_) => "in this subscription",
            ControlScope::ResourceGroup(..) | ControlScope::ManagedHsm(..) => "that holds there or below it",
        };
        let request = (self.action, self.scope.clone());
        Ok(Done::reply(AccessDecision::new(self.principal, &grants, request, |_| true, qualifier)))
    }
}
