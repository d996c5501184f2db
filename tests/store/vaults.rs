//! Tests of what billing counts for vaults: lifetimes, calls and uses of key versions.

use super::*;
use strongroom::model::billing::DaySet;
use strongroom::model::key::Protection;
use strongroom::model::lifetime::Phase;
use strongroom::model::name::VaultName;
use strongroom::model::vault::{AccessPolicies, EnabledFor, Vault, VaultSku};

fn payroll() -> VaultName {
    "Payroll".parse().unwrap()
}

fn vault() -> Vault {
    let ManagedHsm { tenant, subscription, resource_group, location, network, tags, .. } = hsm();
    Vault {
        id: Uuid::from_u128(70),
        name: payroll(),
        tenant,
        subscription,
        resource_group,
        location,
        sku: VaultSku::Premium,
        retention: RetentionDays::DEFAULT,
        soft_delete: true,
        purge_protection: false,
        rbac_authorization: true,
        access_policies: AccessPolicies::default(),
        network,
        virtual_network_rules: Vec::new(),
        enabled_for: EnabledFor::default(),
        token_serial: "another".into(),
        created: at(NOON),
        updated: at(NOON),
        deletion: None,
        tags,
    }
}

fn transition(step: Transition, number: usize) -> Commit {
    let of_vault = AuditRecord { container: Some((&payroll()).into()), ..record(number) };
    let changes = vec![Change::Transition(Deletable::Vault(payroll()), step)];
    Commit { record: Some(of_vault), changes, ..Commit::default() }
}

fn phases(store: &Store) -> Vec<(Timestamp, Phase)> {
    let lifetimes = store.lifetimes();
    let of_vault = lifetimes.iter().find(|life| life.container == (&payroll()).into());
    of_vault.unwrap().phases.clone()
}

/// Returns the number of calls that are counted for the vault.
fn counted(store: &Store) -> u64 {
    let readings = store.readings(ALL_TIME);
    let of_vault = readings.iter().filter(|reading| reading.container == Some((&payroll()).into()));
    of_vault.map(|reading| reading.calls).sum()
}

fn deletion() -> Deletion {
    Deletion { deleted_at: at(NOON + 10), scheduled_purge_at: at(NOON + 90 * 86_400) }
}

#[tokio::test]
async fn lifetime_and_calls_of_a_vault_survive_its_purge_and_a_restart() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    store.commit(call(vec![Change::InsertVault(vault())], 1)).await.unwrap();
    assert_eq!(phases(&store), [(at(NOON), Phase::Running)]);
    // The spelling of the caller does not create another counter, and unknown vaults have none.
    for name in ["payroll", "PAYROLL", "nothing"] {
        let container = Some(format!("vaults/{name}").parse().unwrap());
        let get = AuditRecord { container, ..record(2) };
        store.commit(Commit { record: Some(get), ..Commit::default() }).await.unwrap();
    }
    store.commit(transition(Transition::SoftDelete(deletion()), 3)).await.unwrap();
    store.commit(transition(Transition::Recover(at(NOON + 20)), 4)).await.unwrap();
    store.commit(transition(Transition::SoftDelete(deletion()), 5)).await.unwrap();
    store.commit(transition(Transition::Purge(at(NOON + 30)), 6)).await.unwrap();
    assert_eq!(counted(&store), 6, "the purge is a call of the vault, too");
    let seen = [
        (at(NOON), Phase::Running),
        (at(NOON + 10), Phase::Deleted),
        (at(NOON + 20), Phase::Running),
        (at(NOON + 10), Phase::Deleted),
        (at(NOON + 30), Phase::Purged),
    ];
    assert_eq!(phases(&store), seen);
    store.close().await;
    let store = fixture.open().await;
    assert_eq!((phases(&store), counted(&store)), (seen.to_vec(), 6));
    let life = store.lifetimes().into_iter().find(|life| life.container == (&payroll()).into()).unwrap();
    assert_eq!((life.id, life.sku.as_str(), life.location.as_str()), (vault().id, "premium", "here"));
}

#[tokio::test]
async fn hsm_protected_versions_of_vaults_are_recorded_and_software_protected_are_not() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    store.commit(call(vec![Change::InsertVault(vault())], 1)).await.unwrap();
    for (key, protection) in [("hardware", Protection::Hsm), ("software", Protection::Software)] {
        let used = KeyVersion { container: (&payroll()).into(), protection, ..version(key, 1) };
        let sign = AuditRecord { at: at(NOON), version: Some(Arc::new(used)), ..record(2) };
        store.commit(Commit { record: Some(sign), ..Commit::default() }).await.unwrap();
    }
    // Enough records for the outbox to be moved into the tables.
    for number in 0..600 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    store.close().await;
    let store = fixture.open().await;
    let mut uses = store.uses(ALL_TIME);
    uses.retain(|used| used.container.vault().is_some());
    let [used] = &uses[..] else { panic!("expected one used version") };
    assert_eq!((used.container.as_stored(), used.key.as_str()), ("vaults/Payroll", "hardware"));
    assert_eq!(used.days, DaySet::from_iter([i32::try_from(NOON.div_euclid(86_400)).unwrap()]));
}

#[tokio::test]
async fn vaults_of_a_previous_version_get_lifetimes() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    store.commit(call(vec![Change::InsertVault(vault())], 1)).await.unwrap();
    store.commit(transition(Transition::SoftDelete(deletion()), 2)).await.unwrap();
    let seen = store.lifetimes();
    store.close().await;
    let database = fixture.dir.path().join("strongroom.db");
    for statement in [
        "DELETE FROM hsm_phases WHERE hsm_id IN (SELECT id FROM hsm_lives WHERE name LIKE 'vaults/%')",
        "DELETE FROM hsm_lives WHERE name LIKE 'vaults/%'",
        "DELETE FROM _sqlx_migrations WHERE version = 21",
    ] {
        execute_sql(&database, statement).await;
    }
    let store = fixture.open().await;
    assert_eq!(store.lifetimes(), seen);
    assert_eq!(phases(&store), [(at(NOON), Phase::Running), (at(NOON + 10), Phase::Deleted)]);
}
