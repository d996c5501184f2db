//! Lists, returns and deletes role assignments of local RBAC.

use std::sync::Arc;

use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::local_rbac::{DataAction, HierarchicalScope as _, LocalScope, RoleAssignment};
use crate::model::name::{HsmName, PrincipalId};
use crate::ops::{Cx, Done, InHsm, Operation, RoleAssignmentPath, RoleScope};

/// Lists role assignments (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct ListRoleAssignments {
    /// The HSM.
    pub hsm: HsmName,
    /// Only assignments at exactly this scope; `None` for all, which requires the action at `/`.
    pub scope: Option<LocalScope>,
    /// Only assignments of this principal; `None` for all.
    pub principal: Option<PrincipalId>,
}

impl Operation for ListRoleAssignments {
    const NAME: &'static str = "ListRoleAssignments";
    const EVENT: &'static str = "RoleAssignmentList";
    const ACTION: DataAction = DataAction::RoleAssignmentRead;
    const METER: Meter = Meter::Management;
    type Target = RoleScope;
    type Reply = InHsm<Vec<Arc<RoleAssignment>>>;

    fn target(&self) -> (HsmName, LocalScope) {
        (self.hsm.clone(), self.scope.clone().unwrap_or(LocalScope::Hsm))
    }

    async fn execute(self, _: RoleScope, cx: &Cx) -> Result<Done<Self::Reply>> {
        let mut assignments = cx.store.role_assignments(&cx.hsm.name);
        assignments.retain(|assignment| {
            self.scope.as_ref().is_none_or(|scope| assignment.scope.is_same_as(scope))
                && self.principal.is_none_or(|principal| assignment.principal == principal)
        });
        Ok(Done::reply(InHsm::new(cx, assignments)))
    }
}

/// Returns a role assignment (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct GetRoleAssignment {
    /// The role assignment.
    pub path: RoleAssignmentPath,
}

impl Operation for GetRoleAssignment {
    const NAME: &'static str = "GetRoleAssignment";
    const EVENT: &'static str = "RoleAssignmentGet";
    const ACTION: DataAction = DataAction::RoleAssignmentRead;
    const METER: Meter = Meter::Management;
    type Target = RoleAssignment;
    type Reply = InHsm<RoleAssignment>;

    fn target(&self) -> RoleAssignmentPath {
        self.path.clone()
    }

    async fn execute(self, target: RoleAssignment, cx: &Cx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(InHsm::new(cx, target)))
    }
}

/// Deletes a role assignment, effective for the next request
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct DeleteRoleAssignment {
    /// The role assignment.
    pub path: RoleAssignmentPath,
}

impl Operation for DeleteRoleAssignment {
    const NAME: &'static str = "DeleteRoleAssignment";
    const EVENT: &'static str = "RoleAssignmentDelete";
    const ACTION: DataAction = DataAction::RoleAssignmentDelete;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = RoleAssignment;
    type Reply = InHsm<RoleAssignment>;

    fn target(&self) -> RoleAssignmentPath {
        self.path.clone()
    }

    async fn execute(self, target: RoleAssignment, cx: &Cx) -> Result<Done<Self::Reply>> {
        let change = Change::DeleteRoleAssignment(cx.hsm.name.clone(), self.path.id);
        Ok(Done::with(InHsm::new(cx, target), [change]))
    }
}
