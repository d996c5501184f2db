//! Creates the configured subscriptions, resource groups and ARM role assignments at start-up.

use anyhow::Context as _;

use super::service;
use crate::config;
use crate::ids::Ids;
use crate::model::Timestamp;
use crate::model::arm_rbac::{ControlAssignment, ControlScope};
use crate::model::change::{Change, ControlChange};
use crate::model::key::Tags;
use crate::model::local_rbac::{HierarchicalScope as _, RoleDefinition};
use crate::model::name::PrincipalId;
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription};
use crate::store::{Commit, Rules, Store};

/// Creates a subscription with its initial role assignments, and a resource group in it, if they do not exist.
///
/// # Errors
/// If the subscription belongs to another tenant.
pub(super) async fn ensure_resource_group(
    store: &Store,
    subscription: Subscription,
    name: &ResourceGroupName,
    location: &str,
    created: Timestamp,
    managers: &[(PrincipalId, &RoleDefinition)],
) -> anyhow::Result<()> {
    let id = subscription.id;
    let mut changes = Vec::new();
    match store.subscription(id) {
        None => {
            changes.push(Change::Control(ControlChange::PutSubscription(subscription)));
            let scope = ControlScope::Subscription(id);
            changes.extend(managers.iter().map(|(principal, role)| assignment_of(*principal, role, &scope)));
        }
        Some(existing) if existing.tenant == subscription.tenant => {}
        Some(existing) => anyhow::bail!(
            "subscription {id} belongs to tenant {}, and cannot hold an HSM of tenant {}",
            existing.tenant,
            subscription.tenant
        ),
    }
    if store.resource_group(id, name).is_none() {
        let (name, location, tags) = (name.clone(), location.to_owned(), Tags::new());
        let group = ResourceGroup { subscription: id, name, location, created, tags };
        changes.push(Change::Control(ControlChange::InsertResourceGroup(group)));
    }
    if !changes.is_empty() {
        let commit = Commit { changes, rules: Rules::Configured, ..Commit::default() };
        store.commit(commit).await.with_context(|| format!("creating subscription {id}"))?;
    }
    Ok(())
}

/// Creates the subscriptions and resource groups of HSMs from versions of the service that had neither.
pub(super) async fn ensure_resource_groups_of_hsms(store: &Store) -> anyhow::Result<()> {
    for hsm in store.hsms() {
        let id = hsm.subscription;
        // The resource group of a deleted HSM may have been deleted.
        if hsm.deletion.is_some() && store.subscription(id).is_some() {
            continue;
        }
        let subscription = Subscription { id, name: id.to_string(), tenant: hsm.tenant, protected: false };
        ensure_resource_group(store, subscription, &hsm.resource_group, &hsm.location, hsm.created, &[])
            .await?;
    }
    Ok(())
}

/// Assigns a role, by name, at a scope, unless the principal has this assignment already.
pub(super) async fn assign(
    store: &Store,
    principal: PrincipalId,
    role: &str,
    scope: &ControlScope,
) -> anyhow::Result<()> {
    let roles = config::control_plane_roles()?;
    let definition = service::role(&roles, role)?;
    let is_same = |existing: &ControlAssignment| {
        existing.principal == principal
            && existing.role_definition == definition.id
            && existing.scope.is_same_as(scope)
    };
    if store.control_assignments().iter().any(|existing| is_same(existing)) {
        return Ok(());
    }
    let changes = vec![assignment_of(principal, definition, scope)];
    let commit = Commit { changes, rules: Rules::Configured, ..Commit::default() };
    store.commit(commit).await.with_context(|| format!("assigning role {role:?} to {principal} at {scope}"))
}

fn assignment_of(principal: PrincipalId, role: &RoleDefinition, scope: &ControlScope) -> Change {
    let scope = scope.clone();
    let assignment = ControlAssignment { id: Ids.guid(), role_definition: role.id, principal, scope };
    Change::Control(ControlChange::InsertAssignment(assignment.into()))
}
