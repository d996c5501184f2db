//! Lists, returns and deletes role definitions of local RBAC.

use std::sync::Arc;

use crate::model::change::Change;
use crate::model::entry::Meter;
use crate::model::name::HsmName;
use crate::model::rbac::{Action, RoleDefinition};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Definition, DefinitionPath, Done, Of, Operation, Whole};

/// Lists the built-in role definitions, then the custom ones
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct ListRoleDefinitions {
    /// The HSM.
    pub hsm: HsmName,
}

impl Operation for ListRoleDefinitions {
    const NAME: &'static str = "ListRoleDefinitions";
    const EVENT: &'static str = "RoleDefinitionList";
    const ACTION: Action = Action::RoleDefinitionRead;
    const METER: Meter = Meter::Management;
    type Target = Whole;
    type Reply = Of<Vec<Arc<RoleDefinition>>>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: Whole, cx: &Cx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(Of::new(cx, cx.store.role_definitions(&cx.hsm.name))))
    }
}

/// Returns a role definition (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct GetRoleDefinition {
    /// The role definition.
    pub path: DefinitionPath,
}

impl Operation for GetRoleDefinition {
    const NAME: &'static str = "GetRoleDefinition";
    const EVENT: &'static str = "RoleDefinitionGet";
    const ACTION: Action = Action::RoleDefinitionRead;
    const METER: Meter = Meter::Management;
    type Target = Definition;
    type Reply = Of<Arc<RoleDefinition>>;

    fn target(&self) -> DefinitionPath {
        self.path.clone()
    }

    async fn execute(self, target: Definition, cx: &Cx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(Of::new(cx, target.0)))
    }
}

/// Deletes a custom role definition. Its assignments are kept and grant nothing
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct DeleteRoleDefinition {
    /// The role definition.
    pub path: DefinitionPath,
}

impl Operation for DeleteRoleDefinition {
    const NAME: &'static str = "DeleteRoleDefinition";
    const EVENT: &'static str = "RoleDefinitionDelete";
    const ACTION: Action = Action::RoleDefinitionDelete;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = Definition;
    type Reply = Of<Arc<RoleDefinition>>;

    fn target(&self) -> DefinitionPath {
        self.path.clone()
    }

    fn check(&self, target: &Definition, _: Timestamp) -> Result<()> {
        if target.0.built_in { Err(Error::BuiltInRole { id: self.path.id }) } else { Ok(()) }
    }

    async fn execute(self, target: Definition, cx: &Cx) -> Result<Done<Self::Reply>> {
        let change = Change::DeleteRoleDefinition(cx.hsm.name.clone(), self.path.id);
        Ok(Done::with(Of::new(cx, target.0), [change]))
    }
}
