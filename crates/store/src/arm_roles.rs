//! The roles of ARM RBAC: the same definitions and assignments grant actions of the control plane and data actions in vaults.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::arm_rbac::{ControlAction, ControlAssignment, ControlGrant, ControlScope};
use crate::model::local_rbac::RoleDefinition;
use crate::model::name::PrincipalId;
use crate::model::vault_rbac::{VaultAction, VaultGrant};
use crate::model::{Error, Result};

use super::roles::{Grants, Roles};

/// Role definitions and assignments, joined once for both kinds of action.
#[derive(Clone)]
pub(super) struct ArmRoles {
    roles: Roles<ControlAction>,
    vault_grants: Grants<VaultAction>,
}

impl ArmRoles {
    /// Joins definitions and assignments, each in order of creation.
    pub(super) fn new(
        built_in: Arc<[Arc<RoleDefinition>]>,
        custom: Vec<Arc<RoleDefinition>>,
        assignments: Vec<Arc<ControlAssignment>>,
    ) -> Self {
        let roles = Roles::new(built_in, custom, assignments);
        Self { vault_grants: roles.join_actions(), roles }
    }

    /// The definition with this identifier.
    pub(super) fn definition(&self, id: Uuid) -> Option<Arc<RoleDefinition>> {
        self.roles.definition(id)
    }

    /// Creates or replaces a custom definition, as [`Roles::put_definition`].
    pub(super) fn put_definition(
        &mut self,
        definition: Arc<RoleDefinition>,
        check_limit: impl FnOnce(&[Arc<RoleDefinition>]) -> Result<()>,
    ) -> Result<()> {
        self.roles.put_definition(definition, check_limit)?;
        self.vault_grants = self.roles.join_actions();
        Ok(())
    }

    /// Removes a custom definition, unless it is assigned.
    pub(super) fn delete_definition(&mut self, id: Uuid) -> Result<()> {
        if self.assignments().iter().any(|assignment| assignment.role_definition == id) {
            return Err(Error::RoleDefinitionAssigned { id });
        }
        self.roles.delete_definition(id)
    }

    /// The definitions.
    pub(super) fn definitions(&self) -> Vec<Arc<RoleDefinition>> {
        self.roles.definitions()
    }

    /// Assignments in order of creation.
    pub(super) fn assignments(&self) -> Vec<Arc<ControlAssignment>> {
        self.roles.assignments()
    }

    /// The assignments of a principal, joined with the actions of their definitions.
    pub(super) fn grants(&self, principal: PrincipalId) -> Option<Arc<[ControlGrant]>> {
        self.roles.grants(principal)
    }

    /// The assignments of a principal, joined with the data actions of their definitions.
    pub(super) fn vault_grants(&self, principal: PrincipalId) -> Option<Arc<[VaultGrant]>> {
        self.vault_grants.get(&principal).cloned()
    }

    /// The number of assignments whose scope satisfies `counts`.
    pub(super) fn count(&self, counts: impl Fn(&ControlScope) -> bool) -> usize {
        self.roles.count(counts)
    }

    /// Adds an assignment. Its ID, and its combination of role, principal and scope, must be new.
    pub(super) fn insert_assignment(&mut self, assignment: Arc<ControlAssignment>) -> Result<()> {
        self.roles.insert_assignment(assignment)?;
        self.vault_grants = self.roles.join_actions();
        Ok(())
    }

    /// Removes an assignment.
    pub(super) fn delete_assignment(&mut self, id: Uuid) -> Result<()> {
        self.roles.delete_assignment(id)?;
        self.vault_grants = self.roles.join_actions();
        Ok(())
    }

    /// Removes the assignments at a scope and below it, so that a later resource of the same name does not inherit them.
    pub(super) fn delete_assignments_below(&mut self, scope: &ControlScope) {
        self.roles.delete_assignments_below(scope);
        self.vault_grants = self.roles.join_actions();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::role::{HierarchicalScope as _, Permission};

    const SUBSCRIPTION: &str = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5";

    fn assignment(id: u128, tail: &str) -> Arc<ControlAssignment> {
        Arc::new(ControlAssignment {
            id: Uuid::from_u128(id),
            role_definition: Uuid::from_u128(1),
            principal: PrincipalId(Uuid::from_u128(7)),
            scope: format!("{SUBSCRIPTION}{tail}").parse().unwrap(),
        })
    }

    #[test]
    fn changes_of_assignments_change_data_actions_in_vaults() {
        let definition = Arc::new(RoleDefinition {
            id: Uuid::from_u128(1),
            role_name: "secrets".to_owned(),
            description: String::new(),
            built_in: true,
            permissions: vec![Permission {
                actions: vec!["Microsoft.KeyVault/vaults/read".to_owned()],
                data_actions: vec!["Microsoft.KeyVault/vaults/secrets/*".to_owned()],
                ..Permission::default()
            }],
            assignable_scopes: Vec::new(),
        });
        let (vault, secret) = ("/resourceGroups/a/vaults/abc", "/resourceGroups/a/vaults/abc/secrets/b");
        let mut roles = ArmRoles::new([definition].into(), Vec::new(), vec![assignment(1, secret)]);
        let counts = |roles: &ArmRoles| {
            let principal = PrincipalId(Uuid::from_u128(7));
            let scope = assignment(0, secret).scope.clone();
            let data = roles.vault_grants(principal).unwrap_or_default();
            assert!(data.iter().all(|grant| grant.allows(VaultAction::SecretGet, &scope)));
            assert!(!data.iter().any(|grant| grant.allows(VaultAction::KeyRead, &scope)));
            let control = roles.grants(principal).unwrap_or_default();
            assert!(control.iter().all(|grant| grant.allows(ControlAction::VaultRead, &scope)));
            (data.len(), control.len())
        };
        assert_eq!(counts(&roles), (1, 1));
        roles.insert_assignment(assignment(2, "")).unwrap();
        roles.insert_assignment(assignment(3, vault)).unwrap();
        assert_eq!(counts(&roles), (3, 3));
        roles.delete_assignment(Uuid::from_u128(2)).unwrap();
        assert_eq!(counts(&roles), (2, 2));
        assert!(assignment(0, vault).scope.covers(&assignment(0, secret).scope));
        roles.delete_assignments_below(&assignment(0, vault).scope);
        assert_eq!(counts(&roles), (0, 0));
    }
}
