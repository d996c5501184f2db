//! What holds the HSMs when the service starts: subscriptions, resource groups, and who may manage them.

use anyhow::Context as _;

use super::house;
use crate::config;
use crate::ids::Ids;
use crate::model::Timestamp;
use crate::model::change::{Change, ControlChange};
use crate::model::control_plane::{ControlAssignment, ControlScope};
use crate::model::key::Tags;
use crate::model::name::PrincipalId;
use crate::model::rbac::{Covers as _, RoleDefinition};
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription};
use crate::store::{Commit, Rules, Store};

/// Makes a subscription with its first role assignments, and a resource group in it, where they are missing.
pub(super) async fn make_place(
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
            changes.extend(managers.iter().map(|(principal, role)| given(*principal, role, &scope)));
        }
        Some(known) if known.tenant == subscription.tenant => {}
        Some(known) => anyhow::bail!(
            "subscription {id} belongs to tenant {}, and cannot hold an HSM of tenant {}",
            known.tenant,
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
        store.commit(commit).await.with_context(|| format!("making subscription {id}"))?;
    }
    Ok(())
}

/// Makes what holds HSMs that an earlier version made: it knew neither subscriptions nor groups.
pub(super) async fn make_places_of_known_hsms(store: &Store) -> anyhow::Result<()> {
    for hsm in store.hsms() {
        let id = hsm.subscription;
        // A deleted HSM outlives its group.
        if hsm.deletion.is_some() && store.subscription(id).is_some() {
            continue;
        }
        let subscription = Subscription { id, name: id.to_string(), tenant: hsm.tenant, undeletable: false };
        make_place(store, subscription, &hsm.resource_group, &hsm.location, hsm.created, &[]).await?;
    }
    Ok(())
}

/// Gives a role, found by its name, at a scope, where the principal does not have it there.
pub(super) async fn assign(
    store: &Store,
    principal: PrincipalId,
    role: &str,
    scope: &ControlScope,
) -> anyhow::Result<()> {
    let roles = config::control_plane_roles()?;
    let definition = house::role(&roles, role)?;
    let same = |known: &ControlAssignment| {
        known.principal == principal
            && known.role_definition == definition.id
            && known.scope.is_same_as(scope)
    };
    if store.control_assignments().iter().any(|known| same(known)) {
        return Ok(());
    }
    let changes = vec![given(principal, definition, scope)];
    let commit = Commit { changes, rules: Rules::Configured, ..Commit::default() };
    store.commit(commit).await.with_context(|| format!("giving {principal} the role {role:?} at {scope}"))
}

fn given(principal: PrincipalId, role: &RoleDefinition, scope: &ControlScope) -> Change {
    let scope = scope.clone();
    let assignment = ControlAssignment { id: Ids.guid(), role_definition: role.id, principal, scope };
    Change::Control(ControlChange::InsertAssignment(assignment.into()))
}
