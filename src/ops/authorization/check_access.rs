//! Tells whether a principal would be allowed an action of the control plane, and why or why not.

use crate::model::Result;
use crate::model::control_plane::{ControlAction, ControlGrant, ControlScope};
use crate::model::entry::Meter;
use crate::model::name::PrincipalId;
use crate::model::rbac::Covers as _;
use crate::ops::access::AccessDecision;
use crate::ops::resources::Place;
use crate::ops::{ControlCx, Done, Operation};

/// Asks about access. The answer is the one the engine would give.
#[derive(Clone, Debug)]
pub struct CheckControlAccess {
    /// Where.
    pub scope: ControlScope,
    /// About whom.
    pub principal: PrincipalId,
    /// Its groups: they are known from its token alone.
    pub groups: Vec<PrincipalId>,
    /// To do what.
    pub action: ControlAction,
}

impl Operation for CheckControlAccess {
    const NAME: &'static str = "CheckControlAccess";
    const EVENT: &'static str = "ControlAccessCheck";
    const ACTION: ControlAction = ControlAction::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = Place;
    type Reply = AccessDecision<ControlAction>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: Place, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        // What the caller could list with the right it needs to ask, and no more: reasons tell of assignments.
        let visible = |grant: &ControlGrant| {
            let scope = &grant.assignment.scope;
            scope.covers(&self.scope) || self.scope.covers(scope)
        };
        let principals = std::iter::once(self.principal).chain(self.groups.iter().copied());
        let grants = principals.flat_map(|principal| cx.store.control_grants(principal).to_vec());
        let grants: Vec<_> = grants.filter(visible).collect();
        let place = match self.scope {
            ControlScope::Subscription(_) => "in this subscription",
            ControlScope::ResourceGroup(..) | ControlScope::ManagedHsm(..) => "that holds there or below it",
        };
        let asked = (self.action, self.scope.clone());
        Ok(Done::reply(AccessDecision::new(self.principal, &grants, asked, |_| true, place)))
    }
}
