//! ARM RBAC (control plane): role definitions, role assignments and access checks.

mod plane;
mod targets;

pub use plane::{
    AtScope, CheckControlAccess, ControlSelection, CreateControlRoleAssignment, DeleteControlRoleAssignment,
    DeleteControlRoleDefinition, GetControlRoleAssignment, GetControlRoleDefinition,
    ListControlRoleAssignments, ListControlRoleDefinitions, PutControlRoleDefinition,
};
pub use targets::{ExistingAssignment, ExistingDefinition, ExistingScope};
