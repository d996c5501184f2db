//! Deletes a custom role definition.

use std::sync::Arc;

use super::RbacPlane;
use crate::model::audit_entry::Meter;
use crate::model::role::RoleDefinition;
use crate::model::{Error, Result, Timestamp};
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Deletes a custom role definition. Whether its assignments prevent it is a property of the plane: assignments of local RBAC are
/// kept and grant nothing (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
pub struct DeleteDefinition<P: RbacPlane> {
    /// The role definition.
    pub path: <P::Definition as Target>::Id,
}

clone_by_fields!(DeleteDefinition<P: RbacPlane> { path });

impl<P: RbacPlane> Operation for DeleteDefinition<P> {
    const NAME: &'static str = P::OPERATIONS.delete_definition.name;
    const EVENT: &'static str = P::OPERATIONS.delete_definition.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.delete_definition.action;
    const METER: Meter = P::OPERATIONS.delete_definition.meter;
    const CHANGES: bool = true;
    type Target = P::Definition;
    type Reply = P::Located<Arc<RoleDefinition>>;

    fn target(&self) -> <P::Definition as Target>::Id {
        self.path.clone()
    }

    fn check(&self, target: &P::Definition, _: Timestamp) -> Result<()> {
        let definition: &Arc<RoleDefinition> = target.as_ref();
        if definition.built_in { Err(Error::BuiltInRole { id: definition.id }) } else { Ok(()) }
    }

    async fn execute(self, target: P::Definition, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let definition: Arc<RoleDefinition> = target.into();
        let scope = P::Definition::scope(&self.path, cx.store());
        P::authorize_definition(cx, Self::ACTION, &definition)?;
        let change = P::remove(cx, definition.id)?;
        Ok(Done::with(P::located(cx, &scope, definition)?, [change]))
    }
}
