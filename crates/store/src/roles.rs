//! Role definitions and assignments of one HSM or of the control plane, joined for authorization.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::model::local_rbac::{DataAction, GrantableAction, HierarchicalScope, RoleDefinition};
use crate::model::name::PrincipalId;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::role::{Assignment, RoleGrant};
use crate::model::{Error, Result};

/// Role assignments by principal, joined with the actions of their definitions.
pub(super) type Grants<A> = HashMap<PrincipalId, Arc<[RoleGrant<A>]>>;

/// An immutable snapshot that is replaced on every change, so that readers have a consistent state without a lock.
#[derive(Clone)]
pub(super) struct Roles<A: GrantableAction = DataAction> {
    built_in: Arc<[Arc<RoleDefinition>]>,
    custom: Vec<Arc<RoleDefinition>>,
    assignments: Vec<Arc<Assignment<A::Scope>>>,
    grants: Grants<A>,
}

impl<A: GrantableAction> Roles<A> {
    /// Joins definitions and assignments, each in order of creation.
    pub(super) fn new(
        built_in: Arc<[Arc<RoleDefinition>]>,
        custom: Vec<Arc<RoleDefinition>>,
        assignments: Vec<Arc<Assignment<A::Scope>>>,
    ) -> Self {
        let mut roles = Self { built_in, custom, assignments, grants: HashMap::new() };
        roles.join();
        roles
    }

    /// Built-in definitions, then custom ones in order of creation.
    pub(super) fn definitions(&self) -> Vec<Arc<RoleDefinition>> {
        self.built_in.iter().chain(&self.custom).cloned().collect()
    }

    /// The custom definitions, in order of creation.
    pub(super) fn custom_definitions(&self) -> Vec<Arc<RoleDefinition>> {
        self.custom.clone()
    }

    /// One definition.
    pub(super) fn definition(&self, id: Uuid) -> Option<Arc<RoleDefinition>> {
        self.built_in.iter().chain(&self.custom).find(|definition| definition.id == id).cloned()
    }

    /// Assignments in order of creation.
    pub(super) fn assignments(&self) -> Vec<Arc<Assignment<A::Scope>>> {
        self.assignments.clone()
    }

    /// The assignments of a principal, joined with their definitions. Those of deleted definitions are omitted.
    pub(super) fn grants(&self, principal: PrincipalId) -> Option<Arc<[RoleGrant<A>]>> {
        self.grants.get(&principal).cloned()
    }

    /// Creates or replaces a custom definition. A replaced one keeps its position. `check_limit` checks that one more can be added to
    /// the known ones.
    pub(super) fn put_definition(
        &mut self,
        definition: Arc<RoleDefinition>,
        check_limit: impl FnOnce(&[Arc<RoleDefinition>]) -> Result<()>,
    ) -> Result<()> {
        self.check_custom(definition.id)?;
        match self.custom.iter().position(|known| known.id == definition.id) {
            Some(position) => self.custom[position] = definition,
            None => {
                check_limit(&self.custom)?;
                self.custom.push(definition);
            }
        }
        self.join();
        Ok(())
    }

    /// Removes a custom definition. Its assignments remain, without effect.
    pub(super) fn delete_definition(&mut self, id: Uuid) -> Result<()> {
        self.check_custom(id)?;
        let before = self.custom.len();
        self.custom.retain(|definition| definition.id != id);
        if self.custom.len() == before {
            return Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)));
        }
        self.join();
        Ok(())
    }

    /// The number of assignments whose scope satisfies `counts`.
    pub(super) fn count(&self, counts: impl Fn(&A::Scope) -> bool) -> usize {
        self.assignments.iter().filter(|known| counts(&known.scope)).count()
    }

    /// Adds an assignment. Its ID, and its combination of role, principal and scope, must be new.
    pub(super) fn insert_assignment(&mut self, assignment: Arc<Assignment<A::Scope>>) -> Result<()> {
        assignment.check_new(self.assignments.iter())?;
        self.assignments.push(assignment);
        self.join();
        Ok(())
    }

    /// Removes an assignment.
    pub(super) fn delete_assignment(&mut self, id: Uuid) -> Result<()> {
        let before = self.assignments.len();
        self.assignments.retain(|assignment| assignment.id != id);
        if self.assignments.len() == before {
            return Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleAssignment)));
        }
        self.join();
        Ok(())
    }

    /// Removes the assignments at a scope and below it, so that a later resource of the same name does not inherit them.
    pub(super) fn delete_assignments_below(&mut self, scope: &A::Scope) {
        self.assignments.retain(|assignment| !scope.covers(&assignment.scope));
        self.join();
    }

    fn check_custom(&self, id: Uuid) -> Result<()> {
        if self.built_in.iter().any(|definition| definition.id == id) {
            return Err(Error::BuiltInRole { id });
        }
        Ok(())
    }

    fn join(&mut self) {
        self.grants = self.join_actions();
    }

    /// Joins the assignments with another kind of actions of their definitions. Those of deleted definitions are omitted.
    pub(super) fn join_actions<B: GrantableAction<Scope = A::Scope>>(&self) -> Grants<B> {
        let definitions: HashMap<Uuid, &Arc<RoleDefinition>> =
            self.built_in.iter().chain(&self.custom).map(|definition| (definition.id, definition)).collect();
        let mut grants: HashMap<PrincipalId, Vec<RoleGrant<B>>> = HashMap::new();
        for assignment in &self.assignments {
            if let Some(definition) = definitions.get(&assignment.role_definition) {
                let grant = RoleGrant::new(Arc::clone(assignment), Arc::clone(definition));
                grants.entry(assignment.principal).or_default().push(grant);
            }
        }
        grants.into_iter().map(|(principal, grants)| (principal, grants.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::local_rbac::RoleAssignment;

    fn definition(id: u128, built_in: bool) -> Arc<RoleDefinition> {
        Arc::new(RoleDefinition {
            id: Uuid::from_u128(id),
            role_name: format!("role {id}"),
            description: String::new(),
            built_in,
            permissions: Vec::new(),
            assignable_scopes: Vec::new(),
        })
    }

    fn assignment(id: u128, role: u128, scope: &str) -> Arc<RoleAssignment> {
        Arc::new(RoleAssignment {
            id: Uuid::from_u128(id),
            role_definition: Uuid::from_u128(role),
            principal: PrincipalId(Uuid::from_u128(7)),
            scope: scope.parse().unwrap(),
        })
    }

    fn roles() -> Roles {
        Roles::new([definition(1, true)].into(), vec![definition(2, false)], vec![assignment(10, 1, "/")])
    }

    #[test]
    fn rejects_changes_to_built_in_definitions() {
        let mut roles = roles();
        let id = Uuid::from_u128(1);
        assert_eq!(roles.put_definition(definition(1, false), |_| Ok(())), Err(Error::BuiltInRole { id }));
        assert_eq!(roles.delete_definition(id), Err(Error::BuiltInRole { id }));
        assert_eq!(
            roles.delete_definition(Uuid::from_u128(3)),
            Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)))
        );
    }

    #[test]
    fn rejects_duplicate_assignments() {
        let mut roles = roles();
        assert_eq!(
            roles.insert_assignment(assignment(10, 2, "/")),
            Err(Error::Exists { resource: Resource::unnamed(ResourceKind::RoleAssignment), deleted: false })
        );
        let matches = |existing: u128, scope: &str| Error::RoleAssignmentMatches {
            existing: Uuid::from_u128(existing),
            role_definition: Uuid::from_u128(1),
            principal: PrincipalId(Uuid::from_u128(7)),
            scope: scope.to_owned(),
        };
        assert_eq!(roles.insert_assignment(assignment(11, 1, "/")), Err(matches(10, "/")));
        roles.insert_assignment(assignment(12, 1, "/keys/a")).unwrap();
        assert_eq!(roles.insert_assignment(assignment(13, 1, "/keys/A")), Err(matches(12, "/keys/a")));
        assert_eq!(
            roles.delete_assignment(Uuid::from_u128(13)),
            Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleAssignment)))
        );
    }

    #[test]
    fn assignment_of_deleted_definition_grants_nothing() {
        let mut roles = roles();
        let principal = PrincipalId(Uuid::from_u128(7));
        roles.insert_assignment(assignment(11, 2, "/keys")).unwrap();
        assert_eq!(roles.grants(principal).unwrap().len(), 2);
        roles.delete_definition(Uuid::from_u128(2)).unwrap();
        assert_eq!(roles.grants(principal).unwrap().len(), 1);
        assert_eq!(roles.assignments().len(), 2);
        roles.delete_assignment(Uuid::from_u128(10)).unwrap();
        assert!(roles.grants(principal).is_none());
    }
}
