//! Local RBAC of a managed HSM: role definitions, role assignments and access checks.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>

mod plane;

pub use plane::{
    CheckAccess, CreateRoleAssignment, DeleteRoleAssignment, DeleteRoleDefinition, GetRoleAssignment,
    GetRoleDefinition, ListRoleAssignments, ListRoleDefinitions, LocalSelection, PutRoleDefinition,
};
