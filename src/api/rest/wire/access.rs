//! Local roles: definitions and assignments.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::super::azure::assignment::wanted;
use super::super::super::azure::filter::{Definitions, Filter};
use super::super::call::Asked;
use super::super::route::At;
use super::super::site::Site;
use crate::model::rbac::{Permission, RoleAssignment, RoleDefinition, Scope};
use crate::model::{Error, Result};
use crate::ops::access::{
    CreateRoleAssignment, DeleteRoleAssignment, DeleteRoleDefinition, GetRoleAssignment, GetRoleDefinition,
    ListRoleAssignments, ListRoleDefinitions, PutRoleDefinition,
};
use crate::ops::{AssignmentPath, DefinitionPath, Of};

/// What the id of a role definition begins with. There is no slash before it, as recorded.
const DEFINITIONS: &str = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/";
/// What the id of a role assignment begins with, wherever it holds.
const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments/";

fn definition_id(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|_| Error::invalid("", "Role definition name must be a GUID"))
}

// assumption: as for role definitions, of which it is recorded.
fn assignment_id(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|_| Error::invalid("", "Role assignment name must be a GUID"))
}

fn scope(at: At<'_>) -> Result<Scope> {
    Ok(match at {
        At::Hsm => Scope::Hsm,
        At::Keys => Scope::Keys,
        At::Key(name) => Scope::Key(name.parse().map_err(|_| malformed_scope())?),
    })
}

/// What is said of a scope that is none.
pub(in super::super) fn malformed_scope() -> Error {
    Error::invalid("scope", "a scope is /, /keys or /keys/{name}")
}

pub(in super::super) fn list_definitions(asked: &Asked<'_>) -> Result<ListRoleDefinitions> {
    Ok(ListRoleDefinitions { hsm: asked.hsm()? })
}

fn definition_path(asked: &Asked<'_>, at: At<'_>, id: &str) -> Result<DefinitionPath> {
    Ok(DefinitionPath { hsm: asked.hsm()?, id: definition_id(id)?, scope: scope(at)? })
}

pub(in super::super) fn get_definition(asked: &Asked<'_>, at: At<'_>, id: &str) -> Result<GetRoleDefinition> {
    Ok(GetRoleDefinition { path: definition_path(asked, at, id)? })
}

pub(in super::super) fn delete_definition(
    asked: &Asked<'_>,
    at: At<'_>,
    id: &str,
) -> Result<DeleteRoleDefinition> {
    Ok(DeleteRoleDefinition { path: definition_path(asked, at, id)? })
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

// assumption: what is answered to a definition at another scope is not recorded.
pub(in super::super) fn put_definition(asked: &Asked<'_>, at: At<'_>, id: &str) -> Result<PutRoleDefinition> {
    let (hsm, id) = (asked.hsm()?, definition_id(id)?);
    if scope(at)? != Scope::Hsm {
        return Err(Error::invalid("scope", "a role definition belongs to the whole HSM: its scope is /"));
    }
    let properties = asked.body::<DefinitionRequest>()?.properties.unwrap_or_default();
    let permissions = properties.permissions.unwrap_or_default().into_iter().map(|block| Permission {
        actions: block.actions.unwrap_or_default(),
        not_actions: block.not_actions.unwrap_or_default(),
        data_actions: block.data_actions.unwrap_or_default(),
        not_data_actions: block.not_data_actions.unwrap_or_default(),
    });
    Ok(PutRoleDefinition {
        hsm,
        id: Some(id),
        role_name: properties.role_name.unwrap_or_default(),
        description: properties.description.unwrap_or_default(),
        permissions: permissions.collect(),
    })
}

/// Those at exactly this scope: assignments at `/` do not show with those of a key, nor the other way round
/// (recorded). Of filters, `principalId eq '{guid}'` and `atScope()` are understood.
pub(in super::super) fn list_assignments(asked: &Asked<'_>, at: At<'_>) -> Result<ListRoleAssignments> {
    let principal = Filter::of_assignments(asked.query.filter())?.principal;
    Ok(ListRoleAssignments { hsm: asked.hsm()?, scope: Some(scope(at)?), principal })
}

/// An assignment is found at its own scope alone.
fn assignment_path(asked: &Asked<'_>, at: At<'_>, id: &str) -> Result<AssignmentPath> {
    Ok(AssignmentPath { hsm: asked.hsm()?, id: assignment_id(id)?, scope: Some(scope(at)?) })
}

pub(in super::super) fn get_assignment(asked: &Asked<'_>, at: At<'_>, id: &str) -> Result<GetRoleAssignment> {
    Ok(GetRoleAssignment { path: assignment_path(asked, at, id)? })
}

pub(in super::super) fn delete_assignment(
    asked: &Asked<'_>,
    at: At<'_>,
    id: &str,
) -> Result<DeleteRoleAssignment> {
    Ok(DeleteRoleAssignment { path: assignment_path(asked, at, id)? })
}

pub(in super::super) fn create_assignment(
    asked: &Asked<'_>,
    at: At<'_>,
    id: &str,
) -> Result<CreateRoleAssignment> {
    let (hsm, id, scope) = (asked.hsm()?, assignment_id(id)?, scope(at)?);
    let (role_definition, principal) = wanted(asked)?;
    Ok(CreateRoleAssignment { hsm, id: Some(id), role_definition, principal, scope })
}

/// A role definition.
#[derive(Serialize)]
pub(in super::super) struct Definition {
    id: String,
    name: Uuid,
    properties: ShownDefinition,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownDefinition {
    assignable_scopes: [&'static str; 1],
    description: String,
    permissions: Vec<ShownPermission>,
    role_name: String,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownPermission {
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
    properties: ShownAssignment,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAssignment {
    principal_id: String,
    role_definition_id: String,
    scope: String,
}

/// A list that is told whole.
#[derive(Serialize)]
pub(in super::super) struct All<T> {
    value: Vec<T>,
}

fn shown_definition(role: &RoleDefinition) -> Definition {
    let permission = |block: &Permission| ShownPermission {
        actions: block.actions.clone(),
        data_actions: block.data_actions.clone(),
        not_actions: block.not_actions.clone(),
        not_data_actions: block.not_data_actions.clone(),
    };
    Definition {
        id: format!("{DEFINITIONS}{}", role.id),
        name: role.id,
        properties: ShownDefinition {
            assignable_scopes: ["/"],
            description: role.description.clone(),
            permissions: role.permissions.iter().map(permission).collect(),
            role_name: role.role_name.clone(),
            r#type: if role.built_in { "AKVBuiltInRole" } else { "CustomRole" },
        },
        r#type: "Microsoft.Authorization/roleDefinitions",
    }
}

fn shown_assignment(assignment: &RoleAssignment) -> Assignment {
    Assignment {
        id: format!("{ASSIGNMENTS}{}", assignment.id),
        name: assignment.id,
        properties: ShownAssignment {
            principal_id: assignment.principal.to_string(),
            role_definition_id: format!("{DEFINITIONS}{}", assignment.role_definition),
            scope: assignment.scope.to_string(),
        },
        r#type: "Microsoft.Authorization/roleAssignments",
    }
}

pub(in super::super) fn definition(_: &Site, of: Of<Arc<RoleDefinition>>) -> Definition {
    shown_definition(&of.item)
}

pub(in super::super) fn definitions(
    of: &Of<Vec<Arc<RoleDefinition>>>,
    filter: &Definitions,
) -> All<Definition> {
    let meant = of.item.iter().filter(|role| filter.admits(role));
    All { value: meant.map(|role| shown_definition(role)).collect() }
}

pub(in super::super) fn assignment<T: std::borrow::Borrow<RoleAssignment>>(
    _: &Site,
    of: Of<T>,
) -> Assignment {
    shown_assignment(of.item.borrow())
}

pub(in super::super) fn assignments(_: &Site, of: Of<Vec<Arc<RoleAssignment>>>) -> All<Assignment> {
    All { value: of.item.iter().map(|assignment| shown_assignment(assignment)).collect() }
}
