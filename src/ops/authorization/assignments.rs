//! Lists, returns and deletes role assignments of ARM RBAC.

use std::sync::Arc;

use uuid::Uuid;

use super::ExistingAssignment;
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlAssignment, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange};
use crate::model::local_rbac::HierarchicalScope as _;
use crate::model::name::PrincipalId;
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, Done, Operation};

/// Lists the role assignments that apply at a scope, including inherited ones, and optionally those below it.
///
/// Azure Resource Manager lists the same ones if the request has no filter.
#[derive(Clone, Debug)]
pub struct ListControlRoleAssignments {
    /// The scope.
    pub scope: ControlScope,
    /// Whether to include assignments at scopes below.
    pub below: bool,
    /// Only assignments of this principal; `None` for all.
    pub principal: Option<PrincipalId>,
}

impl Operation for ListControlRoleAssignments {
    const NAME: &'static str = "ListControlRoleAssignments";
    const EVENT: &'static str = "ControlRoleAssignmentList";
    const ACTION: ControlAction = ControlAction::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = Vec<Arc<ControlAssignment>>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let mut assignments = cx.store.control_assignments();
        assignments.retain(|known| {
            (known.scope.covers(&self.scope) || (self.below && self.scope.covers(&known.scope)))
                && self.principal.is_none_or(|principal| known.principal == principal)
        });
        Ok(Done::reply(assignments))
    }
}

/// Returns a role assignment.
#[derive(Clone, Debug)]
pub struct GetControlRoleAssignment {
    /// The scope of the assignment.
    pub scope: ControlScope,
    /// The identifier of the assignment.
    pub id: Uuid,
}

impl Operation for GetControlRoleAssignment {
    const NAME: &'static str = "GetControlRoleAssignment";
    const EVENT: &'static str = "ControlRoleAssignmentGet";
    const ACTION: ControlAction = ControlAction::RoleAssignmentRead;
    const METER: Meter = Meter::Free;
    type Target = ExistingAssignment;
    type Reply = Arc<ControlAssignment>;

    fn target(&self) -> (ControlScope, Uuid) {
        (self.scope.clone(), self.id)
    }

    async fn execute(self, target: ExistingAssignment, _: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(target.0))
    }
}

/// Deletes a role assignment, effective for the next request.
#[derive(Clone, Debug)]
pub struct DeleteControlRoleAssignment {
    /// The scope of the assignment.
    pub scope: ControlScope,
    /// The identifier of the assignment.
    pub id: Uuid,
}

impl Operation for DeleteControlRoleAssignment {
    const NAME: &'static str = "DeleteControlRoleAssignment";
    const EVENT: &'static str = "ControlRoleAssignmentDelete";
    const ACTION: ControlAction = ControlAction::RoleAssignmentDelete;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = ExistingAssignment;
    type Reply = Arc<ControlAssignment>;

    fn target(&self) -> (ControlScope, Uuid) {
        (self.scope.clone(), self.id)
    }

    async fn execute(self, target: ExistingAssignment, _: &ControlCx) -> Result<Done<Self::Reply>> {
        let change = ControlChange::DeleteAssignment(self.id);
        Ok(Done::with(target.0, [Change::Control(change)]))
    }
}
