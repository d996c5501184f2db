//! The control plane's state: subscriptions, resource groups, and who may do what with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::billing::Budget;
use crate::model::change::ControlChange;
use crate::model::control_plane::{ControlAction, ControlAssignment, ControlScope};
use crate::model::hsm::ManagedHsm;
use crate::model::limit;
use crate::model::name::BudgetName;
use crate::model::rbac::{Covers as _, RoleDefinition};
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::{Error, Result};

use super::commit::Rules;
use super::roles::Roles;

/// Replaced whole on every change, so that readers hold a consistent state without a lock. It is small:
/// what there are many of is in the HSMs.
#[derive(Clone)]
pub(super) struct Resources {
    subscriptions: BTreeMap<SubscriptionId, Arc<Subscription>>,
    groups: BTreeMap<(SubscriptionId, String), Arc<ResourceGroup>>,
    pub(super) roles: Roles<ControlAction>,
    budgets: BTreeMap<(SubscriptionId, String), Arc<Budget>>,
}

impl Resources {
    /// No resources yet, but the roles that can be assigned.
    pub(super) fn new(built_in: Arc<[Arc<RoleDefinition>]>) -> Self {
        Self::joined(built_in, Vec::new(), Vec::new(), Vec::new(), Vec::new())
    }

    /// Joins what was read; assignments in order of creation.
    pub(super) fn joined(
        built_in: Arc<[Arc<RoleDefinition>]>,
        subscriptions: Vec<Subscription>,
        groups: Vec<ResourceGroup>,
        assignments: Vec<Arc<ControlAssignment>>,
        budgets: Vec<Budget>,
    ) -> Self {
        let budget = |budget: Budget| ((budget.subscription(), budget.name.folded()), Arc::new(budget));
        let group = |group: ResourceGroup| ((group.subscription, group.name.folded()), Arc::new(group));
        Self {
            subscriptions: subscriptions.into_iter().map(|one| (one.id, Arc::new(one))).collect(),
            groups: groups.into_iter().map(group).collect(),
            roles: Roles::new(built_in, Vec::new(), assignments),
            budgets: budgets.into_iter().map(budget).collect(),
        }
    }

    /// All subscriptions, by id.
    pub(super) fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.subscriptions.values().cloned().collect()
    }

    /// One subscription.
    pub(super) fn subscription(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.subscriptions.get(&id).cloned()
    }

    /// The resource groups of a subscription, by folded name.
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
        self.groups.get(&(subscription, name.folded())).cloned()
    }

    /// All budgets, by subscription and folded name.
    pub(super) fn budgets(&self) -> Vec<Arc<Budget>> {
        self.budgets.values().cloned().collect()
    }

    /// One budget.
    pub(super) fn budget(&self, subscription: SubscriptionId, name: &BudgetName) -> Option<Arc<Budget>> {
        self.budgets.get(&(subscription, name.folded())).cloned()
    }

    /// The place of an HSM, or why it cannot be there.
    pub(super) fn check_place(&self, hsm: &ManagedHsm) -> Result<()> {
        self.known(hsm.subscription)?;
        match self.group(hsm.subscription, &hsm.resource_group) {
            Some(_) => Ok(()),
            None => Err(Error::ResourceGroupNotFound {
                subscription: hsm.subscription,
                group: hsm.resource_group.clone(),
            }),
        }
    }

    /// Makes one change, if it is allowed. `hsms` are all there are, live and soft-deleted.
    pub(super) fn apply(
        &mut self,
        change: &ControlChange,
        hsms: &[Arc<ManagedHsm>],
        rules: Rules,
    ) -> Result<()> {
        match change {
            ControlChange::PutSubscription(subscription) => {
                self.subscriptions.insert(subscription.id, Arc::new(subscription.clone()));
                Ok(())
            }
            ControlChange::InsertResourceGroup(group) => {
                let subscription = group.subscription;
                self.known(subscription)?;
                if self.group(subscription, &group.name).is_some() {
                    return Err(Error::ResourceGroupExists { subscription, group: group.name.clone() });
                }
                if rules == Rules::All {
                    limit::RESOURCE_GROUPS.room(self.groups(subscription).len())?;
                }
                self.groups.insert((subscription, group.name.folded()), Arc::new(group.clone()));
                Ok(())
            }
            ControlChange::PutResourceGroup(group) => {
                self.known(group.subscription)?;
                let place = (group.subscription, group.name.folded());
                self.groups.insert(place, Arc::new(group.clone()));
                Ok(())
            }
            ControlChange::DeleteResourceGroup(subscription, name) => {
                let scope = ControlScope::ResourceGroup(*subscription, name.clone());
                // Deleted ones belong to the subscription.
                let held = hsms.iter().find(|hsm| {
                    hsm.deletion.is_none()
                        && hsm.subscription == *subscription
                        && hsm.resource_group.folded() == name.folded()
                });
                if let Some(hsm) = held {
                    return Err(Error::ResourceGroupNotEmpty { group: name.clone(), hsm: hsm.name.clone() });
                }
                if self.groups.remove(&(*subscription, name.folded())).is_none() {
                    return Err(Error::ResourceGroupNotFound {
                        subscription: *subscription,
                        group: name.clone(),
                    });
                }
                self.roles.delete_assignments_below(&scope);
                Ok(())
            }
            ControlChange::InsertAssignment(assignment) => {
                let subscription = assignment.scope.subscription();
                self.known(subscription)?;
                if rules == Rules::All {
                    self.check_exists(&assignment.scope, hsms)?;
                    let there = self.roles.count(|scope| scope.subscription() == subscription);
                    limit::CONTROL_ASSIGNMENTS.room(there)?;
                }
                self.roles.insert_assignment(Arc::clone(assignment))
            }
            ControlChange::InsertBudget(budget) => {
                let subscription = budget.subscription();
                self.known(subscription)?;
                if self.budget(subscription, &budget.name).is_some() {
                    return Err(Error::BudgetExists { subscription, budget: budget.name.clone() });
                }
                if rules == Rules::All {
                    let of_it = self.budgets.keys().filter(|(of, _)| *of == subscription);
                    limit::BUDGETS.room(of_it.count())?;
                }
                self.budgets.insert((subscription, budget.name.folded()), Arc::new(budget.clone()));
                Ok(())
            }
            ControlChange::ReplaceBudget(budget) => {
                let place = (budget.subscription(), budget.name.folded());
                let is_same =
                    |known: &Budget| known.created == budget.created && known.scope.is_same_as(&budget.scope);
                match self.budgets.get_mut(&place) {
                    Some(known) if is_same(known) => *known = Arc::new(budget.clone()),
                    _ => {
                        let (subscription, budget) = (budget.subscription(), budget.name.clone());
                        return Err(Error::BudgetNotFound { subscription, budget });
                    }
                }
                Ok(())
            }
            ControlChange::DeleteBudget(subscription, name) => {
                match self.budgets.remove(&(*subscription, name.folded())) {
                    Some(_) => Ok(()),
                    None => Err(Error::BudgetNotFound { subscription: *subscription, budget: name.clone() }),
                }
            }
            ControlChange::DeleteAssignment(id) => self.roles.delete_assignment(*id),
        }
    }

    /// Whether what a scope names is there, and live: what comes later under its name gets no old rights.
    fn check_exists(&self, scope: &ControlScope, hsms: &[Arc<ManagedHsm>]) -> Result<()> {
        let subscription = scope.subscription();
        if let Some(group) = scope.resource_group()
            && self.group(subscription, group).is_none()
        {
            return Err(Error::ResourceGroupNotFound { subscription, group: group.clone() });
        }
        match scope.hsm() {
            Some(name) if !hsms.iter().any(|hsm| hsm.deletion.is_none() && hsm.scope().is_same_as(scope)) => {
                Err(Error::HsmNotFound { hsm: name.clone() })
            }
            _ => Ok(()),
        }
    }

    fn known(&self, subscription: SubscriptionId) -> Result<()> {
        match self.subscriptions.contains_key(&subscription) {
            true => Ok(()),
            false => Err(Error::SubscriptionNotFound { subscription }),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::Timestamp;
    use crate::model::name::PrincipalId;

    fn id(number: u128) -> SubscriptionId {
        SubscriptionId(Uuid::from_u128(number))
    }

    fn subscription(number: u128) -> ControlChange {
        let tenant = Uuid::nil();
        let name = number.to_string();
        ControlChange::PutSubscription(Subscription { id: id(number), name, tenant, undeletable: false })
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
    fn what_is_in_a_subscription_needs_one() {
        let missing = Err(Error::SubscriptionNotFound { subscription: id(2) });
        assert_eq!(after(&[subscription(1), group(2, "a")]).0, missing);
        let scope = format!("/subscriptions/{}", id(2));
        assert_eq!(after(&[subscription(1), assigned(1, &scope)]).0, missing);
    }

    #[test]
    fn groups_belong_to_one_subscription_each_and_differ_in_more_than_case() {
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
    fn a_group_takes_its_assignments_along_and_no_others() {
        let scope = |tail: &str| format!("/subscriptions/{}{tail}", id(1));
        let gone = ControlChange::DeleteResourceGroup(id(1), "A".parse().unwrap());
        let hsm = scope("/resourceGroups/a/providers/Microsoft.KeyVault/managedHSMs/abc");
        let (result, resources) = after(&[
            subscription(1),
            group(1, "a"),
            group(1, "ab"),
            assigned(1, &scope("")),
            assigned(2, &scope("/resourceGroups/a")),
            assigned(3, &hsm),
            assigned(4, &scope("/resourceGroups/ab")),
            gone.clone(),
        ]);
        result.unwrap();
        let left: Vec<_> = resources.roles.assignments().iter().map(|one| one.id.as_u128()).collect();
        assert_eq!(left, [1, 4]);
        let again = after(&[subscription(1), gone]).0;
        assert!(matches!(again, Err(Error::ResourceGroupNotFound { .. })));
    }
}
