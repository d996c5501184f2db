//! Tests of the preconditions of changes to vaults.

use super::*;
use crate::model::vault::{AccessPolicies, EnabledFor, Vault, VaultSku};

/// The subscription of the second resource group.
const OTHER: Uuid = Uuid::from_u128(2);

pub(crate) fn vault(name: &str, subscription: Uuid) -> Vault {
    Vault {
        id: Uuid::from_u128(8),
        name: name.parse().unwrap(),
        tenant: Uuid::nil(),
        subscription: SubscriptionId(subscription),
        resource_group: "g".parse().unwrap(),
        location: "here".into(),
        sku: VaultSku::Standard,
        retention: RetentionDays::DEFAULT,
        soft_delete: true,
        purge_protection: false,
        rbac_authorization: true,
        access_policies: AccessPolicies::default(),
        network: Default::default(),
        virtual_network_rules: Vec::new(),
        enabled_for: EnabledFor::default(),
        token_serial: "2".into(),
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
        deletion: None,
        tags: Tags::new(),
    }
}

/// Two subscriptions, each with a resource group `g`.
fn two_subscriptions() -> Memory {
    let subscription =
        |id| Subscription { id: SubscriptionId(id), name: "s".into(), tenant: Uuid::nil(), protected: false };
    let group = |id| ResourceGroup {
        subscription: SubscriptionId(id),
        name: "g".parse().unwrap(),
        location: "here".into(),
        created: Timestamp::UNIX_EPOCH,
        tags: Tags::new(),
    };
    let ids = [Uuid::nil(), OTHER];
    let (subscriptions, groups) = (ids.map(subscription).to_vec(), ids.map(group).to_vec());
    let resources =
        Resources::joined(Arc::new([]), subscriptions, groups, (Vec::new(), Vec::new()), Vec::new());
    let memory = Memory::new(Vec::new(), Vec::new(), crate::clock::Clock::System);
    memory.apply(ChangeSet { resources: Some(Arc::new(resources)), ..ChangeSet::default() });
    memory
}

/// Applies a change to a store. Its result is that of the commit.
fn commit(memory: &Memory, change: &Change) -> Result<()> {
    let none = ChangeSet::default();
    let mut transaction = Transaction::new(memory, &none);
    transaction.apply(change)?;
    let mut all = ChangeSet::default();
    let changes = transaction.into_changes();
    all.absorb(changes);
    memory.apply(all);
    Ok(())
}

fn transition(name: &str, transition: Transition) -> Change {
    Change::Transition(Deletable::Vault(name.parse().unwrap()), transition)
}

fn soft_delete() -> Transition {
    let at = Timestamp::UNIX_EPOCH;
    let scheduled_purge_at = at + jiff::SignedDuration::from_hours(24);
    Transition::SoftDelete(Deletion { deleted_at: at, scheduled_purge_at })
}

#[test]
fn vault_names_are_unique_across_subscriptions_until_purged() {
    let memory = two_subscriptions();
    let exists = |result: Result<()>| match result {
        Err(Error::Exists { resource, deleted }) => (resource.kind, deleted),
        other => panic!("{other:?}"),
    };
    commit(&memory, &Change::InsertVault(vault("Payroll", Uuid::nil()))).unwrap();
    let again = || commit(&memory, &Change::InsertVault(vault("PAYROLL", OTHER)));
    assert_eq!(exists(again()), (ResourceKind::Vault, false));
    commit(&memory, &transition("payroll", soft_delete())).unwrap();
    assert_eq!(exists(again()), (ResourceKind::Vault, true));
    // The name of a vault is available for an HSM.
    commit(&memory, &Change::InsertHsm(hsm("payroll"), Vec::new())).unwrap();
    commit(&memory, &transition("payroll", Transition::Purge(Timestamp::UNIX_EPOCH))).unwrap();
    again().unwrap();
    let unknown = commit(&memory, &Change::InsertVault(vault("other", Uuid::from_u128(3))));
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
}

/// Soft-delete may be enabled while a call that has read the vault without it runs.
#[test]
fn nothing_is_deleted_permanently_once_soft_delete_is_enabled() {
    let memory = two_subscriptions();
    let at = Timestamp::UNIX_EPOCH;
    let permanent = || transition("payroll", Transition::SoftDelete(Deletion::permanent(at)));
    let without = Vault { soft_delete: false, ..vault("payroll", Uuid::nil()) };
    commit(&memory, &Change::InsertVault(without.clone())).unwrap();
    let week = RetentionDays::try_from(7).unwrap();
    let with = Vault { soft_delete: true, retention: week, ..without.clone() };
    commit(&memory, &Change::ReplaceVault(with.clone())).unwrap();
    let refused = commit(&memory, &permanent());
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    for wrong in [without.clone(), Vault { retention: RetentionDays::DEFAULT, ..with }] {
        let refused = commit(&memory, &Change::ReplaceVault(wrong));
        assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    }
    commit(&memory, &transition("payroll", soft_delete())).unwrap();
    commit(&memory, &transition("payroll", Transition::Purge(at))).unwrap();
    commit(&memory, &Change::InsertVault(without)).unwrap();
    commit(&memory, &permanent()).unwrap();
}

#[test]
fn immutable_properties_of_vaults_are_checked() {
    let memory = two_subscriptions();
    let made = vault("payroll", Uuid::nil());
    commit(&memory, &Change::InsertVault(made.clone())).unwrap();
    let protected = Vault { purge_protection: true, sku: VaultSku::Premium, ..made.clone() };
    commit(&memory, &Change::ReplaceVault(protected.clone())).unwrap();
    for wrong in [
        // Purge protection cannot be disabled.
        made.clone(),
        Vault { id: Uuid::from_u128(9), ..protected.clone() },
        Vault { retention: RetentionDays::try_from(7).unwrap(), ..protected.clone() },
        Vault { subscription: SubscriptionId(OTHER), ..protected.clone() },
        Vault { token_serial: "3".into(), ..protected.clone() },
        Vault { location: "there".into(), ..protected.clone() },
    ] {
        let refused = commit(&memory, &Change::ReplaceVault(wrong));
        assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    }
    commit(&memory, &transition("payroll", soft_delete())).unwrap();
    let deleted = commit(&memory, &Change::ReplaceVault(protected));
    assert!(matches!(deleted, Err(Error::Deleted { .. })), "{deleted:?}");
}
