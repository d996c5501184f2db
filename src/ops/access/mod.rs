//! Local role-based access control: role definitions, role assignments, and the question why.

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

use crate::model::name::HsmName;

/// Role definitions and assignments do not know the HSM they belong to; their names need it.
#[derive(Clone, Debug)]
pub struct Of<T> {
    /// The HSM.
    pub hsm: HsmName,
    /// What belongs to it.
    pub item: T,
}

impl<T> Of<T> {
    fn new(cx: &super::Cx, item: T) -> Self {
        Self { hsm: cx.hsm.name.clone(), item }
    }
}
