//! Assigns a role to a principal at a scope.

use std::sync::Arc;

use uuid::Uuid;

use super::RbacPlane;
use crate::model::audit_entry::Meter;
use crate::model::name::PrincipalId;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::role::Assignment;
use crate::model::{Error, Result};
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Creates a role assignment. Whether the resource of the scope must exist is a property of the plane.
pub struct CreateAssignment<P: RbacPlane> {
    /// The scope.
    pub at: <P::AssignableScope as Target>::Id,
    /// The identifier of the assignment; generated if `None`.
    pub id: Option<Uuid>,
    /// The role definition.
    pub role_definition: Uuid,
    /// The principal: a user, service principal or group.
    pub principal: PrincipalId,
}

clone_by_fields!(CreateAssignment<P: RbacPlane> { at, id, role_definition, principal });

impl<P: RbacPlane> Operation for CreateAssignment<P> {
    const NAME: &'static str = P::OPERATIONS.create_assignment.name;
    const EVENT: &'static str = P::OPERATIONS.create_assignment.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.create_assignment.action;
    const METER: Meter = P::OPERATIONS.create_assignment.meter;
    const CHANGES: bool = true;
    type Target = P::AssignableScope;
    type Reply = P::Located<Arc<Assignment<P::Scope>>>;

    fn target(&self) -> <P::AssignableScope as Target>::Id {
        self.at.clone()
    }

    async fn execute(self, _: P::AssignableScope, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        if !P::definitions(cx)?.iter().any(|role| role.id == self.role_definition) {
            return Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)));
        }
        let scope = P::AssignableScope::scope(&self.at, cx.store());
        P::authorize_delegation(cx, Self::ACTION, &scope, self.role_definition)?;
        let assignment = Arc::new(Assignment {
            id: self.id.unwrap_or_else(|| cx.ids().guid()),
            role_definition: self.role_definition,
            principal: self.principal,
            scope: scope.clone(),
        });
        let change = P::insert(cx, Arc::clone(&assignment))?;
        Ok(Done::with(P::located(cx, &scope, assignment)?, [change]))
    }
}
