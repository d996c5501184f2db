//! Creates or replaces a custom role definition.

use std::sync::Arc;

use uuid::Uuid;

use super::RbacPlane;
use crate::model::arm_rbac::ControlScope;
use crate::model::audit_entry::Meter;
use crate::model::role::{Permission, RoleDefinition};
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// The maximum number of actions, and of data actions, of a permission.
// assumption: the limit of Azure is not recorded.
const MAX_ACTIONS: usize = 256;

/// Creates or replaces a custom role definition
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>,
/// <https://learn.microsoft.com/azure/role-based-access-control/custom-roles>).
pub struct PutDefinition<P: RbacPlane> {
    /// Where it is written.
    pub at: <P::DefinitionPlace as Target>::Id,
    /// The identifier of the definition; generated if `None`.
    pub id: Option<Uuid>,
    /// The display name; the identifier if empty (recorded).
    pub role_name: String,
    /// The description.
    pub description: String,
    /// The permissions that the role grants.
    pub permissions: Vec<Permission>,
    /// The scopes at which the role can be assigned. Roles of local RBAC have none: they can be assigned everywhere.
    pub assignable_scopes: Vec<ControlScope>,
}

clone_by_fields!(PutDefinition<P: RbacPlane> { at, id, role_name, description, permissions, assignable_scopes });

impl<P: RbacPlane> Operation for PutDefinition<P> {
    const NAME: &'static str = P::OPERATIONS.put_definition.name;
    const EVENT: &'static str = P::OPERATIONS.put_definition.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.put_definition.action;
    const METER: Meter = P::OPERATIONS.put_definition.meter;
    const CHANGES: bool = true;
    type Target = P::DefinitionPlace;
    type Reply = P::Located<Arc<RoleDefinition>>;

    fn target(&self) -> <P::DefinitionPlace as Target>::Id {
        self.at.clone()
    }

    fn check(&self, _: &P::DefinitionPlace, _: Timestamp) -> Result<()> {
        if self.role_name.chars().count() > 512 || self.description.chars().count() > 2048 {
            return Err(Error::invalid(
                Field::RoleDefinitionRoleName,
                "a role name has at most 512 characters, a description 2048",
            ));
        }
        let wrong = |why: &str| Err(Error::invalid(Field::RoleDefinitionPermissions, why));
        if self.permissions.len() > 16 {
            return wrong("a role has at most 16 permissions");
        }
        for Permission { actions, not_actions, data_actions, not_data_actions } in &self.permissions {
            let is_long =
                |granted: &[String], not_granted: &[String]| granted.len() + not_granted.len() > MAX_ACTIONS;
            if is_long(actions, not_actions) || is_long(data_actions, not_data_actions) {
                return wrong("a permission lists too many actions");
            }
        }
        P::check_definition(&self.permissions, &self.assignable_scopes)
    }

    async fn execute(self, _: P::DefinitionPlace, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let id = self.id.unwrap_or_else(|| cx.ids().guid());
        let scope = P::DefinitionPlace::scope(&self.at, cx.store());
        // The store rejects identifiers of built-in roles and enforces the limit, when it applies the change.
        let definition = Arc::new(RoleDefinition {
            id,
            role_name: if self.role_name.is_empty() { id.to_string() } else { self.role_name },
            description: self.description,
            built_in: false,
            permissions: self.permissions,
            assignable_scopes: self.assignable_scopes.iter().map(ToString::to_string).collect(),
        });
        let known = P::definitions(cx)?.into_iter().find(|role| role.id == id && !role.built_in);
        for written in known.iter().chain([&definition]) {
            P::authorize_definition(cx, Self::ACTION, written)?;
        }
        let change = P::put(cx, Arc::clone(&definition))?;
        Ok(Done::with(P::located(cx, &scope, definition)?, [change]))
    }
}
