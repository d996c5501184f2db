//! Converts the messages of `access.proto`.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use super::super::pb;
use super::{hsm, parse_field, segments};
use crate::model::local_rbac::{DataAction, LocalScope, Permission, RoleAssignment, RoleDefinition};
use crate::model::name::{HsmName, PrincipalId};
use crate::model::role::{Assignment, GrantableAction};
use crate::model::{Error, Field, Result};
use crate::ops::access::{
    CheckAccess, CreateRoleAssignment, DeleteRoleAssignment, DeleteRoleDefinition, GetRoleAssignment,
    GetRoleDefinition, ListRoleAssignments, ListRoleDefinitions, LocalSelection, PutRoleDefinition,
};
use crate::ops::rbac::{AccessDecision, Checked};
use crate::ops::{InHsm, RoleAssignmentPath, RoleDefinitionPath};

/// How many actions the list of an access check may have.
const MAX_ACTIONS: usize = 100;

pub(super) fn guid(field: Field, text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|_| Error::invalid(field, "this is not a GUID"))
}

pub(super) fn optional_guid(field: Field, text: &str) -> Result<Option<Uuid>> {
    if text.is_empty() { Ok(None) } else { guid(field, text).map(Some) }
}

fn named(name: &str, folder: &str) -> Result<(HsmName, Uuid)> {
    let [hsm, id] = segments(Field::Name, name, &format!("hsms/{{}}/{folder}/{{}}"))?;
    Ok((parse_field(Field::Name, hsm)?, guid(Field::Name, id)?))
}

fn definition_path(name: &str) -> Result<RoleDefinitionPath> {
    let (hsm, id) = named(name, "roleDefinitions")?;
    Ok(RoleDefinitionPath { hsm, id, scope: LocalScope::Hsm })
}

/// The names of assignments have no scope: an assignment is found at any scope.
fn assignment_path(name: &str) -> Result<RoleAssignmentPath> {
    let (hsm, id) = named(name, "roleAssignments")?;
    Ok(RoleAssignmentPath { hsm, id, scope: None })
}

/// Converts requests whose only field is the name of a role definition or assignment.
macro_rules! named_by_guid {
    ($($request:ident by $path:ident => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                Ok(Self { path: $path(&request.name)? })
            }
        })+
    };
}

named_by_guid! {
    GetRoleDefinitionRequest by definition_path => GetRoleDefinition,
    DeleteRoleDefinitionRequest by definition_path => DeleteRoleDefinition,
    GetRoleAssignmentRequest by assignment_path => GetRoleAssignment,
    DeleteRoleAssignmentRequest by assignment_path => DeleteRoleAssignment,
}

impl TryFrom<pb::ListRoleDefinitionsRequest> for ListRoleDefinitions {
    type Error = Error;

    fn try_from(request: pb::ListRoleDefinitionsRequest) -> Result<Self> {
        Ok(Self { at: hsm(&request.parent)? })
    }
}

impl TryFrom<pb::PutRoleDefinitionRequest> for PutRoleDefinition {
    type Error = Error;

    fn try_from(request: pb::PutRoleDefinitionRequest) -> Result<Self> {
        let definition = request
            .role_definition
            .ok_or_else(|| Error::invalid(Field::RoleDefinition, "the role definition is missing"))?;
        Ok(Self {
            at: hsm(&request.parent)?,
            id: optional_guid(Field::RoleDefinitionId, &request.role_definition_id)?,
            role_name: definition.role_name,
            description: definition.description,
            permissions: permissions(definition.permissions),
            assignable_scopes: Vec::new(),
        })
    }
}

/// Parses the permissions of a role definition.
pub(super) fn permissions(blocks: Vec<pb::Permission>) -> Vec<Permission> {
    let permission = |block: pb::Permission| Permission {
        actions: block.actions,
        not_actions: block.not_actions,
        data_actions: block.data_actions,
        not_data_actions: block.not_data_actions,
    };
    blocks.into_iter().map(permission).collect()
}

impl TryFrom<pb::CreateRoleAssignmentRequest> for CreateRoleAssignment {
    type Error = Error;

    fn try_from(request: pb::CreateRoleAssignmentRequest) -> Result<Self> {
        let hsm = hsm(&request.parent)?;
        Ok(Self {
            id: optional_guid(Field::RoleAssignmentId, &request.role_assignment_id)?,
            role_definition: role(&hsm, &request.role_definition)?,
            principal: request.principal_id.parse()?,
            at: (hsm, scope(&request.scope)?),
        })
    }
}

/// Parses the role definition of a request: its resource name in this HSM, or its GUID.
fn role(hsm: &HsmName, text: &str) -> Result<Uuid> {
    let field = Field::RoleDefinition;
    if !text.contains('/') {
        return guid(field, text);
    }
    let [owner, id] = segments(field, text, "hsms/{}/roleDefinitions/{}")?;
    if !owner.eq_ignore_ascii_case(hsm.as_str()) {
        return Err(Error::invalid(field, "the role definition belongs to another HSM"));
    }
    guid(field, id)
}

/// Parses a required scope: an absent one must not grant rights at `/`.
fn scope(text: &str) -> Result<LocalScope> {
    if text.is_empty() {
        return Err(Error::invalid(Field::Scope, "a scope is required: /, /keys or /keys/{name}"));
    }
    Ok(text.parse()?)
}

impl TryFrom<pb::ListRoleAssignmentsRequest> for ListRoleAssignments {
    type Error = Error;

    fn try_from(request: pb::ListRoleAssignmentsRequest) -> Result<Self> {
        let given = |text: &String| !text.is_empty();
        Ok(Self {
            selection: LocalSelection {
                hsm: hsm(&request.parent)?,
                scope: Some(request.scope).filter(given).map(|scope| scope.parse()).transpose()?,
            },
            principal: Some(request.principal_id).filter(given).map(|id| id.parse()).transpose()?,
        })
    }
}

impl TryFrom<pb::CheckAccessRequest> for CheckAccess {
    type Error = Error;

    fn try_from(request: pb::CheckAccessRequest) -> Result<Self> {
        check_group_count(&request.group_ids)?;
        let hsm = hsm(&request.parent)?;
        Ok(Self {
            principal: request.principal_id.parse()?,
            groups: groups(&request.group_ids)?,
            actions: checked_actions(&request.action, &request.actions)?,
            at: (hsm, scope(&request.scope)?),
        })
    }
}

/// Parses the actions of an access check, of which there is at least one.
pub(super) fn checked_actions<A: FromStr<Err: Into<Error>>>(
    one: &str,
    further: &[String],
) -> Result<Checked<A>> {
    if further.len() > MAX_ACTIONS {
        return Err(Error::invalid(Field::Actions, "at most 100 actions"));
    }
    let one = match one {
        "" if !further.is_empty() => None,
        given => Some(parse_field(Field::Action, given)?),
    };
    let further = further.iter().map(|action| parse_field(Field::Actions, action)).collect::<Result<_>>()?;
    Ok(Checked { one, further })
}

/// Checks the number of groups of an access check.
pub(super) fn check_group_count(ids: &[String]) -> Result<()> {
    if ids.len() > 1000 { Err(Error::invalid(Field::GroupIds, "at most 1000 groups")) } else { Ok(()) }
}

/// Parses the groups of an access check.
pub(super) fn groups(ids: &[String]) -> Result<Vec<PrincipalId>> {
    ids.iter().map(|id| parse_field(Field::GroupIds, id)).collect()
}

/// Converts a role definition. Its name begins with `parent`; the type of built-in ones differs by plane.
pub(super) fn definition(
    parent: &impl Display,
    role: &RoleDefinition,
    built_in_type: &str,
) -> pb::RoleDefinition {
    let permission = |block: &Permission| pb::Permission {
        actions: block.actions.clone(),
        not_actions: block.not_actions.clone(),
        data_actions: block.data_actions.clone(),
        not_data_actions: block.not_data_actions.clone(),
    };
    pb::RoleDefinition {
        name: format!("{parent}/roleDefinitions/{}", role.id),
        role_name: role.role_name.clone(),
        description: role.description.clone(),
        r#type: if role.built_in { built_in_type } else { "CustomRole" }.to_owned(),
        permissions: role.permissions.iter().map(permission).collect(),
        assignable_scopes: match role.assignable_scopes.as_slice() {
            [] => vec!["/".to_owned()],
            scopes => scopes.to_vec(),
        },
    }
}

/// Converts a role assignment. Its name and that of its role definition begin with `parent`.
pub(super) fn assignment<S: Display>(parent: &impl Display, one: &Assignment<S>) -> pb::RoleAssignment {
    pb::RoleAssignment {
        name: format!("{parent}/roleAssignments/{}", one.id),
        role_definition: format!("{parent}/roleDefinitions/{}", one.role_definition),
        principal_id: one.principal.to_string(),
        scope: one.scope.to_string(),
    }
}

/// Converts access decisions. `assignment` converts the deciding role assignments.
pub(super) fn decisions<A: GrantableAction>(
    decisions: Checked<AccessDecision<A>>,
    assignment: impl Fn(&Assignment<A::Scope>) -> pb::RoleAssignment,
) -> pb::CheckAccessResponse {
    let Checked { one, further } = decisions.map(|one| decision(one, &assignment));
    let pb::AccessDecision { allowed, action, scope, role_assignment, role_name, reason, granting_roles } =
        one.unwrap_or_default();
    pb::CheckAccessResponse {
        allowed,
        action,
        scope,
        role_assignment,
        role_name,
        reason,
        decisions: further,
        granting_roles,
    }
}

fn decision<A: GrantableAction>(
    decision: AccessDecision<A>,
    assignment: impl Fn(&Assignment<A::Scope>) -> pb::RoleAssignment,
) -> pb::AccessDecision {
    let deciding = decision.deciding.as_ref();
    pb::AccessDecision {
        allowed: decision.allowed,
        action: decision.action.to_string(),
        scope: decision.scope.to_string(),
        role_assignment: deciding.map(|grant| assignment(&grant.assignment)),
        role_name: deciding.map(|grant| grant.definition.role_name.clone()).unwrap_or_default(),
        reason: decision.reason,
        granting_roles: decision.roles,
    }
}

/// The beginning of the names of resources in an HSM.
fn parent(hsm: &HsmName) -> String {
    format!("hsms/{hsm}")
}

fn local_definition(hsm: &HsmName, role: &RoleDefinition) -> pb::RoleDefinition {
    definition(&parent(hsm), role, "AKVBuiltInRole")
}

impl From<InHsm<Arc<RoleDefinition>>> for pb::RoleDefinition {
    fn from(InHsm { hsm, item }: InHsm<Arc<RoleDefinition>>) -> Self {
        local_definition(&hsm, &item)
    }
}

impl From<InHsm<Vec<Arc<RoleDefinition>>>> for pb::ListRoleDefinitionsResponse {
    fn from(InHsm { hsm, item }: InHsm<Vec<Arc<RoleDefinition>>>) -> Self {
        Self { role_definitions: item.iter().map(|role| local_definition(&hsm, role)).collect() }
    }
}

impl From<InHsm<Arc<RoleAssignment>>> for pb::RoleAssignment {
    fn from(InHsm { hsm, item }: InHsm<Arc<RoleAssignment>>) -> Self {
        assignment(&parent(&hsm), &item)
    }
}

impl From<InHsm<Vec<Arc<RoleAssignment>>>> for pb::ListRoleAssignmentsResponse {
    fn from(InHsm { hsm, item }: InHsm<Vec<Arc<RoleAssignment>>>) -> Self {
        let parent = parent(&hsm);
        Self { role_assignments: item.iter().map(|one| assignment(&parent, one)).collect() }
    }
}

impl From<InHsm<Checked<AccessDecision<DataAction>>>> for pb::CheckAccessResponse {
    fn from(InHsm { hsm, item }: InHsm<Checked<AccessDecision<DataAction>>>) -> Self {
        decisions(item, |one| assignment(&parent(&hsm), one))
    }
}
