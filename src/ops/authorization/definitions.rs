//! Lists and returns role definitions of ARM RBAC.

use std::sync::Arc;

use uuid::Uuid;

use super::AtScope;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::RoleDefinition;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, Done, Operation};

/// Lists the role definitions that can be assigned at a scope: the same at every scope.
#[derive(Clone, Debug)]
pub struct ListControlRoleDefinitions {
    /// The scope.
    pub scope: ControlScope,
}

impl Operation for ListControlRoleDefinitions {
    const NAME: &'static str = "ListControlRoleDefinitions";
    const EVENT: &'static str = "ControlRoleDefinitionList";
    const ACTION: ControlAction = ControlAction::RoleDefinitionRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = AtScope<Vec<Arc<RoleDefinition>>>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(AtScope { scope: self.scope, item: cx.store.control_definitions() }))
    }
}

/// Returns a role definition.
#[derive(Clone, Debug)]
pub struct GetControlRoleDefinition {
    /// The scope.
    pub scope: ControlScope,
    /// The identifier of the definition.
    pub id: Uuid,
}

impl Operation for GetControlRoleDefinition {
    const NAME: &'static str = "GetControlRoleDefinition";
    const EVENT: &'static str = "ControlRoleDefinitionGet";
    const ACTION: ControlAction = ControlAction::RoleDefinitionRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = AtScope<Arc<RoleDefinition>>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let found = cx.store.control_definitions().into_iter().find(|role| role.id == self.id);
        let item = found.ok_or(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)))?;
        Ok(Done::reply(AtScope { scope: self.scope, item }))
    }
}
