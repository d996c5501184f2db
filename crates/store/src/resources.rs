//! The control plane's state: subscriptions, resource groups, budgets and role assignments.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::model::arm_rbac::{ControlAssignment, ControlScope};
use crate::model::billing::Budget;
use crate::model::change::ControlChange;
use crate::model::container::Container;
use crate::model::custom_role::{assignable_scopes, is_assignable_at};
use crate::model::limit;
use crate::model::local_rbac::{HierarchicalScope as _, RoleDefinition};
use crate::model::name::BudgetName;
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Field, Result};

use super::arm_roles::ArmRoles;
use super::commit::Rules;

/// An immutable snapshot that is replaced on every change, so that readers have a consistent state without a
/// lock. Copying is cheap, because keys are stored per HSM.
#[derive(Clone)]
pub(super) struct Resources {
    subscriptions: BTreeMap<SubscriptionId, Arc<Subscription>>,
    groups: BTreeMap<(SubscriptionId, String), Arc<ResourceGroup>>,
    pub(super) roles: ArmRoles,
    budgets: BTreeMap<(SubscriptionId, String), Arc<Budget>>,
}

impl Resources {
    /// A state without resources, with the built-in roles.
    pub(super) fn new(built_in: Arc<[Arc<RoleDefinition>]>) -> Self {
        Self::joined(built_in, Vec::new(), Vec::new(), (Vec::new(), Vec::new()), Vec::new())
    }

    /// Builds the state from its parts; custom role definitions and assignments in order of creation.
    pub(super) fn joined(
        built_in: Arc<[Arc<RoleDefinition>]>,
        subscriptions: Vec<Subscription>,
        groups: Vec<ResourceGroup>,
        (custom, assignments): (Vec<Arc<RoleDefinition>>, Vec<Arc<ControlAssignment>>),
        budgets: Vec<Budget>,
    ) -> Self {
        let budget =
            |budget: Budget| ((budget.subscription(), budget.name.to_case_insensitive()), Arc::new(budget));
        let group =
            |group: ResourceGroup| ((group.subscription, group.name.to_case_insensitive()), Arc::new(group));
        Self {
            subscriptions: subscriptions.into_iter().map(|one| (one.id, Arc::new(one))).collect(),
            groups: groups.into_iter().map(group).collect(),
            roles: ArmRoles::new(built_in, custom, assignments),
            budgets: budgets.into_iter().map(budget).collect(),
        }
    }

    /// All subscriptions, by ID.
    pub(super) fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.subscriptions.values().cloned().collect()
    }

    /// One subscription.
    pub(super) fn subscription(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.subscriptions.get(&id).cloned()
    }

    /// The resource groups of a subscription, by lower-case name.
    pub(super) fn groups(&self, subscription: SubscriptionId) -> Vec<Arc<ResourceGroup>> {
        let begin = (subscription, String::new());
        self.groups
            .range(begin..)
            .take_while(|((of, _), _)| *of == subscription)
            .map(|(_, group)| Arc::clone(group))
            .collect()
    }

    /// One resource group.
    pub(super) fn group(
        &self,
        subscription: SubscriptionId,
        name: &ResourceGroupName,
    ) -> Option<Arc<ResourceGroup>> {
        self.groups.get(&(subscription, name.to_case_insensitive())).cloned()
    }

    /// All budgets, by subscription and lower-case name.
    pub(super) fn budgets(&self) -> Vec<Arc<Budget>> {
        self.budgets.values().cloned().collect()
    }

    /// One budget.
    pub(super) fn budget(&self, subscription: SubscriptionId, name: &BudgetName) -> Option<Arc<Budget>> {
        self.budgets.get(&(subscription, name.to_case_insensitive())).cloned()
    }

    /// Checks that the subscription and resource group of a container exist.
    pub(super) fn check_parents(
        &self,
        subscription: SubscriptionId,
        group: &ResourceGroupName,
    ) -> Result<()> {
        self.check_subscription(subscription)?;
        match self.group(subscription, group) {
            Some(_) => Ok(()),
            None => Err(Error::NotFound(Resource::group(subscription, group))),
        }
    }

    /// Applies one change, if its preconditions hold. `containers` are all containers, live and
    /// soft-deleted.
    pub(super) fn apply(
        &mut self,
        change: &ControlChange,
        containers: &[Container],
        rules: Rules,
    ) -> Result<()> {
        match change {
            ControlChange::PutSubscription(subscription) => {
                self.subscriptions.insert(subscription.id, Arc::new(subscription.clone()));
                Ok(())
            }
            ControlChange::InsertResourceGroup(group) => {
                let subscription = group.subscription;
                self.check_subscription(subscription)?;
                if self.group(subscription, &group.name).is_some() {
                    return Err(Error::Exists {
                        resource: Resource::group(subscription, &group.name),
                        deleted: false,
                    });
                }
                if rules == Rules::All {
                    limit::RESOURCE_GROUPS.check_capacity(self.groups(subscription).len())?;
                }
                self.groups.insert((subscription, group.name.to_case_insensitive()), Arc::new(group.clone()));
                Ok(())
            }
            ControlChange::PutResourceGroup(group) => {
                self.check_subscription(group.subscription)?;
                let id = (group.subscription, group.name.to_case_insensitive());
                self.groups.insert(id, Arc::new(group.clone()));
                Ok(())
            }
            ControlChange::DeleteResourceGroup(subscription, name) => {
                let scope = ControlScope::ResourceGroup(*subscription, name.clone());
                // Deleted containers belong to the subscription, not to the resource group.
                let contained = containers.iter().find(|container| {
                    container.deletion().is_none()
                        && container.subscription() == *subscription
                        && container.resource_group().to_case_insensitive() == name.to_case_insensitive()
                });
                if let Some(container) = contained {
                    return Err(Error::ResourceGroupNotEmpty {
                        group: name.clone(),
                        container: container.id(),
                    });
                }
                if self.groups.remove(&(*subscription, name.to_case_insensitive())).is_none() {
                    return Err(Error::NotFound(Resource::group(*subscription, name)));
                }
                self.roles.delete_assignments_below(&scope);
                Ok(())
            }
            ControlChange::PutDefinition(definition) => self.put_definition(definition),
            ControlChange::DeleteDefinition(id) => self.roles.delete_definition(*id),
            ControlChange::InsertAssignment(assignment) => {
                let subscription = assignment.scope.subscription();
                self.check_subscription(subscription)?;
                if rules == Rules::All {
                    self.check_exists(&assignment.scope, containers)?;
                    self.check_assignable(assignment)?;
                    let count = self.roles.count(|scope| scope.subscription() == subscription);
                    limit::CONTROL_ASSIGNMENTS.check_capacity(count)?;
                }
                self.roles.insert_assignment(Arc::clone(assignment))
            }
            ControlChange::InsertBudget(budget) => {
                let subscription = budget.subscription();
                self.check_subscription(subscription)?;
                if self.budget(subscription, &budget.name).is_some() {
                    return Err(Error::Exists {
                        resource: Resource::budget(subscription, &budget.name),
                        deleted: false,
                    });
                }
                if rules == Rules::All {
                    let existing = self.budgets.keys().filter(|(of, _)| *of == subscription);
                    limit::BUDGETS.check_capacity(existing.count())?;
                }
                self.budgets
                    .insert((subscription, budget.name.to_case_insensitive()), Arc::new(budget.clone()));
                Ok(())
            }
            ControlChange::ReplaceBudget(budget) => {
                let id = (budget.subscription(), budget.name.to_case_insensitive());
                let is_same =
                    |known: &Budget| known.created == budget.created && known.scope.is_same_as(&budget.scope);
                match self.budgets.get_mut(&id) {
                    Some(known) if is_same(known) => *known = Arc::new(budget.clone()),
                    _ => {
                        let (subscription, budget) = (budget.subscription(), budget.name.clone());
                        return Err(Error::NotFound(Resource::budget(subscription, &budget)));
                    }
                }
                Ok(())
            }
            ControlChange::DeleteBudget(subscription, name) => {
                match self.budgets.remove(&(*subscription, name.to_case_insensitive())) {
                    Some(_) => Ok(()),
                    None => Err(Error::NotFound(Resource::budget(*subscription, name))),
                }
            }
            ControlChange::DeleteAssignment(id) => self.roles.delete_assignment(*id),
        }
    }

    /// Creates or replaces a custom role definition. Its assignable scopes are in one tenant, in which its name is unique.
    fn put_definition(&mut self, definition: &Arc<RoleDefinition>) -> Result<()> {
        let wrong = |why: &str| Err(Error::invalid(Field::RoleDefinitionAssignableScopes, why));
        let tenant = self.tenant(definition);
        let scopes = assignable_scopes(definition);
        if tenant.is_none() || scopes.iter().any(|scope| self.tenant_of(scope) != tenant) {
            return wrong("the scopes are in existing subscriptions of one tenant");
        }
        let is_same_name = |known: &Arc<RoleDefinition>| {
            known.id != definition.id
                && known.role_name.to_lowercase() == definition.role_name.to_lowercase()
                && (known.built_in || self.tenant(known) == tenant)
        };
        if self.roles.definitions().iter().any(is_same_name) {
            return Err(Error::RoleNameTaken { name: definition.role_name.clone() });
        }
        let known = self.roles.definition(definition.id).filter(|known| !known.built_in);
        if known.is_some_and(|known| self.tenant(&known) != tenant) {
            return Err(Error::invalid(Field::RoleDefinitionId, "another role has this id"));
        }
        let is_outside = |assignment: &Arc<ControlAssignment>| {
            assignment.role_definition == definition.id && !is_assignable_at(definition, &assignment.scope)
        };
        if self.roles.assignments().iter().any(is_outside) {
            return wrong("the role is assigned at a scope that these do not cover");
        }
        let before = self.clone();
        self.roles.put_definition(Arc::clone(definition), |known| {
            let of_tenant = known.iter().filter(|known| before.tenant(known) == tenant);
            limit::CONTROL_DEFINITIONS.check_capacity(of_tenant.count())
        })
    }

    /// Returns the tenant of a custom role definition.
    fn tenant(&self, definition: &RoleDefinition) -> Option<Uuid> {
        assignable_scopes(definition).first().and_then(|scope| self.tenant_of(scope))
    }

    fn tenant_of(&self, scope: &ControlScope) -> Option<Uuid> {
        self.subscription(scope.subscription()).map(|subscription| subscription.tenant)
    }

    /// Checks that the role of a new assignment exists, and can be assigned at its scope.
    fn check_assignable(&self, assignment: &ControlAssignment) -> Result<()> {
        let missing = || Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition));
        let role = self.roles.definition(assignment.role_definition).ok_or_else(missing)?;
        match is_assignable_at(&role, &assignment.scope) {
            true => Ok(()),
            false => Err(Error::invalid(
                Field::RoleDefinition,
                format!("this role can be assigned only at and below {}", role.assignable_scopes.join(", ")),
            )),
        }
    }

    /// Checks that the resource of a scope exists and is live, so that a later resource of the same name does not
    /// inherit role assignments. Of the scope of an object in a vault, the vault must exist.
    fn check_exists(&self, scope: &ControlScope, containers: &[Container]) -> Result<()> {
        let subscription = scope.subscription();
        if let Some(group) = scope.resource_group()
            && self.group(subscription, group).is_none()
        {
            return Err(Error::NotFound(Resource::group(subscription, group)));
        }
        let resource = scope.without_object();
        let is_live =
            |container: &Container| container.deletion().is_none() && container.scope().is_same_as(&resource);
        match scope.container() {
            Some(id) if !containers.iter().any(is_live) => Err(Error::NotFound((&id).into())),
            _ => Ok(()),
        }
    }

    fn check_subscription(&self, subscription: SubscriptionId) -> Result<()> {
        match self.subscriptions.contains_key(&subscription) {
            true => Ok(()),
            false => Err(Error::NotFound(subscription.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::name::PrincipalId;

    fn id(number: u128) -> SubscriptionId {
        SubscriptionId(Uuid::from_u128(number))
    }

    fn subscription(number: u128) -> ControlChange {
        let tenant = Uuid::nil();
        let name = number.to_string();
        ControlChange::PutSubscription(Subscription { id: id(number), name, tenant, protected: false })
    }

    fn group(subscription: u128, name: &str) -> ControlChange {
        ControlChange::PutResourceGroup(ResourceGroup {
            subscription: id(subscription),
            name: name.parse().unwrap(),
            location: "localhost".to_owned(),
            created: Timestamp::UNIX_EPOCH,
            tags: crate::model::key::Tags::new(),
        })
    }

    fn assigned(number: u128, scope: &str) -> ControlChange {
        ControlChange::InsertAssignment(Arc::new(ControlAssignment {
            id: Uuid::from_u128(number),
            role_definition: Uuid::from_u128(1),
            principal: PrincipalId(Uuid::from_u128(2)),
            scope: scope.parse().unwrap(),
        }))
    }

    fn after(changes: &[ControlChange]) -> (Result<()>, Resources) {
        let mut resources = Resources::new(Arc::new([]));
        let result = changes.iter().try_for_each(|change| resources.apply(change, &[], Rules::Configured));
        (result, resources)
    }

    #[test]
    fn requires_the_subscription_to_exist() {
        let missing = Err(Error::NotFound(id(2).into()));
        assert_eq!(after(&[subscription(1), group(2, "a")]).0, missing);
        let scope = format!("/subscriptions/{}", id(2));
        assert_eq!(after(&[subscription(1), assigned(1, &scope)]).0, missing);
    }

    #[test]
    fn resource_group_names_are_unique_per_subscription() {
        let (result, resources) = after(&[
            subscription(1),
            subscription(2),
            group(1, "b"),
            group(1, "a"),
            group(2, "a"),
            group(1, "A"),
        ]);
        result.unwrap();
        let names =
            |number| resources.groups(id(number)).iter().map(|one| one.name.to_string()).collect::<Vec<_>>();
        assert_eq!((names(1), names(2)), (vec!["A".to_owned(), "b".to_owned()], vec!["a".to_owned()]));
        assert!(resources.groups(id(3)).is_empty());
    }

    #[test]
    fn deleting_resource_group_deletes_its_assignments() {
        let scope = |tail: &str| format!("/subscriptions/{}{tail}", id(1));
        let delete = ControlChange::DeleteResourceGroup(id(1), "A".parse().unwrap());
        let hsm = scope("/resourceGroups/a/providers/Microsoft.KeyVault/managedHSMs/abc");
        let (result, resources) = after(&[
            subscription(1),
            group(1, "a"),
            group(1, "ab"),
            assigned(1, &scope("")),
            assigned(2, &scope("/resourceGroups/a")),
            assigned(3, &hsm),
            assigned(4, &scope("/resourceGroups/ab")),
            delete.clone(),
        ]);
        result.unwrap();
        let left: Vec<_> = resources.roles.assignments().iter().map(|one| one.id.as_u128()).collect();
        assert_eq!(left, [1, 4]);
        let again = after(&[subscription(1), delete]).0;
        assert!(matches!(again, Err(Error::NotFound(_))));
    }

    fn role(number: u128, name: &str, scopes: &[&str]) -> Arc<RoleDefinition> {
        Arc::new(RoleDefinition {
            id: Uuid::from_u128(number),
            role_name: name.to_owned(),
            description: String::new(),
            built_in: false,
            permissions: Vec::new(),
            assignable_scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        })
    }

    /// Two subscriptions of one tenant, and one of another.
    fn two_tenants() -> Resources {
        let other =
            Subscription { id: id(3), name: "3".to_owned(), tenant: Uuid::from_u128(1), protected: false };
        after(&[subscription(1), subscription(2), ControlChange::PutSubscription(other), group(1, "a")]).1
    }

    fn apply(resources: &mut Resources, change: ControlChange) -> Result<()> {
        resources.apply(&change, &[], Rules::All)
    }

    #[test]
    fn custom_roles_belong_to_one_tenant_with_unique_names() {
        let mut resources = two_tenants();
        let [one, two, three] = [1, 2, 3].map(|number| format!("/subscriptions/{}", id(number)));
        let mut put = |definition| apply(&mut resources, ControlChange::PutDefinition(definition));
        put(role(1, "reader", &[&one, &two])).unwrap();
        for scopes in
            [&[one.as_str(), &three][..], &["/subscriptions/00000000-0000-0000-0000-000000000009"], &[]]
        {
            let refused = put(role(2, "writer", scopes));
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        }
        assert_eq!(put(role(2, "READER", &[&two])), Err(Error::RoleNameTaken { name: "READER".to_owned() }));
        put(role(2, "READER", &[&three])).unwrap();
        // The role of another tenant is not replaced.
        let refused = put(role(1, "other", &[&three]));
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        put(role(1, "Reader", &[&one])).unwrap();
        assert_eq!(resources.roles.definitions().len(), 2);
    }

    #[test]
    fn assigned_roles_are_kept_and_cover_their_assignments() {
        let mut resources = two_tenants();
        let [one, two] = [1, 2].map(|number| format!("/subscriptions/{}", id(number)));
        let in_group = format!("{one}/resourceGroups/a");
        let missing = apply(&mut resources, assigned(5, &in_group));
        assert_eq!(missing, Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition))));
        apply(&mut resources, ControlChange::PutDefinition(role(1, "reader", &[&in_group]))).unwrap();
        let outside = apply(&mut resources, assigned(5, &one));
        assert!(matches!(outside, Err(Error::Invalid { field: Field::RoleDefinition, .. })), "{outside:?}");
        apply(&mut resources, assigned(5, &in_group)).unwrap();
        let moved = apply(&mut resources, ControlChange::PutDefinition(role(1, "reader", &[&two])));
        assert!(matches!(moved, Err(Error::Invalid { .. })), "{moved:?}");
        let delete = || ControlChange::DeleteDefinition(Uuid::from_u128(1));
        let assigned = Err(Error::RoleDefinitionAssigned { id: Uuid::from_u128(1) });
        assert_eq!(apply(&mut resources, delete()), assigned);
        apply(&mut resources, ControlChange::DeleteAssignment(Uuid::from_u128(5))).unwrap();
        apply(&mut resources, delete()).unwrap();
    }
}
