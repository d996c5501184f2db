//! Local RBAC: requests and responses of role definitions and role assignments.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::super::azure::assignment::role_and_principal;
use super::super::super::azure::filter::{DefinitionFilter, Filter};
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use crate::model::local_rbac::{LocalScope, Permission, RoleAssignment, RoleDefinition};
use crate::model::{Error, Field, Result};
use crate::ops::access::{
    CreateRoleAssignment, DeleteRoleAssignment, DeleteRoleDefinition, GetRoleAssignment, GetRoleDefinition,
    ListRoleAssignments, ListRoleDefinitions, LocalSelection, PutRoleDefinition,
};
use crate::ops::{InHsm, RoleAssignmentPath, RoleDefinitionPath};

/// The prefix of role definition ids. It has no leading slash, as recorded.
const DEFINITION_ID_PREFIX: &str = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/";
/// The prefix of role assignment ids, at every scope.
const ASSIGNMENT_ID_PREFIX: &str = "/providers/Microsoft.Authorization/roleAssignments/";

fn definition_id(input: &RequestInput<'_>) -> Result<Uuid> {
    Uuid::parse_str(input.argument("id"))
        .map_err(|_| Error::invalid(Field::Unnamed, "Role definition name must be a GUID"))
}

// assumption: the same as for role definitions, for which it is recorded.
fn assignment_id(input: &RequestInput<'_>) -> Result<Uuid> {
    Uuid::parse_str(input.argument("id"))
        .map_err(|_| Error::invalid(Field::Unnamed, "Role assignment name must be a GUID"))
}

/// The scope in the path of a request.
enum RequestScope<'a> {
    Hsm,
    Keys,
    Key(&'a str),
}

impl<'a> RequestScope<'a> {
    /// Parses the part of a path before the provider; `None` if it is not a scope. The name of a key is not validated.
    fn parse(text: &'a str) -> Option<Self> {
        let mut segments = text.split('/').filter(|segment| !segment.is_empty());
        match (segments.next(), segments.next(), segments.next()) {
            (None, ..) => Some(Self::Hsm),
            (Some(keys), name, None) if keys.eq_ignore_ascii_case("keys") => {
                Some(name.map_or(Self::Keys, Self::Key))
            }
            _ => None,
        }
    }
}

/// Whether the part of a path before the provider of roles is a scope.
pub(in super::super) fn is_scope(text: &str) -> bool {
    RequestScope::parse(text).is_some()
}

fn scope(input: &RequestInput<'_>) -> Result<LocalScope> {
    Ok(match RequestScope::parse(input.argument("scope")).ok_or_else(malformed_scope)? {
        RequestScope::Hsm => LocalScope::Hsm,
        RequestScope::Keys => LocalScope::Keys,
        RequestScope::Key(name) => LocalScope::Key(name.parse().map_err(|_| malformed_scope())?),
    })
}

/// The error for an invalid scope.
pub(in super::super) fn malformed_scope() -> Error {
    Error::invalid(Field::Scope, "a scope is /, /keys or /keys/{name}")
}

pub(in super::super) fn list_definitions(input: &RequestInput<'_>) -> Result<ListRoleDefinitions> {
    Ok(ListRoleDefinitions { at: input.hsm()? })
}

fn definition_path(input: &RequestInput<'_>) -> Result<RoleDefinitionPath> {
    Ok(RoleDefinitionPath { hsm: input.hsm()?, id: definition_id(input)?, scope: scope(input)? })
}

pub(in super::super) fn get_definition(input: &RequestInput<'_>) -> Result<GetRoleDefinition> {
    Ok(GetRoleDefinition { path: definition_path(input)? })
}

pub(in super::super) fn delete_definition(input: &RequestInput<'_>) -> Result<DeleteRoleDefinition> {
    Ok(DeleteRoleDefinition { path: definition_path(input)? })
}

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
    permissions: Option<Vec<PermissionRequest>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PermissionRequest {
    actions: Option<Vec<String>>,
    not_actions: Option<Vec<String>>,
    data_actions: Option<Vec<String>>,
    not_data_actions: Option<Vec<String>>,
}

// assumption: the response for a definition at another scope is not recorded.
pub(in super::super) fn put_definition(input: &RequestInput<'_>) -> Result<PutRoleDefinition> {
    let (hsm, id) = (input.hsm()?, definition_id(input)?);
    if scope(input)? != LocalScope::Hsm {
        return Err(Error::invalid(Field::Scope, "the scope of a role definition must be /"));
    }
    let properties = input.body::<DefinitionRequest>()?.properties.unwrap_or_default();
    let permissions = properties.permissions.unwrap_or_default().into_iter().map(|block| Permission {
        actions: block.actions.unwrap_or_default(),
        not_actions: block.not_actions.unwrap_or_default(),
        data_actions: block.data_actions.unwrap_or_default(),
        not_data_actions: block.not_data_actions.unwrap_or_default(),
    });
    Ok(PutRoleDefinition {
        at: hsm,
        assignable_scopes: Vec::new(),
        id: Some(id),
        role_name: properties.role_name.unwrap_or_default(),
        description: properties.description.unwrap_or_default(),
        permissions: permissions.collect(),
    })
}

/// Parses a list request. It returns the assignments at exactly this scope: neither inherited ones nor those below it
/// (recorded). Supports the filters `principalId eq '{guid}'` and `atScope()`.
pub(in super::super) fn list_assignments(input: &RequestInput<'_>) -> Result<ListRoleAssignments> {
    let principal = Filter::of_assignments(input.query.filter())?.principal;
    let selection = LocalSelection { hsm: input.hsm()?, scope: Some(scope(input)?) };
    Ok(ListRoleAssignments { selection, principal })
}

/// Parses the path of an assignment, which is found at its own scope only.
fn assignment_path(input: &RequestInput<'_>) -> Result<RoleAssignmentPath> {
    Ok(RoleAssignmentPath { hsm: input.hsm()?, id: assignment_id(input)?, scope: Some(scope(input)?) })
}

pub(in super::super) fn get_assignment(input: &RequestInput<'_>) -> Result<GetRoleAssignment> {
    Ok(GetRoleAssignment { path: assignment_path(input)? })
}

pub(in super::super) fn delete_assignment(input: &RequestInput<'_>) -> Result<DeleteRoleAssignment> {
    Ok(DeleteRoleAssignment { path: assignment_path(input)? })
}

pub(in super::super) fn create_assignment(input: &RequestInput<'_>) -> Result<CreateRoleAssignment> {
    let (hsm, id, scope) = (input.hsm()?, assignment_id(input)?, scope(input)?);
    let (role_definition, principal) = role_and_principal(input)?;
    Ok(CreateRoleAssignment { at: (hsm, scope), id: Some(id), role_definition, principal })
}

/// A role definition.
#[derive(Serialize)]
pub(in super::super) struct Definition {
    id: String,
    name: Uuid,
    properties: DefinitionResponse,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionResponse {
    assignable_scopes: [&'static str; 1],
    description: String,
    permissions: Vec<PermissionResponse>,
    role_name: String,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionResponse {
    actions: Vec<String>,
    data_actions: Vec<String>,
    not_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

/// A role assignment.
#[derive(Serialize)]
pub(in super::super) struct Assignment {
    id: String,
    name: Uuid,
    properties: AssignmentResponse,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentResponse {
    principal_id: String,
    role_definition_id: String,
    scope: String,
}

/// A complete list, without pages.
#[derive(Serialize)]
pub(in super::super) struct CompleteList<T> {
    value: Vec<T>,
}

fn definition_response(role: &RoleDefinition) -> Definition {
    let permission = |block: &Permission| PermissionResponse {
        actions: block.actions.clone(),
        data_actions: block.data_actions.clone(),
        not_actions: block.not_actions.clone(),
        not_data_actions: block.not_data_actions.clone(),
    };
    Definition {
        id: format!("{DEFINITION_ID_PREFIX}{}", role.id),
        name: role.id,
        properties: DefinitionResponse {
            assignable_scopes: ["/"],
            description: role.description.clone(),
            permissions: role.permissions.iter().map(permission).collect(),
            role_name: role.role_name.clone(),
            r#type: if role.built_in { "AKVBuiltInRole" } else { "CustomRole" },
        },
        r#type: "Microsoft.Authorization/roleDefinitions",
    }
}

fn assignment_response(assignment: &RoleAssignment) -> Assignment {
    Assignment {
        id: format!("{ASSIGNMENT_ID_PREFIX}{}", assignment.id),
        name: assignment.id,
        properties: AssignmentResponse {
            principal_id: assignment.principal.to_string(),
            role_definition_id: format!("{DEFINITION_ID_PREFIX}{}", assignment.role_definition),
            scope: assignment.scope.to_string(),
        },
        r#type: "Microsoft.Authorization/roleAssignments",
    }
}

pub(in super::super) fn definition(_: &Endpoint, of: InHsm<Arc<RoleDefinition>>) -> Definition {
    definition_response(&of.item)
}

/// Parses the filter of a list of role definitions.
pub(in super::super) fn definition_filter(input: &RequestInput<'_>) -> Result<DefinitionFilter> {
    Filter::of_definitions(input.query.filter())
}

pub(in super::super) fn definitions(
    _: &Endpoint,
    of: InHsm<Vec<Arc<RoleDefinition>>>,
    filter: &DefinitionFilter,
) -> CompleteList<Definition> {
    let matching = of.item.iter().filter(|role| filter.matches(role));
    CompleteList { value: matching.map(|role| definition_response(role)).collect() }
}

pub(in super::super) fn assignment(_: &Endpoint, of: InHsm<Arc<RoleAssignment>>) -> Assignment {
    assignment_response(&of.item)
}

pub(in super::super) fn assignments(
    _: &Endpoint,
    of: InHsm<Vec<Arc<RoleAssignment>>>,
) -> CompleteList<Assignment> {
    CompleteList { value: of.item.iter().map(|assignment| assignment_response(assignment)).collect() }
}
