//! ARM RBAC: requests and responses of role definitions and role assignments.
//!
//! Source: `Microsoft.Authorization`, api-version 2022-04-01.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::super::azure::assignment::role_and_principal;
use super::super::super::azure::filter::{AssignmentFilter, DefinitionFilter, Filter};
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::{List, decoded};
use crate::model::arm_rbac::{ControlAssignment, ControlScope};
use crate::model::field::InvalidValue;
use crate::model::local_rbac::{Permission, RoleDefinition};
use crate::model::name::PrincipalId;
use crate::model::{Error, Field, Result};
use crate::ops::authorization::{
    AtScope, ControlSelection, CreateControlRoleAssignment, DeleteControlRoleAssignment,
    DeleteControlRoleDefinition, GetControlRoleAssignment, GetControlRoleDefinition,
    ListControlRoleAssignments, ListControlRoleDefinitions, PutControlRoleDefinition,
};

fn scope(input: &RequestInput<'_>) -> Result<ControlScope> {
    Ok(decoded(input.argument("scope")).parse()?)
}

fn guid(input: &RequestInput<'_>) -> Result<Uuid> {
    Uuid::parse_str(input.argument("id")).map_err(|_| Error::invalid(Field::Name, "this is not a GUID"))
}

pub(in super::super) fn list_definitions(input: &RequestInput<'_>) -> Result<ListControlRoleDefinitions> {
    Ok(ListControlRoleDefinitions { at: scope(input)? })
}

pub(in super::super) fn get_definition(input: &RequestInput<'_>) -> Result<GetControlRoleDefinition> {
    Ok(GetControlRoleDefinition { path: (scope(input)?, guid(input)?) })
}

/// The request body of a role definition. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DefinitionRequest {
    properties: Option<DefinitionProperties>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DefinitionProperties {
    role_name: Option<String>,
    description: Option<String>,
    permissions: Option<Vec<SentPermission>>,
    assignable_scopes: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SentPermission {
    actions: Option<Vec<String>>,
    not_actions: Option<Vec<String>>,
    data_actions: Option<Vec<String>>,
    not_data_actions: Option<Vec<String>>,
}

impl From<SentPermission> for Permission {
    fn from(sent: SentPermission) -> Self {
        Self {
            actions: sent.actions.unwrap_or_default(),
            not_actions: sent.not_actions.unwrap_or_default(),
            data_actions: sent.data_actions.unwrap_or_default(),
            not_data_actions: sent.not_data_actions.unwrap_or_default(),
        }
    }
}

pub(in super::super) fn put_definition(input: &RequestInput<'_>) -> Result<PutControlRoleDefinition> {
    let (at, id) = (scope(input)?, guid(input)?);
    let properties = input.body::<DefinitionRequest>()?.properties.unwrap_or_default();
    let missing = || Error::invalid(Field::RoleDefinitionRoleName, "the name of the role is missing");
    let scope = |text: &String| {
        text.parse()
            .map_err(|error: InvalidValue| Error::invalid(Field::RoleDefinitionAssignableScopes, error.why))
    };
    let scopes = properties.assignable_scopes.unwrap_or_default();
    Ok(PutControlRoleDefinition {
        at,
        id: Some(id),
        role_name: properties.role_name.filter(|name| !name.is_empty()).ok_or_else(missing)?,
        description: properties.description.unwrap_or_default(),
        permissions: properties.permissions.unwrap_or_default().into_iter().map(Permission::from).collect(),
        assignable_scopes: scopes.iter().map(scope).collect::<Result<_>>()?,
    })
}

pub(in super::super) fn delete_definition(input: &RequestInput<'_>) -> Result<DeleteControlRoleDefinition> {
    Ok(DeleteControlRoleDefinition { path: (scope(input)?, guid(input)?) })
}

/// Parses a list request. Supports the filters `atScope()`, `principalId eq '{guid}'` and `assignedTo('{guid}')`.
pub(in super::super) fn list_assignments(input: &RequestInput<'_>) -> Result<ListControlRoleAssignments> {
    let AssignmentFilter { at_scope, principal } = Filter::of_assignments(input.query.filter())?;
    let selection = ControlSelection { scope: scope(input)?, below: !at_scope };
    Ok(ListControlRoleAssignments { selection, principal })
}

pub(in super::super) fn get_assignment(input: &RequestInput<'_>) -> Result<GetControlRoleAssignment> {
    Ok(GetControlRoleAssignment { path: (scope(input)?, guid(input)?) })
}

pub(in super::super) fn delete_assignment(input: &RequestInput<'_>) -> Result<DeleteControlRoleAssignment> {
    Ok(DeleteControlRoleAssignment { path: (scope(input)?, guid(input)?) })
}

pub(in super::super) fn put_assignment(input: &RequestInput<'_>) -> Result<CreateControlRoleAssignment> {
    let (scope, id) = (scope(input)?, guid(input)?);
    let (role_definition, principal) = role_and_principal(input)?;
    Ok(CreateControlRoleAssignment { at: scope, id: Some(id), role_definition, principal })
}

/// A role definition.
#[derive(Serialize)]
pub(in super::super) struct Definition {
    properties: DefinitionResponse,
    id: String,
    r#type: &'static str,
    name: Uuid,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionResponse {
    role_name: String,
    r#type: &'static str,
    description: String,
    assignable_scopes: Vec<String>,
    permissions: Vec<PermissionResponse>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionResponse {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

/// A role assignment.
#[derive(Serialize)]
pub(in super::super) struct Assignment {
    properties: AssignmentResponse,
    id: String,
    r#type: &'static str,
    name: Uuid,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentResponse {
    role_definition_id: String,
    principal_id: PrincipalId,
    scope: String,
}

/// Returns the id of a role definition, in the subscription of a scope.
fn definition_id(scope: &ControlScope, id: Uuid) -> String {
    let subscription = scope.subscription();
    format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{id}")
}

fn definition_response(scope: &ControlScope, role: &RoleDefinition) -> Definition {
    let permission = |block: &Permission| PermissionResponse {
        actions: block.actions.clone(),
        not_actions: block.not_actions.clone(),
        data_actions: block.data_actions.clone(),
        not_data_actions: block.not_data_actions.clone(),
    };
    Definition {
        properties: DefinitionResponse {
            role_name: role.role_name.clone(),
            r#type: if role.built_in { "BuiltInRole" } else { "CustomRole" },
            description: role.description.clone(),
            assignable_scopes: match role.assignable_scopes.as_slice() {
                [] => vec!["/".to_owned()],
                scopes => scopes.to_vec(),
            },
            permissions: role.permissions.iter().map(permission).collect(),
        },
        id: definition_id(scope, role.id),
        r#type: "Microsoft.Authorization/roleDefinitions",
        name: role.id,
    }
}

pub(in super::super) fn definition(_: &Endpoint, at: AtScope<Arc<RoleDefinition>>) -> Definition {
    definition_response(&at.scope, &at.item)
}

/// Parses the filter of a list of role definitions.
pub(in super::super) fn definition_filter(input: &RequestInput<'_>) -> Result<DefinitionFilter> {
    Filter::of_definitions(input.query.filter())
}

/// Returns the role definitions that match a filter.
pub(in super::super) fn definitions(
    _: &Endpoint,
    at: AtScope<Vec<Arc<RoleDefinition>>>,
    filter: &DefinitionFilter,
) -> List<Definition> {
    let matching = at.item.iter().filter(|role| filter.matches(role));
    List::all(matching.map(|role| definition_response(&at.scope, role)))
}

fn assignment_response(one: &ControlAssignment) -> Assignment {
    let ControlAssignment { id, role_definition, principal, scope } = one;
    Assignment {
        properties: AssignmentResponse {
            role_definition_id: definition_id(scope, *role_definition),
            principal_id: *principal,
            scope: scope.to_string(),
        },
        id: format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{id}"),
        r#type: "Microsoft.Authorization/roleAssignments",
        name: *id,
    }
}

pub(in super::super) fn assignment(_: &Endpoint, at: AtScope<Arc<ControlAssignment>>) -> Assignment {
    assignment_response(&at.item)
}

pub(in super::super) fn assignments(
    _: &Endpoint,
    at: AtScope<Vec<Arc<ControlAssignment>>>,
) -> List<Assignment> {
    List::all(at.item.iter().map(|one| assignment_response(one)))
}
