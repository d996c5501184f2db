//! Lists, returns and deletes role assignments.

use std::sync::Arc;

use super::RbacPlane;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::name::PrincipalId;
use crate::model::role::Assignment;
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Lists role assignments. The plane decides which scopes a request selects.
pub struct ListAssignments<P: RbacPlane> {
    /// Only assignments at these scopes.
    pub selection: P::Selection,
    /// Only assignments of this principal; `None` for all.
    pub principal: Option<PrincipalId>,
}

clone_by_fields!(ListAssignments<P: RbacPlane> { selection, principal });

impl<P: RbacPlane> Operation for ListAssignments<P> {
    const NAME: &'static str = P::OPERATIONS.list_assignments.name;
    const EVENT: &'static str = P::OPERATIONS.list_assignments.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.list_assignments.action;
    const METER: Meter = P::OPERATIONS.list_assignments.meter;
    type Target = P::AnyScope;
    type Reply = P::Located<Vec<Arc<Assignment<P::Scope>>>>;

    fn target(&self) -> <P::AnyScope as Target>::Id {
        P::selection_scope(&self.selection)
    }

    async fn execute(self, _: P::AnyScope, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let mut assignments = P::assignments(cx)?;
        assignments.retain(|known| {
            P::selects(&self.selection, &known.scope)
                && self.principal.is_none_or(|principal| known.principal == principal)
        });
        let scope = P::AnyScope::scope(&self.target(), cx.store());
        Ok(Done::reply(P::located(cx, &scope, assignments)?))
    }
}

/// Returns a role assignment.
pub struct GetAssignment<P: RbacPlane> {
    /// The role assignment.
    pub path: <P::Assignment as Target>::Id,
}

clone_by_fields!(GetAssignment<P: RbacPlane> { path });

impl<P: RbacPlane> Operation for GetAssignment<P> {
    const NAME: &'static str = P::OPERATIONS.get_assignment.name;
    const EVENT: &'static str = P::OPERATIONS.get_assignment.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.get_assignment.action;
    const METER: Meter = P::OPERATIONS.get_assignment.meter;
    type Target = P::Assignment;
    type Reply = P::Located<Arc<Assignment<P::Scope>>>;

    fn target(&self) -> <P::Assignment as Target>::Id {
        self.path.clone()
    }

    async fn execute(self, target: P::Assignment, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let assignment = target.into();
        let scope = assignment.scope.clone();
        Ok(Done::reply(P::located(cx, &scope, assignment)?))
    }
}

/// Deletes a role assignment, effective for the next request.
pub struct DeleteAssignment<P: RbacPlane> {
    /// The role assignment.
    pub path: <P::Assignment as Target>::Id,
}

clone_by_fields!(DeleteAssignment<P: RbacPlane> { path });

impl<P: RbacPlane> Operation for DeleteAssignment<P> {
    const NAME: &'static str = P::OPERATIONS.delete_assignment.name;
    const EVENT: &'static str = P::OPERATIONS.delete_assignment.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.delete_assignment.action;
    const METER: Meter = P::OPERATIONS.delete_assignment.meter;
    const CHANGES: bool = true;
    type Target = P::Assignment;
    type Reply = P::Located<Arc<Assignment<P::Scope>>>;

    fn target(&self) -> <P::Assignment as Target>::Id {
        self.path.clone()
    }

    async fn execute(self, target: P::Assignment, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let assignment = target.into();
        P::authorize_delegation(cx, Self::ACTION, &assignment.scope, assignment.role_definition)?;
        let (scope, change) = (assignment.scope.clone(), P::delete(cx, assignment.id)?);
        Ok(Done::with(P::located(cx, &scope, assignment)?, [change]))
    }
}
