//! Creates or replaces a custom role definition of local RBAC.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::local_rbac::{DataAction, Permission, RoleDefinition};
use crate::model::name::HsmName;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, InHsm, Operation, WholeHsm};

/// The maximum number of actions, and of data actions, of a permission.
// assumption: the limit of Azure is not recorded.
const MAX_ACTIONS: usize = 256;

/// Creates or replaces a custom role definition
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>).
#[derive(Clone, Debug)]
pub struct PutRoleDefinition {
    /// The HSM.
    pub hsm: HsmName,
    /// The identifier of the definition; generated if `None`.
    pub id: Option<Uuid>,
    /// The display name; the identifier if empty (recorded).
    pub role_name: String,
    /// The description.
    pub description: String,
    /// The permissions that the role grants.
    pub permissions: Vec<Permission>,
}

impl Operation for PutRoleDefinition {
    const NAME: &'static str = "PutRoleDefinition";
    const EVENT: &'static str = "RoleDefinitionCreate";
    const ACTION: DataAction = DataAction::RoleDefinitionWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = WholeHsm;
    type Reply = InHsm<Arc<RoleDefinition>>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    fn check(&self, _: &WholeHsm, _: Timestamp) -> Result<()> {
        if self.role_name.chars().count() > 512 || self.description.chars().count() > 2048 {
            return Err(Error::invalid(
                Field::RoleDefinitionRoleName,
                "a role name has at most 512 characters, a description 2048",
            ));
        }
        if self.permissions.len() > 16 {
            return Err(Error::invalid(
                Field::RoleDefinitionPermissions,
                "a role has at most 16 permissions",
            ));
        }
        for permission in &self.permissions {
            let data = permission.data_actions.iter().chain(&permission.not_data_actions);
            for pattern in data.clone() {
                if !matches_data_action(pattern) {
                    return Err(Error::invalid(
                        Field::RoleDefinitionPermissions,
                        format!(
                            "{:?} matches no data action of Managed HSM",
                            crate::model::error::shorten(pattern)
                        ),
                    ));
                }
            }
            let control = permission.actions.iter().chain(&permission.not_actions);
            if data.count() > MAX_ACTIONS || control.clone().count() > MAX_ACTIONS {
                return Err(Error::invalid(
                    Field::RoleDefinitionPermissions,
                    "a permission lists too many actions",
                ));
            }
            if control.clone().any(|action| action.len() > 256) {
                return Err(Error::invalid(
                    Field::RoleDefinitionPermissions,
                    "an action has at most 256 bytes",
                ));
            }
        }
        Ok(())
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<Self::Reply>> {
        let id = self.id.unwrap_or_else(|| cx.ids.guid());
        // The store rejects identifiers of built-in roles and enforces the limit, when it applies the change.
        let definition = Arc::new(RoleDefinition {
            id,
            role_name: if self.role_name.is_empty() { id.to_string() } else { self.role_name },
            description: self.description,
            built_in: false,
            permissions: self.permissions,
        });
        let change = Change::PutRoleDefinition(cx.managed_hsm()?.name.clone(), definition.clone());
        Ok(Done::with(InHsm::new(cx, definition)?, [change]))
    }
}

/// Whether a pattern matches a data action. A pattern that matches none is rejected, since it would grant nothing
/// without notice.
fn matches_data_action(pattern: &str) -> bool {
    let probe = RoleDefinition {
        id: Uuid::nil(),
        role_name: String::new(),
        description: String::new(),
        built_in: false,
        permissions: vec![Permission { data_actions: vec![pattern.to_owned()], ..Permission::default() }],
    };
    pattern.len() <= 256 && DataAction::ALL.iter().any(|action| probe.grants(*action))
}
