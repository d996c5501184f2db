//! The control plane as one with role-based access control: ARM RBAC, for all subscriptions.

use std::sync::Arc;

use uuid::Uuid;

use super::{ExistingAssignment, ExistingDefinition, ExistingScope};
use crate::model::arm_rbac::{ControlAction, ControlAssignment, ControlGrant, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, ControlChange};
use crate::model::custom_role::{assignable_scopes, check_actions, check_assignable_scopes, is_visible_at};
use crate::model::delegation::may_delegate;
use crate::model::error::DeniedAction;
use crate::model::local_rbac::{HierarchicalScope as _, Permission, RoleDefinition};
use crate::model::name::PrincipalId;
use crate::model::role::roles_granting;
use crate::model::{Error, Result};
use crate::ops::rbac::{
    CheckAccess, CreateAssignment, DeleteAssignment, DeleteDefinition, GetAssignment, GetDefinition,
    ListAssignments, ListDefinitions, PutDefinition, RbacOperations, RbacPlane,
};
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, ControlPlane, OperationNames};

/// Lists the role definitions that can be assigned at a scope or below it.
// assumption: Azure includes the latter with the filter `atScopeAndBelow()` only.
pub type ListControlRoleDefinitions = ListDefinitions<ControlPlane>;
/// Returns a role definition.
pub type GetControlRoleDefinition = GetDefinition<ControlPlane>;
/// Creates or replaces a custom role definition. The caller needs the permission at all its assignable scopes.
pub type PutControlRoleDefinition = PutDefinition<ControlPlane>;
/// Deletes a custom role definition that is not assigned. The caller needs the permission at all its assignable scopes.
pub type DeleteControlRoleDefinition = DeleteDefinition<ControlPlane>;
/// Creates a role assignment. The resource of the scope must exist, so that a later resource of the same name does not
/// inherit the assignment.
pub type CreateControlRoleAssignment = CreateAssignment<ControlPlane>;
/// Returns a role assignment.
pub type GetControlRoleAssignment = GetAssignment<ControlPlane>;
/// Lists the role assignments that apply at a scope, including inherited ones, and optionally those below it.
pub type ListControlRoleAssignments = ListAssignments<ControlPlane>;
/// Deletes a role assignment.
pub type DeleteControlRoleAssignment = DeleteAssignment<ControlPlane>;
/// Checks whether a principal may perform an action of the control plane.
pub type CheckControlAccess = CheckAccess<ControlPlane>;

/// Selects the role assignments that apply at a scope, including inherited ones, and optionally those below it.
///
/// Azure Resource Manager lists the same ones if the request has no filter.
#[derive(Clone, Debug)]
pub struct ControlSelection {
    /// The scope.
    pub scope: ControlScope,
    /// Whether to include assignments at scopes below.
    pub below: bool,
}

/// A value with the requested scope, with which the names of role definitions begin.
#[derive(Clone, Debug)]
pub struct AtScope<T> {
    /// The scope.
    pub scope: ControlScope,
    /// The value.
    pub item: T,
}

impl RbacPlane for ControlPlane {
    type AnyScope = AnyScope;
    type AssignableScope = ExistingScope;
    type Assignment = ExistingAssignment;
    type Definitions = AnyScope;
    type Definition = ExistingDefinition;
    type DefinitionPlace = AnyScope;
    type Selection = ControlSelection;
    type Located<T: Send + 'static> = AtScope<T>;

    const OPERATIONS: RbacOperations<ControlAction> = RbacOperations {
        list_definitions: names(
            "ListControlRoleDefinitions",
            "ControlRoleDefinitionList",
            ControlAction::RoleDefinitionRead,
        ),
        get_definition: names(
            "GetControlRoleDefinition",
            "ControlRoleDefinitionGet",
            ControlAction::RoleDefinitionRead,
        ),
        put_definition: names(
            "PutControlRoleDefinition",
            "ControlRoleDefinitionPut",
            ControlAction::RoleDefinitionWrite,
        ),
        delete_definition: names(
            "DeleteControlRoleDefinition",
            "ControlRoleDefinitionDelete",
            ControlAction::RoleDefinitionDelete,
        ),
        create_assignment: names(
            "CreateControlRoleAssignment",
            "ControlRoleAssignmentCreate",
            ControlAction::RoleAssignmentWrite,
        ),
        get_assignment: names(
            "GetControlRoleAssignment",
            "ControlRoleAssignmentGet",
            ControlAction::RoleAssignmentRead,
        ),
        list_assignments: names(
            "ListControlRoleAssignments",
            "ControlRoleAssignmentList",
            ControlAction::RoleAssignmentRead,
        ),
        delete_assignment: names(
            "DeleteControlRoleAssignment",
            "ControlRoleAssignmentDelete",
            ControlAction::RoleAssignmentDelete,
        ),
        check_access: names("CheckControlAccess", "ControlAccessCheck", ControlAction::RoleAssignmentRead),
    };

    fn definitions(cx: &ControlCx) -> Result<Vec<Arc<RoleDefinition>>> {
        Ok(cx.store.control_definitions())
    }

    fn is_listed(definition: &RoleDefinition, scope: &ControlScope) -> bool {
        is_visible_at(definition, scope)
    }

    fn check_definition(permissions: &[Permission], assignable_scopes: &[ControlScope]) -> Result<()> {
        check_actions(permissions)?;
        check_assignable_scopes(assignable_scopes)
    }

    fn authorize_definition(
        cx: &ControlCx,
        action: ControlAction,
        definition: &RoleDefinition,
    ) -> Result<()> {
        let Some(principal) = cx.caller_principals.first().copied() else {
            return Err(Error::internal("a role definition is written without a caller"));
        };
        let grants: Vec<_> =
            cx.caller_principals.iter().map(|caller| cx.store.control_grants(*caller)).collect();
        let is_denied = |scope: &ControlScope| {
            !grants.iter().flat_map(|grants| grants.iter()).any(|grant| grant.allows(action, scope))
        };
        match assignable_scopes(definition).into_iter().find(is_denied) {
            Some(scope) => {
                let roles = roles_granting(action, cx.store.control_definitions());
                Err(Error::Forbidden { principal, denied: DeniedAction::Control(action, scope), roles })
            }
            None => Ok(()),
        }
    }

    fn authorize_delegation(
        cx: &ControlCx,
        action: ControlAction,
        scope: &ControlScope,
        role_definition: Uuid,
    ) -> Result<()> {
        let Some(principal) = cx.caller_principals.first().copied() else {
            return Err(Error::internal("a role is delegated without a caller"));
        };
        let delegates = |caller: &PrincipalId| {
            let grants = cx.store.control_grants(*caller);
            grants.iter().any(|grant| {
                grant.allows(action, scope) && may_delegate(grant.definition.id, role_definition)
            })
        };
        if cx.caller_principals.iter().any(delegates) {
            return Ok(());
        }
        let mut definitions = cx.store.control_definitions();
        definitions.retain(|role| may_delegate(role.id, role_definition));
        let roles = roles_granting(action, definitions);
        Err(Error::Forbidden { principal, denied: DeniedAction::Control(action, scope.clone()), roles })
    }

    fn put(_: &ControlCx, definition: Arc<RoleDefinition>) -> Result<Change> {
        Ok(Change::Control(ControlChange::PutDefinition(definition)))
    }

    fn remove(_: &ControlCx, definition: Uuid) -> Result<Change> {
        Ok(Change::Control(ControlChange::DeleteDefinition(definition)))
    }

    fn assignments(cx: &ControlCx) -> Result<Vec<Arc<ControlAssignment>>> {
        Ok(cx.store.control_assignments())
    }

    fn grants(cx: &ControlCx, principal: PrincipalId) -> Result<Arc<[ControlGrant]>> {
        Ok(cx.store.control_grants(principal))
    }

    fn selection_scope(selection: &ControlSelection) -> ControlScope {
        selection.scope.clone()
    }

    fn selects(selection: &ControlSelection, scope: &ControlScope) -> bool {
        scope.covers(&selection.scope) || (selection.below && selection.scope.covers(scope))
    }

    /// The assignments that the caller may list with the action that an access check requires.
    fn disclosure(_: &ControlCx, checked: &ControlScope) -> (impl Fn(&ControlScope) -> bool, &'static str) {
        let listed = |scope: &ControlScope| scope.covers(checked) || checked.covers(scope);
        let qualifier = match checked {
            ControlScope::Subscription(_) => "in this subscription",
            ControlScope::ResourceGroup(..)
            | ControlScope::ManagedHsm(..)
            | ControlScope::Vault(..)
            | ControlScope::VaultObject(..) => "that holds there or below it",
        };
        (listed, qualifier)
    }

    fn located<T: Send + 'static>(_: &ControlCx, scope: &ControlScope, item: T) -> Result<AtScope<T>> {
        Ok(AtScope { scope: scope.clone(), item })
    }

    fn insert(_: &ControlCx, assignment: Arc<ControlAssignment>) -> Result<Change> {
        Ok(Change::Control(ControlChange::InsertAssignment(assignment)))
    }

    fn delete(_: &ControlCx, assignment: Uuid) -> Result<Change> {
        Ok(Change::Control(ControlChange::DeleteAssignment(assignment)))
    }
}

const fn names(
    name: &'static str,
    event: &'static str,
    action: ControlAction,
) -> OperationNames<ControlAction> {
    OperationNames { name, event, action, meter: Meter::Free }
}
