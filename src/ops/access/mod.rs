//! Local RBAC of a managed HSM: role definitions, role assignments and access checks.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/role-management>

mod assignments;
mod check_access;
mod create_assignment;
mod decision;
mod definitions;
mod put_definition;

pub use assignments::{DeleteRoleAssignment, GetRoleAssignment, ListRoleAssignments};
pub use check_access::CheckAccess;
pub use create_assignment::CreateRoleAssignment;
pub use decision::AccessDecision;
pub use definitions::{DeleteRoleDefinition, GetRoleDefinition, ListRoleDefinitions};
pub use put_definition::PutRoleDefinition;
