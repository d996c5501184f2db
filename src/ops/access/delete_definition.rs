//! Deletes a custom role definition of local RBAC.

use std::sync::Arc;

use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::local_rbac::{DataAction, RoleDefinition};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, ExistingRoleDefinition, InHsm, Operation, RoleDefinitionPath};

/// Deletes a custom role definition. Its assignments are kept and grant nothing
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct DeleteRoleDefinition {
    /// The role definition.
    pub path: RoleDefinitionPath,
}

impl Operation for DeleteRoleDefinition {
    const NAME: &'static str = "DeleteRoleDefinition";
    const EVENT: &'static str = "RoleDefinitionDelete";
    const ACTION: DataAction = DataAction::RoleDefinitionDelete;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = ExistingRoleDefinition;
    type Reply = InHsm<Arc<RoleDefinition>>;

    fn target(&self) -> RoleDefinitionPath {
        self.path.clone()
    }

    fn check(&self, target: &ExistingRoleDefinition, _: Timestamp) -> Result<()> {
        if target.0.built_in { Err(Error::BuiltInRole { id: self.path.id }) } else { Ok(()) }
    }

    async fn execute(self, target: ExistingRoleDefinition, cx: &Cx) -> Result<Done<Self::Reply>> {
        let change = Change::DeleteRoleDefinition(cx.managed_hsm()?.name.clone(), self.path.id);
        Ok(Done::with(InHsm::new(cx, target.0)?, [change]))
    }
}
