//! Converts the messages of `authorization.proto`.

use std::sync::Arc;

use uuid::Uuid;

use super::super::pb;
use super::access::{
    assignment, check_group_count, checked_actions, decisions, definition, groups, guid, optional_guid,
    permissions,
};
use super::parse_field;
use crate::model::arm_rbac::{ControlAction, ControlAssignment, ControlScope};
use crate::model::local_rbac::RoleDefinition;
use crate::model::{Error, Field, Result};
use crate::ops::authorization::{
    AtScope, CheckControlAccess, ControlSelection, CreateControlRoleAssignment, DeleteControlRoleAssignment,
    DeleteControlRoleDefinition, GetControlRoleAssignment, GetControlRoleDefinition,
    ListControlRoleAssignments, ListControlRoleDefinitions, PutControlRoleDefinition,
};
use crate::ops::rbac::{AccessDecision, Checked};

/// Parses a scope: the id of the resource that it covers, without the leading slash.
pub(super) fn scope(field: Field, text: &str) -> Result<ControlScope> {
    if text.starts_with('/') || text.ends_with('/') {
        return Err(Error::invalid(field, "a scope has no leading or trailing slash"));
    }
    parse_field(field, &format!("/{text}"))
}

/// Formats a scope as [`scope`] parses it.
fn scope_name(scope: &ControlScope) -> String {
    scope.to_string().trim_start_matches('/').to_owned()
}

/// Splits `{scope}/{folder}/{guid}`.
fn named(field: Field, name: &str, folder: &str) -> Result<(ControlScope, Uuid)> {
    let wrong = || Error::invalid(field, format!("the name must have the form {{scope}}/{folder}/{{guid}}"));
    let (before, id) = name.rsplit_once('/').ok_or_else(wrong)?;
    let (at, found) = before.rsplit_once('/').ok_or_else(wrong)?;
    if found != folder {
        return Err(wrong());
    }
    Ok((scope(field, at)?, guid(field, id)?))
}

/// Converts requests whose only field is the name of a role definition or assignment.
macro_rules! named_by_guid {
    ($($request:ident in $folder:literal => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                Ok(Self { path: named(Field::Name, &request.name, $folder)? })
            }
        })+
    };
}

named_by_guid! {
    GetControlRoleDefinitionRequest in "roleDefinitions" => GetControlRoleDefinition,
    DeleteControlRoleDefinitionRequest in "roleDefinitions" => DeleteControlRoleDefinition,
    GetControlRoleAssignmentRequest in "roleAssignments" => GetControlRoleAssignment,
    DeleteControlRoleAssignmentRequest in "roleAssignments" => DeleteControlRoleAssignment,
}

impl TryFrom<pb::ListControlRoleDefinitionsRequest> for ListControlRoleDefinitions {
    type Error = Error;

    fn try_from(request: pb::ListControlRoleDefinitionsRequest) -> Result<Self> {
        Ok(Self { at: scope(Field::Parent, &request.parent)? })
    }
}

impl TryFrom<pb::PutControlRoleDefinitionRequest> for PutControlRoleDefinition {
    type Error = Error;

    fn try_from(request: pb::PutControlRoleDefinitionRequest) -> Result<Self> {
        let definition = request
            .role_definition
            .ok_or_else(|| Error::invalid(Field::RoleDefinition, "the role definition is missing"))?;
        let assignable = |text: &String| parse_field(Field::RoleDefinitionAssignableScopes, text);
        Ok(Self {
            at: scope(Field::Parent, &request.parent)?,
            id: optional_guid(Field::RoleDefinitionId, &request.role_definition_id)?,
            role_name: definition.role_name,
            description: definition.description,
            permissions: permissions(definition.permissions),
            assignable_scopes: definition.assignable_scopes.iter().map(assignable).collect::<Result<_>>()?,
        })
    }
}

impl TryFrom<pb::CreateControlRoleAssignmentRequest> for CreateControlRoleAssignment {
    type Error = Error;

    fn try_from(request: pb::CreateControlRoleAssignmentRequest) -> Result<Self> {
        let scope = scope(Field::Parent, &request.parent)?;
        let field = Field::RoleDefinition;
        let role_definition = if request.role_definition.contains('/') {
            let (owner, id) = named(field, &request.role_definition, "roleDefinitions")?;
            if owner.subscription() != scope.subscription() {
                return Err(Error::invalid(field, "the role definition belongs to another subscription"));
            }
            id
        } else {
            guid(field, &request.role_definition)?
        };
        Ok(Self {
            at: scope,
            id: optional_guid(Field::RoleAssignmentId, &request.role_assignment_id)?,
            role_definition,
            principal: request.principal_id.parse()?,
        })
    }
}

impl TryFrom<pb::ListControlRoleAssignmentsRequest> for ListControlRoleAssignments {
    type Error = Error;

    fn try_from(request: pb::ListControlRoleAssignmentsRequest) -> Result<Self> {
        let principal = Some(request.principal_id).filter(|text| !text.is_empty());
        Ok(Self {
            selection: ControlSelection { scope: scope(Field::Parent, &request.parent)?, below: true },
            principal: principal.map(|id| id.parse()).transpose()?,
        })
    }
}

impl TryFrom<pb::CheckControlAccessRequest> for CheckControlAccess {
    type Error = Error;

    fn try_from(request: pb::CheckControlAccessRequest) -> Result<Self> {
        check_group_count(&request.group_ids)?;
        Ok(Self {
            at: scope(Field::Parent, &request.parent)?,
            principal: request.principal_id.parse()?,
            groups: groups(&request.group_ids)?,
            actions: checked_actions(&request.action, &request.actions)?,
        })
    }
}

fn control_definition(scope: &ControlScope, role: &RoleDefinition) -> pb::RoleDefinition {
    definition(&scope_name(scope), role, "BuiltInRole")
}

pub(super) fn control_assignment(one: &ControlAssignment) -> pb::RoleAssignment {
    assignment(&scope_name(&one.scope), one)
}

impl From<AtScope<Arc<RoleDefinition>>> for pb::RoleDefinition {
    fn from(AtScope { scope, item }: AtScope<Arc<RoleDefinition>>) -> Self {
        control_definition(&scope, &item)
    }
}

impl From<AtScope<Vec<Arc<RoleDefinition>>>> for pb::ListControlRoleDefinitionsResponse {
    fn from(AtScope { scope, item }: AtScope<Vec<Arc<RoleDefinition>>>) -> Self {
        Self { role_definitions: item.iter().map(|role| control_definition(&scope, role)).collect() }
    }
}

impl From<AtScope<Arc<ControlAssignment>>> for pb::RoleAssignment {
    fn from(AtScope { item, .. }: AtScope<Arc<ControlAssignment>>) -> Self {
        control_assignment(&item)
    }
}

impl From<AtScope<Vec<Arc<ControlAssignment>>>> for pb::ListControlRoleAssignmentsResponse {
    fn from(AtScope { item, .. }: AtScope<Vec<Arc<ControlAssignment>>>) -> Self {
        Self { role_assignments: item.iter().map(|one| control_assignment(one)).collect() }
    }
}

impl From<AtScope<Checked<AccessDecision<ControlAction>>>> for pb::CheckAccessResponse {
    fn from(AtScope { item, .. }: AtScope<Checked<AccessDecision<ControlAction>>>) -> Self {
        decisions(item, control_assignment)
    }
}
