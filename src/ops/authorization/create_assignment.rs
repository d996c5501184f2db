//! Assigns a role of the control plane to a principal at a scope.

use std::sync::Arc;

use uuid::Uuid;

use super::ExistingScope;
use crate::model::arm_rbac::{ControlAction, ControlAssignment, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange};
use crate::model::name::PrincipalId;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::{ControlCx, Done, Operation};

/// Creates a role assignment. The resource of the scope must exist, so that a later resource of the same name does not
/// inherit the assignment.
#[derive(Clone, Debug)]
pub struct CreateControlRoleAssignment {
    /// The scope.
    pub scope: ControlScope,
    /// The identifier of the assignment; generated if `None`.
    pub id: Option<Uuid>,
    /// The role definition.
    pub role_definition: Uuid,
    /// The principal: a user, service principal or group.
    pub principal: PrincipalId,
}

impl Operation for CreateControlRoleAssignment {
    const NAME: &'static str = "CreateControlRoleAssignment";
    const EVENT: &'static str = "ControlRoleAssignmentCreate";
    const ACTION: ControlAction = ControlAction::RoleAssignmentWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = ExistingScope;
    type Reply = Arc<ControlAssignment>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: ExistingScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        if !cx.store.control_definitions().iter().any(|role| role.id == self.role_definition) {
            return Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)));
        }
        let assignment = Arc::new(ControlAssignment {
            id: self.id.unwrap_or_else(|| cx.ids.guid()),
            role_definition: self.role_definition,
            principal: self.principal,
            scope: self.scope,
        });
        // The store rejects duplicates, by identifier and by content, and missing scopes, and enforces the limit, when it
        // applies the change.
        let change = ControlChange::InsertAssignment(Arc::clone(&assignment));
        Ok(Done::with(assignment, [Change::Control(change)]))
    }
}
