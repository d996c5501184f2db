//! Assigns a role to a principal at a scope.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::local_rbac::{DataAction, LocalScope, RoleAssignment};
use crate::model::name::{HsmName, PrincipalId};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, InHsm, Operation, RoleScope};

/// Creates a role assignment. A key named by the scope need not exist
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct CreateRoleAssignment {
    /// The HSM.
    pub hsm: HsmName,
    /// The identifier of the assignment; generated if `None`.
    pub id: Option<Uuid>,
    /// The role definition.
    pub role_definition: Uuid,
    /// The principal: a user, service principal or group.
    pub principal: PrincipalId,
    /// The scope.
    pub scope: LocalScope,
}

impl Operation for CreateRoleAssignment {
    const NAME: &'static str = "CreateRoleAssignment";
    const EVENT: &'static str = "RoleAssignmentCreate";
    const ACTION: DataAction = DataAction::RoleAssignmentWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = RoleScope;
    type Reply = InHsm<Arc<RoleAssignment>>;

    fn target(&self) -> (HsmName, LocalScope) {
        (self.hsm.clone(), self.scope.clone())
    }

    async fn execute(self, _: RoleScope, cx: &Cx) -> Result<Done<Self::Reply>> {
        if cx.store.role_definition(&cx.hsm.name, self.role_definition).is_none() {
            return Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)));
        }
        let assignment = Arc::new(RoleAssignment {
            id: self.id.unwrap_or_else(|| cx.ids.guid()),
            role_definition: self.role_definition,
            principal: self.principal,
            scope: self.scope,
        });
        // The store rejects duplicates, by identifier and by content, and enforces the limit per scope, when it applies
        // the change.
        let change = Change::InsertRoleAssignment(cx.hsm.name.clone(), assignment.clone());
        Ok(Done::with(InHsm::new(cx, assignment), [change]))
    }
}
