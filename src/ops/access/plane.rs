//! The data plane as one with role-based access control: local RBAC, per HSM.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::arm_rbac::ControlScope;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::error::shorten;
use crate::model::local_rbac::{
    DataAction, Grant, HierarchicalScope as _, LocalScope, Permission, RoleAssignment, RoleDefinition,
};
use crate::model::name::{HsmName, PrincipalId};
use crate::model::{Error, Field, Result};
use crate::ops::rbac::{
    self, CreateAssignment, DeleteAssignment, DeleteDefinition, GetAssignment, GetDefinition,
    ListAssignments, ListDefinitions, PutDefinition, RbacOperations, RbacPlane,
};
use crate::ops::{Cx, DataPlane, ExistingRoleDefinition, InHsm, OperationNames, RoleScope, WholeHsm};

/// Lists the role definitions of an HSM.
pub type ListRoleDefinitions = ListDefinitions<DataPlane>;
/// Returns a role definition.
pub type GetRoleDefinition = GetDefinition<DataPlane>;
/// Creates or replaces a custom role definition.
pub type PutRoleDefinition = PutDefinition<DataPlane>;
/// Deletes a custom role definition. Its assignments are kept and grant nothing.
pub type DeleteRoleDefinition = DeleteDefinition<DataPlane>;
/// Creates a role assignment. A key named by the scope need not exist.
pub type CreateRoleAssignment = CreateAssignment<DataPlane>;
/// Returns a role assignment.
pub type GetRoleAssignment = GetAssignment<DataPlane>;
/// Lists role assignments.
pub type ListRoleAssignments = ListAssignments<DataPlane>;
/// Deletes a role assignment.
pub type DeleteRoleAssignment = DeleteAssignment<DataPlane>;
/// Checks whether a principal may perform a data action.
pub type CheckAccess = rbac::CheckAccess<DataPlane>;

/// Selects role assignments of an HSM.
#[derive(Clone, Debug)]
pub struct LocalSelection {
    /// The HSM.
    pub hsm: HsmName,
    /// Only assignments at exactly this scope; `None` for all, which requires the action at `/`.
    pub scope: Option<LocalScope>,
}

impl RbacPlane for DataPlane {
    type AnyScope = RoleScope;
    type AssignableScope = RoleScope;
    type Assignment = RoleAssignment;
    type Definitions = WholeHsm;
    type Definition = ExistingRoleDefinition;
    type DefinitionPlace = WholeHsm;
    type Selection = LocalSelection;
    type Located<T: Send + 'static> = InHsm<T>;

    const OPERATIONS: RbacOperations<DataAction> = RbacOperations {
        list_definitions: names("ListRoleDefinitions", "RoleDefinitionList", DataAction::RoleDefinitionRead),
        get_definition: names("GetRoleDefinition", "RoleDefinitionGet", DataAction::RoleDefinitionRead),
        put_definition: names("PutRoleDefinition", "RoleDefinitionCreate", DataAction::RoleDefinitionWrite),
        delete_definition: names(
            "DeleteRoleDefinition",
            "RoleDefinitionDelete",
            DataAction::RoleDefinitionDelete,
        ),
        create_assignment: names(
            "CreateRoleAssignment",
            "RoleAssignmentCreate",
            DataAction::RoleAssignmentWrite,
        ),
        get_assignment: names("GetRoleAssignment", "RoleAssignmentGet", DataAction::RoleAssignmentRead),
        list_assignments: names("ListRoleAssignments", "RoleAssignmentList", DataAction::RoleAssignmentRead),
        delete_assignment: names(
            "DeleteRoleAssignment",
            "RoleAssignmentDelete",
            DataAction::RoleAssignmentDelete,
        ),
        check_access: OperationNames {
            meter: Meter::Free,
            ..names("CheckAccess", "AccessCheck", DataAction::RoleAssignmentRead)
        },
    };

    fn definitions(cx: &Cx) -> Result<Vec<Arc<RoleDefinition>>> {
        Ok(cx.store.role_definitions(&cx.managed_hsm()?.name))
    }

    /// A pattern that matches no data action is rejected, since it would grant nothing without notice. Other actions are stored.
    fn check_definition(permissions: &[Permission], _: &[ControlScope]) -> Result<()> {
        let wrong = |why: String| Err(Error::invalid(Field::RoleDefinitionPermissions, why));
        for Permission { actions, not_actions, data_actions, not_data_actions } in permissions {
            if let Some(pattern) =
                data_actions.iter().chain(not_data_actions).find(|pattern| !matches_data_action(pattern))
            {
                return wrong(format!("{:?} matches no data action of Managed HSM", shorten(pattern)));
            }
            if actions.iter().chain(not_actions).any(|action| action.len() > 256) {
                return wrong("an action has at most 256 bytes".to_owned());
            }
        }
        Ok(())
    }

    fn put(cx: &Cx, definition: Arc<RoleDefinition>) -> Result<Change> {
        Ok(Change::PutRoleDefinition(cx.managed_hsm()?.name.clone(), definition))
    }

    fn remove(cx: &Cx, definition: Uuid) -> Result<Change> {
        Ok(Change::DeleteRoleDefinition(cx.managed_hsm()?.name.clone(), definition))
    }

    fn assignments(cx: &Cx) -> Result<Vec<Arc<RoleAssignment>>> {
        Ok(cx.store.role_assignments(&cx.managed_hsm()?.name))
    }

    fn grants(cx: &Cx, principal: PrincipalId) -> Result<Arc<[Grant]>> {
        Ok(cx.store.grants(&cx.managed_hsm()?.name, principal))
    }

    fn selection_scope(selection: &LocalSelection) -> (HsmName, LocalScope) {
        (selection.hsm.clone(), selection.scope.clone().unwrap_or(LocalScope::Hsm))
    }

    fn selects(selection: &LocalSelection, scope: &LocalScope) -> bool {
        selection.scope.as_ref().is_none_or(|selected| scope.is_same_as(selected))
    }

    /// The assignments that the caller may read, at whichever scope: the call requires the action at the checked one only.
    fn disclosure(cx: &Cx, _: &LocalScope) -> (impl Fn(&LocalScope) -> bool, &'static str) {
        let own = cx.caller_principals.iter().filter_map(|caller| Self::grants(cx, *caller).ok());
        let own: Vec<Grant> = own.flat_map(|grants| grants.to_vec()).collect();
        let readable = move |scope: &LocalScope| {
            own.iter().any(|grant| grant.allows(DataAction::RoleAssignmentRead, scope))
        };
        let qualifier = if readable(&LocalScope::Hsm) { "in this HSM" } else { "that you may read" };
        (readable, qualifier)
    }

    fn located<T: Send + 'static>(cx: &Cx, _: &LocalScope, item: T) -> Result<InHsm<T>> {
        InHsm::new(cx, item)
    }

    fn insert(cx: &Cx, assignment: Arc<RoleAssignment>) -> Result<Change> {
        Ok(Change::InsertRoleAssignment(cx.managed_hsm()?.name.clone(), assignment))
    }

    fn delete(cx: &Cx, assignment: Uuid) -> Result<Change> {
        Ok(Change::DeleteRoleAssignment(cx.managed_hsm()?.name.clone(), assignment))
    }
}

/// Whether a pattern matches a data action.
fn matches_data_action(pattern: &str) -> bool {
    let probe = RoleDefinition {
        id: Uuid::nil(),
        role_name: String::new(),
        description: String::new(),
        built_in: false,
        permissions: vec![Permission { data_actions: vec![pattern.to_owned()], ..Permission::default() }],
        assignable_scopes: Vec::new(),
    };
    pattern.len() <= 256 && DataAction::ALL.iter().any(|action| probe.grants(*action))
}

const fn names(name: &'static str, event: &'static str, action: DataAction) -> OperationNames<DataAction> {
    OperationNames { name, event, action, meter: Meter::Management }
}
