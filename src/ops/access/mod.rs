//! Local RBAC of a managed HSM: role definitions, role assignments and access checks.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>

mod delete_definition;
mod plane;
mod put_definition;

pub use delete_definition::DeleteRoleDefinition;
pub use plane::{
    CheckAccess, CreateRoleAssignment, DeleteRoleAssignment, GetRoleAssignment, GetRoleDefinition,
    ListRoleAssignments, ListRoleDefinitions, LocalSelection,
};
pub use put_definition::PutRoleDefinition;
