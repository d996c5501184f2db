//! Assigns a role of the control plane to a principal at a scope.

use std::sync::Arc;

use uuid::Uuid;

use super::Existing;
use crate::model::change::{Change, ControlChange};
use crate::model::control_plane::{ControlAction, ControlAssignment, ControlScope};
use crate::model::entry::Meter;
use crate::model::name::PrincipalId;
use crate::model::{Error, Result};
use crate::ops::{ControlCx, Done, Operation};

/// Assigns a role. What the scope names must exist: what comes later under its name gets no old rights.
#[derive(Clone, Debug)]
pub struct CreateControlRoleAssignment {
    /// Where.
    pub scope: ControlScope,
    /// Under which id; made by the service if `None`.
    pub id: Option<Uuid>,
    /// Which role.
    pub role_definition: Uuid,
    /// To whom: user, service principal or group.
    pub principal: PrincipalId,
}

impl Operation for CreateControlRoleAssignment {
    const NAME: &'static str = "CreateControlRoleAssignment";
    const EVENT: &'static str = "ControlRoleAssignmentCreate";
    const ACTION: ControlAction = ControlAction::RoleAssignmentWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = Existing;
    type Reply = Arc<ControlAssignment>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: Existing, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        if !cx.store.control_definitions().iter().any(|role| role.id == self.role_definition) {
            return Err(Error::RoleDefinitionNotFound);
        }
        let assignment = Arc::new(ControlAssignment {
            id: self.id.unwrap_or_else(|| cx.ids.guid()),
            role_definition: self.role_definition,
            principal: self.principal,
            scope: self.scope,
        });
        // That it is new, by id and by meaning, that there is room for it and that its scope is there is the
        // store's to see, in the moment of the change.
        let change = ControlChange::InsertAssignment(Arc::clone(&assignment));
        Ok(Done::with(assignment, [Change::Control(change)]))
    }
}
