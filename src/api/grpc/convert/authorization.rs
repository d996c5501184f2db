//! Converts the messages of `authorization.proto`.

use std::sync::Arc;

use uuid::Uuid;

use super::super::pb;
use super::access::{guid, optional_guid, permission};
use super::parse_field;
use crate::model::arm_rbac::{ControlAction, ControlAssignment, ControlScope};
use crate::model::local_rbac::RoleDefinition;
use crate::model::{Error, Field, Result};
use crate::ops::access::AccessDecision;
use crate::ops::authorization::{
    AtScope, CheckControlAccess, CreateControlRoleAssignment, DeleteControlRoleAssignment,
    GetControlRoleAssignment, GetControlRoleDefinition, ListControlRoleAssignments,
    ListControlRoleDefinitions,
};

/// Parses a scope: the id of the resource that it covers, without the leading slash.
fn scope(field: Field, text: &str) -> Result<ControlScope> {
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
                let (scope, id) = named(Field::Name, &request.name, $folder)?;
                Ok(Self { scope, id })
            }
        })+
    };
}

named_by_guid! {
    GetControlRoleDefinitionRequest in "roleDefinitions" => GetControlRoleDefinition,
    GetControlRoleAssignmentRequest in "roleAssignments" => GetControlRoleAssignment,
    DeleteControlRoleAssignmentRequest in "roleAssignments" => DeleteControlRoleAssignment,
}

impl TryFrom<pb::ListControlRoleDefinitionsRequest> for ListControlRoleDefinitions {
    type Error = Error;

    fn try_from(request: pb::ListControlRoleDefinitionsRequest) -> Result<Self> {
        Ok(Self { scope: scope(Field::Parent, &request.parent)? })
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
            scope,
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
            scope: scope(Field::Parent, &request.parent)?,
            below: true,
            principal: principal.map(|id| id.parse()).transpose()?,
        })
    }
}

impl TryFrom<pb::CheckControlAccessRequest> for CheckControlAccess {
    type Error = Error;

    fn try_from(request: pb::CheckControlAccessRequest) -> Result<Self> {
        if request.group_ids.len() > 1000 {
            return Err(Error::invalid(Field::GroupIds, "at most 1000 groups"));
        }
        Ok(Self {
            scope: scope(Field::Parent, &request.parent)?,
            principal: request.principal_id.parse()?,
            groups: request
                .group_ids
                .iter()
                .map(|id| parse_field(Field::GroupIds, id))
                .collect::<Result<_>>()?,
            action: request.action.parse()?,
        })
    }
}

fn definition(scope: &ControlScope, role: &RoleDefinition) -> pb::RoleDefinition {
    pb::RoleDefinition {
        name: format!("{}/roleDefinitions/{}", scope_name(scope), role.id),
        role_name: role.role_name.clone(),
        description: role.description.clone(),
        r#type: "BuiltInRole".to_owned(),
        permissions: role.permissions.iter().map(permission).collect(),
        assignable_scopes: vec!["/".to_owned()],
    }
}

fn assignment(assignment: &ControlAssignment) -> pb::RoleAssignment {
    let scope = scope_name(&assignment.scope);
    pb::RoleAssignment {
        name: format!("{scope}/roleAssignments/{}", assignment.id),
        role_definition: format!("{scope}/roleDefinitions/{}", assignment.role_definition),
        principal_id: assignment.principal.to_string(),
        scope: assignment.scope.to_string(),
    }
}

impl From<AtScope<Arc<RoleDefinition>>> for pb::RoleDefinition {
    fn from(AtScope { scope, item }: AtScope<Arc<RoleDefinition>>) -> Self {
        definition(&scope, &item)
    }
}

impl From<AtScope<Vec<Arc<RoleDefinition>>>> for pb::ListControlRoleDefinitionsResponse {
    fn from(AtScope { scope, item }: AtScope<Vec<Arc<RoleDefinition>>>) -> Self {
        Self { role_definitions: item.iter().map(|role| definition(&scope, role)).collect() }
    }
}

impl From<Arc<ControlAssignment>> for pb::RoleAssignment {
    fn from(one: Arc<ControlAssignment>) -> Self {
        assignment(&one)
    }
}

impl From<Vec<Arc<ControlAssignment>>> for pb::ListControlRoleAssignmentsResponse {
    fn from(assignments: Vec<Arc<ControlAssignment>>) -> Self {
        Self { role_assignments: assignments.iter().map(|one| assignment(one)).collect() }
    }
}

impl From<AccessDecision<ControlAction>> for pb::CheckAccessResponse {
    fn from(decision: AccessDecision<ControlAction>) -> Self {
        let deciding = decision.deciding.as_ref();
        Self {
            allowed: decision.allowed,
            action: decision.action.to_string(),
            scope: decision.scope.to_string(),
            role_assignment: deciding.map(|grant| assignment(&grant.assignment)),
            role_name: deciding.map(|grant| grant.definition.role_name.clone()).unwrap_or_default(),
            reason: decision.reason,
        }
    }
}
