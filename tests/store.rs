//! Tests the store's public interface: durability, isolation of failures, and the audit log.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use strongroom::audit;
use strongroom::model::audit_entry::Meter;
use strongroom::model::billing::Period;
use strongroom::model::change::{Change, ControlChange, Intent, IntentVerb, VersionOrigin};
use strongroom::model::deletion::{Deletable, Transition};
use strongroom::model::due::Notices;
use strongroom::model::hsm::{Activation, ManagedHsm, NetworkRules};
use strongroom::model::key::{
    Attributes, Curve, KeyOperation, KeyOperations, KeyVersion, PublicMaterial, Tags,
};
use strongroom::model::local_rbac::{DataAction, LocalScope, RoleAssignment, RoleDefinition};
use strongroom::model::name::{HsmName, KeyName, PrincipalId, VersionId};
use strongroom::model::resource::{ResourceGroup, Subscription, SubscriptionId};
use strongroom::model::retention::{Deletion, RetentionDays};
use strongroom::model::setting::Settings;
use strongroom::model::{Error, Timestamp};
use strongroom::store::{AuditRecord, Commit, Durability, Listing, Store};
use uuid::Uuid;

#[path = "store/audit_log.rs"]
mod audit_log;
#[path = "store/damage.rs"]
mod damage;
#[path = "store/events.rs"]
mod events;
#[path = "store/failures.rs"]
mod failures;
#[path = "store/fixture.rs"]
mod fixture;
#[path = "store/rotation.rs"]
mod rotation;
#[path = "store/uses.rs"]
mod uses;

use fixture::{Fault, StoreFixture};

const NOON: i64 = 1_772_452_800;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn local() -> HsmName {
    "local".parse().unwrap()
}

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn deletable(key: &str) -> Deletable {
    Deletable::Key(local().into(), name(key))
}

fn hsm() -> ManagedHsm {
    ManagedHsm {
        id: Uuid::from_u128(7),
        name: local(),
        tenant: Uuid::from_u128(1),
        subscription: SubscriptionId(Uuid::from_u128(3)),
        resource_group: "group".parse().unwrap(),
        location: "here".into(),
        sku: "Standard_B1".into(),
        retention: RetentionDays::DEFAULT,
        purge_protection: true,
        activation: Activation::Active,
        initial_administrators: vec![PrincipalId(Uuid::from_u128(2))],
        token_serial: "serial".into(),
        created: Timestamp::from_microsecond(NOON * 1_000_000 + 123_456).unwrap(),
        deletion: None,
        tags: Tags::new(),
        network: NetworkRules::default(),
        settings: Settings::default(),
        security_domain: None,
        transfer_key: None,
        backup_jobs: Vec::new(),
    }
}

/// The changes that create the HSM's subscription and resource group.
fn put_containers() -> Vec<Change> {
    let ManagedHsm { subscription: id, tenant, resource_group: name, location, created, .. } = hsm();
    let subscription = Subscription { id, name: "subscription".into(), tenant, protected: false };
    let group = ResourceGroup { subscription: id, name, location, created, tags: Tags::new() };
    vec![
        Change::Control(ControlChange::PutSubscription(subscription)),
        Change::Control(ControlChange::PutResourceGroup(group)),
    ]
}

fn version(key: &str, id: u32) -> KeyVersion {
    KeyVersion {
        container: local().into(),
        name: name(key),
        version: VersionId::from_bytes(u128::from(id).to_be_bytes()),
        material: PublicMaterial::Ec { crv: Curve::P256, x: vec![1; 32], y: vec![2; 32] },
        protection: Default::default(),
        operations: KeyOperations::from([KeyOperation::Sign, KeyOperation::DeriveKey]),
        attributes: Attributes {
            enabled: true,
            not_before: Some(at(NOON).into()),
            expires: None,
            created: Timestamp::from_microsecond(NOON * 1_000_000 + 1).unwrap(),
            updated: at(NOON + 1),
            exportable: false,
        },
        tags: BTreeMap::from([("team".into(), "é\"".into())]),
        notices: Notices::default(),
        mode_family: None,
    }
}

fn role(id: u128, built_in: bool) -> RoleDefinition {
    let data_actions = vec![DataAction::KeySign.as_str().into()];
    let permission = strongroom::model::local_rbac::Permission { data_actions, ..Default::default() };
    RoleDefinition {
        id: Uuid::from_u128(id),
        role_name: format!("role {id}"),
        description: String::new(),
        built_in,
        permissions: vec![permission],
        assignable_scopes: Vec::new(),
    }
}

fn assignment(id: u128, role: u128, scope: LocalScope) -> RoleAssignment {
    RoleAssignment {
        id: Uuid::from_u128(id),
        role_definition: Uuid::from_u128(role),
        principal: PrincipalId(Uuid::from_u128(2)),
        scope,
    }
}

fn record(number: usize) -> AuditRecord {
    AuditRecord {
        at: at(NOON),
        container: Some("LOCAL".parse().unwrap()),
        event: "KeySign",
        meter: Meter::Cryptographic,
        count: 1,
        version: Some(Arc::new(version("used", 9))),
        body: format!(r#"{{"operationName":"KeySign","number":{number}}}"#),
    }
}

fn call(changes: Vec<Change>, number: usize) -> Commit {
    Commit { changes, record: Some(record(number)), ..Commit::default() }
}

const ALL_TIME: Period = Period { from: Timestamp::MIN, to: Timestamp::MAX };

/// The committed state in a comparable form.
fn snapshot(store: &Store) -> String {
    let hsm = local();
    let keys = |listing| store.keys(&(&hsm).into(), listing, None, usize::MAX);
    format!(
        "{:#?}",
        (
            store.hsms(),
            keys(Listing::Live),
            keys(Listing::Deleted),
            store.role_definitions(&hsm),
            store.role_assignments(&hsm),
            store.intents(),
            store.readings(ALL_TIME),
            store.uses(ALL_TIME),
        )
    )
}

#[tokio::test]
async fn state_survives_reopening() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    let mut disabled = version("Invoices", 1);
    disabled.attributes.enabled = false;
    let deletion = Deletion { deleted_at: at(NOON + 5), scheduled_purge_at: at(NOON + 86_400) };
    let changes = vec![
        Change::InsertVersion(version("Invoices", 1), VersionOrigin::Created),
        Change::InsertVersion(version("invoices", 2), VersionOrigin::Created),
        Change::ReplaceVersion(disabled),
        Change::InsertVersion(version("old", 3), VersionOrigin::Created),
        Change::Transition(deletable("OLD"), Transition::SoftDelete(deletion)),
        Change::InsertVersion(version("back", 4), VersionOrigin::Created),
        Change::Transition(deletable("back"), Transition::SoftDelete(deletion)),
        Change::Transition(deletable("back"), Transition::Recover(at(NOON))),
        Change::InsertVersion(version("gone", 5), VersionOrigin::Created),
        Change::Transition(deletable("gone"), Transition::SoftDelete(deletion)),
        Change::Transition(deletable("gone"), Transition::Purge(at(NOON))),
        Change::PutRoleDefinition(local(), Arc::new(role(7, false))),
        Change::PutRoleDefinition(local(), Arc::new(role(6, false))),
        Change::PutRoleDefinition(
            local(),
            Arc::new(RoleDefinition { role_name: "new".into(), ..role(7, false) }),
        ),
        Change::InsertRoleAssignment(local(), Arc::new(assignment(30, 7, LocalScope::Keys))),
        Change::InsertRoleAssignment(local(), Arc::new(assignment(20, 6, LocalScope::Key(name("Invoices"))))),
        Change::InsertRoleAssignment(local(), Arc::new(assignment(40, 6, LocalScope::Hsm))),
        Change::DeleteRoleAssignment(local(), Uuid::from_u128(40)),
        Change::DeleteRoleDefinition(local(), Uuid::from_u128(6)),
    ];
    let intent = |id| Intent {
        id: Uuid::from_u128(id),
        container: local().into(),
        verb: IntentVerb::Destroy,
        objects: vec![VersionId::from_bytes([3; 16])],
    };
    store.commit(Commit { open: Some(intent(2)), ..call(changes, 1) }).await.unwrap();
    store.commit(Commit { open: Some(intent(1)), ..Commit::default() }).await.unwrap();
    store.commit(Commit { close: vec![Uuid::from_u128(2)], ..Commit::default() }).await.unwrap();

    let seen = snapshot(&store);
    assert_eq!(store.hsms(), [Arc::new(hsm())]);
    assert_eq!((store.key_count(&local().into()), store.intents()), (3, vec![intent(1)]));
    let definitions: Vec<_> = store.role_definitions(&local()).iter().map(|role| role.id.as_u128()).collect();
    assert_eq!(definitions, [100, 101, 7]);
    let assignments: Vec<_> =
        store.role_assignments(&local()).iter().map(|known| known.id.as_u128()).collect();
    assert_eq!(assignments, [1, 30, 20]);
    let grants = store.grants(&"Local".parse().unwrap(), PrincipalId(Uuid::from_u128(2)));
    assert_eq!(grants.len(), 2, "an assignment of a deleted role definition grants nothing");
    assert!(grants.iter().all(|grant| grant.allows(DataAction::KeySign, &LocalScope::Keys)));
    assert!(store.grants(&local(), PrincipalId(Uuid::nil())).is_empty());
    let key = store.key(&local().into(), &name("INVOICES")).unwrap();
    assert_eq!(key.versions.len(), 2);
    assert_eq!(*key.versions[1], KeyVersion { name: name("Invoices"), ..version("invoices", 2) });
    let readings: Vec<_> =
        store.readings(ALL_TIME).iter().map(|reading| (reading.container.clone(), reading.calls)).collect();
    assert_eq!(readings, [(Some(local().into()), 2)]);
    store.close().await;

    let again = fixture.open().await;
    assert_eq!(snapshot(&again), seen);
    again.commit(call(Vec::new(), 2)).await.unwrap();
    again.close().await;
    assert!(
        matches!(again.commit(call(Vec::new(), 3)).await, Err(Error::Internal(_))),
        "the store is closed"
    );
    assert_eq!(fixture.audit_lines().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_commits_are_all_recorded() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    let calls = (1..=1_000).map(|number| {
        let store = store.clone();
        let changes = match number % 10 {
            0 => {
                vec![Change::InsertVersion(version(&format!("key-{number}"), number), VersionOrigin::Created)]
            }
            _ => Vec::new(),
        };
        tokio::spawn(async move { store.commit(call(changes, number as usize)).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(store.key_count(&local().into()), 100);
    assert_eq!(store.readings(ALL_TIME).iter().map(|reading| reading.calls).sum::<u64>(), 1_001);
    store.close().await;
    let report = audit::verify(&fixture.audit_directory()).unwrap();
    assert_eq!((report.first, report.last, report.records), (Some(1), Some(1_001), 1_001));
    assert_eq!(report.broken, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_concurrent_inserts_with_same_id_succeeds() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    // All insert the same version id: for one key, memory detects the conflict, for the others only the database does.
    let calls = (0..100).map(|number| {
        let store = store.clone();
        let key = if number % 2 == 0 { "a".to_owned() } else { format!("a-{number}") };
        let other =
            Change::InsertVersion(version(&format!("b-{number}"), 1_000 + number), VersionOrigin::Created);
        let changes = vec![other, Change::InsertVersion(version(&key, 1), VersionOrigin::Created)];
        tokio::spawn(async move { store.commit(call(changes, number as usize)).await })
    });
    let mut succeeded = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(()) => succeeded += 1,
            Err(error) => assert!(matches!(error, Error::Conflict { .. }), "{error}"),
        }
    }
    assert_eq!(succeeded, 1);
    assert_eq!(store.key_count(&local().into()), 2, "a failed commit applies none of its changes");
    let seen = snapshot(&store);
    store.close().await;
    assert_eq!(fixture.audit_lines().len(), 2, "a failed commit writes no audit record");
    assert_eq!(snapshot(&fixture.open().await), seen);
}

#[tokio::test]
async fn rejects_record_with_newline() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    let mut bad = record(1);
    bad.body = "{\"a\":\n1}".into();
    let commit = Commit { record: Some(bad), ..Commit::default() };
    assert!(matches!(store.commit(commit).await, Err(Error::Internal(_))));
}

/// Connects to the database directly, bypassing the store.
async fn connect(database: &Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions as _;
    sqlx::sqlite::SqliteConnectOptions::new().filename(database).connect().await.unwrap()
}

async fn execute_sql(database: &Path, sql: impl Into<String>) {
    // The digest of a closed database says that nothing has changed it.
    let _ = std::fs::remove_file(database.with_extension("db.sha256"));
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.into())).execute(&mut connect(database).await).await.unwrap();
}

async fn query(database: &Path, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(database).await).await.unwrap()
}
