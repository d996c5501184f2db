//! Creates the subscriptions, resource groups, HSMs, vaults and role assignments of an installation that do not exist yet.

use anyhow::Context as _;

use super::installation::{InitialHsm, InitialRole, InitialSubscription, InitialVault};
use crate::config::{self, ControlRoleSeed, HsmSeed};
use crate::ids::Ids;
use crate::model::Timestamp;
use crate::model::arm_rbac::{ControlAssignment, ControlScope};
use crate::model::change::{Change, ControlChange};
use crate::model::container::ContainerId;
use crate::model::hsm::{Activation, ManagedHsm, NetworkRules};
use crate::model::key::Tags;
use crate::model::lifetime::ContainerLifetime;
use crate::model::local_rbac::{HierarchicalScope as _, LocalScope, RoleAssignment, RoleDefinition};
use crate::model::name::{HsmName, PrincipalId};
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription};
use crate::model::setting;
use crate::model::vault::{AccessPolicies, EnabledFor, Vault};
use crate::store::{Commit, Rules, Store};
use crate::token::TokenInfo;

/// Whether an HSM of this name has ever existed. A configured HSM that was purged is not created again at the next
/// start.
pub(super) fn has_existed(lifetimes: &[ContainerLifetime], name: &HsmName) -> bool {
    let folded = ContainerId::from(name).to_case_insensitive();
    lifetimes.iter().any(|life| life.container.to_case_insensitive() == folded)
}

/// Creates a subscription and its resource group if they do not exist. A resource group that was deleted is created
/// again only if it `has_new_containers`.
///
/// # Errors
/// If the subscription belongs to another tenant, or a role does not exist.
pub(super) async fn ensure_subscription(
    store: &Store,
    initial: &InitialSubscription,
    now: Timestamp,
    has_new_containers: bool,
) -> anyhow::Result<()> {
    let InitialSubscription { subscription, resource_group, location, roles } = initial;
    let known = store.subscription(subscription.id);
    if !has_new_containers && known.is_some_and(|known| known.tenant == subscription.tenant) {
        return Ok(());
    }
    let built_in = config::control_plane_roles()?;
    let managers = resolve(roles, &built_in)?;
    ensure_resource_group(store, subscription.clone(), resource_group, location, now, &managers).await
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

/// Creates subscription and resource group of a new HSM. An existing HSM has them already.
pub(super) async fn ensure_resource_group_of(
    store: &Store,
    hsm: &HsmSeed,
    now: Timestamp,
) -> anyhow::Result<()> {
    if store.hsm(&hsm.name).is_some() {
        return Ok(());
    }
    let id = hsm.subscription();
    let subscription = Subscription { id, name: id.to_string(), tenant: hsm.tenant_id, protected: false };
    ensure_resource_group(store, subscription, &hsm.resource_group, &hsm.location, now, &[])
        .await
        .with_context(|| format!("HSM {}", hsm.name))
}

/// Creates a subscription with its initial role assignments, and a resource group in it, if they do not exist.
///
/// # Errors
/// If the subscription belongs to another tenant.
async fn ensure_resource_group(
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

/// Creates an HSM with its initial role assignments at `/`.
pub(super) async fn create_hsm(
    store: &Store,
    InitialHsm { seed, roles, .. }: &InitialHsm,
    token: &TokenInfo,
    now: Timestamp,
) -> anyhow::Result<()> {
    let hsm = ManagedHsm {
        id: Ids.guid(),
        name: seed.name.clone(),
        tenant: seed.tenant_id,
        subscription: seed.subscription(),
        resource_group: seed.resource_group.clone(),
        location: seed.location.clone(),
        sku: seed.sku.clone(),
        retention: seed.retention_days,
        purge_protection: seed.purge_protection,
        activation: Activation::Active,
        initial_administrators: seed.administrators.clone(),
        token_serial: token.serial.clone(),
        created: now,
        deletion: None,
        tags: Tags::default(),
        network: NetworkRules::default(),
        settings: setting::Settings::default(),
        security_domain: None,
        transfer_key: None,
        backup_jobs: Vec::new(),
    };
    let built_in = config::built_in_roles()?;
    let assignments = resolve(roles, &built_in)?.into_iter().map(|(principal, role)| RoleAssignment {
        id: Ids.guid(),
        role_definition: role.id,
        principal,
        scope: LocalScope::Hsm,
    });
    let changes = vec![Change::InsertHsm(hsm, assignments.collect())];
    let commit = Commit { changes, rules: Rules::Configured, ..Commit::default() };
    store.commit(commit).await.with_context(|| format!("creating HSM {}", seed.name))
}

/// Creates a vault with its initial role assignments.
pub(super) async fn create_vault(
    store: &Store,
    InitialVault { seed, roles }: &InitialVault,
    InitialSubscription { subscription, resource_group, .. }: &InitialSubscription,
    token: &TokenInfo,
    now: Timestamp,
) -> anyhow::Result<()> {
    let vault = Vault {
        id: Ids.guid(),
        name: seed.name.clone(),
        tenant: subscription.tenant,
        subscription: subscription.id,
        resource_group: resource_group.clone(),
        location: seed.location.clone(),
        sku: seed.sku,
        soft_delete: true,
        retention: seed.retention_days,
        purge_protection: seed.purge_protection,
        rbac_authorization: seed.rbac_authorization,
        access_policies: AccessPolicies::default(),
        network: NetworkRules::default(),
        virtual_network_rules: Vec::new(),
        enabled_for: EnabledFor::default(),
        token_serial: token.serial.clone(),
        created: now,
        updated: now,
        deletion: None,
        tags: Tags::default(),
    };
    let built_in = config::control_plane_roles()?;
    let scope = vault.scope();
    let resolved = resolve(roles, &built_in)?;
    let assignments = resolved.iter().map(|(principal, role)| assignment_of(*principal, role, &scope));
    let changes = std::iter::once(Change::InsertVault(vault)).chain(assignments).collect();
    let commit = Commit { changes, rules: Rules::Configured, ..Commit::default() };
    store.commit(commit).await.with_context(|| format!("creating vault {}", seed.name))
}

/// Assigns a role on the control plane, unless the principal has this assignment already.
pub(super) async fn ensure_assignment(store: &Store, wanted: &ControlRoleSeed) -> anyhow::Result<()> {
    let ControlRoleSeed { principal, role, scope } = wanted;
    let roles = config::control_plane_roles()?;
    let definition = find_role(&roles, role)?;
    let is_same = |existing: &ControlAssignment| {
        existing.principal == *principal
            && existing.role_definition == definition.id
            && existing.scope.is_same_as(scope)
    };
    if store.control_assignments().iter().any(|existing| is_same(existing)) {
        return Ok(());
    }
    let changes = vec![assignment_of(*principal, definition, scope)];
    let commit = Commit { changes, rules: Rules::Configured, ..Commit::default() };
    store.commit(commit).await.with_context(|| format!("assigning role {role:?} to {principal} at {scope}"))
}

fn assignment_of(principal: PrincipalId, role: &RoleDefinition, scope: &ControlScope) -> Change {
    let scope = scope.clone();
    let assignment = ControlAssignment { id: Ids.guid(), role_definition: role.id, principal, scope };
    Change::Control(ControlChange::InsertAssignment(assignment.into()))
}

/// Finds the definitions of initial roles.
fn resolve<'a>(
    roles: &[InitialRole],
    built_in: &'a [RoleDefinition],
) -> anyhow::Result<Vec<(PrincipalId, &'a RoleDefinition)>> {
    let resolved = roles.iter().map(|initial| {
        let role = find_role(built_in, &initial.role)
            .with_context(|| format!("principal {}", initial.principal_name))?;
        Ok((initial.principal, role))
    });
    resolved.collect()
}

/// Finds a built-in role by its case-insensitive display name.
fn find_role<'a>(roles: &'a [RoleDefinition], name: &str) -> anyhow::Result<&'a RoleDefinition> {
    roles
        .iter()
        .find(|role| role.role_name.eq_ignore_ascii_case(name))
        .with_context(|| format!("there is no built-in role {name:?}"))
}
