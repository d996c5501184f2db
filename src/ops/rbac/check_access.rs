//! Checks whether a principal may perform an action at a scope, and returns the reason.

use super::{AccessDecision, RbacPlane};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::name::PrincipalId;
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Checks access with the rule by which the engine authorizes calls. An extension of this service.
pub struct CheckAccess<P: RbacPlane> {
    /// The scope.
    pub at: <P::AnyScope as Target>::Id,
    /// The principal to check.
    pub principal: PrincipalId,
    /// The groups of the principal, which are otherwise known only from its access token.
    pub groups: Vec<PrincipalId>,
    /// The action.
    pub action: P::Action,
}

clone_by_fields!(CheckAccess<P: RbacPlane> { at, principal, groups, action });

impl<P: RbacPlane> Operation for CheckAccess<P> {
    const NAME: &'static str = P::OPERATIONS.check_access.name;
    const EVENT: &'static str = P::OPERATIONS.check_access.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.check_access.action;
    const METER: Meter = P::OPERATIONS.check_access.meter;
    type Target = P::AnyScope;
    type Reply = P::Located<AccessDecision<P::Action>>;

    fn target(&self) -> <P::AnyScope as Target>::Id {
        self.at.clone()
    }

    async fn execute(self, _: P::AnyScope, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let scope = P::AnyScope::scope(&self.at, cx.store());
        let principals = std::iter::once(self.principal).chain(self.groups);
        let grants = principals.map(|principal| P::grants(cx, principal)).collect::<Result<Vec<_>>>()?;
        let grants: Vec<_> = grants.iter().flat_map(|grants| grants.to_vec()).collect();
        let (readable, qualifier) = P::disclosure(cx, &scope);
        let request = (self.action, scope.clone());
        let decision = AccessDecision::new(self.principal, &grants, request, readable, qualifier);
        Ok(Done::reply(P::located(cx, &scope, decision)?))
    }
}
