//! The rule for new role assignments of both planes.

use std::sync::Arc;

use super::resource_kind::{Resource, ResourceKind};
use super::role::{Assignment, HierarchicalScope};
use super::{Error, Result};

impl<S: HierarchicalScope> Assignment<S> {
    /// Checks that no existing assignment has the same id, or the same role, principal and scope.
    ///
    /// # Errors
    /// `RoleAssignmentExists` if the id is taken, `RoleAssignmentMatches` if another assigns the same role to the same
    /// principal at the same scope.
    pub fn check_new<'a>(&self, existing: impl Iterator<Item = &'a Arc<Self>> + Clone) -> Result<()>
    where
        S: 'a,
    {
        if existing.clone().any(|other| other.id == self.id) {
            return Err(Error::Exists {
                resource: Resource::unnamed(ResourceKind::RoleAssignment),
                deleted: false,
            });
        }
        let mut existing = existing;
        let same = existing.find(|other| {
            other.principal == self.principal
                && other.role_definition == self.role_definition
                && other.scope.is_same_as(&self.scope)
        });
        same.map_or(Ok(()), |same| {
            Err(Error::RoleAssignmentMatches {
                existing: same.id,
                role_definition: same.role_definition,
                principal: same.principal,
                scope: same.scope.to_string(),
            })
        })
    }
}
