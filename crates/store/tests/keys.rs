//! Tests how keys are loaded when a store is opened.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "fixture/database.rs"]
mod database;
mod fixture;

use std::sync::Arc;

use rusqlite::Connection;
use strongroom_model::aes_modes::ModeFamily;
use strongroom_model::change::{Change, VersionOrigin};
use strongroom_model::deletion::{Deletable, Transition};
use strongroom_model::key::{Key, KeyOperation, KeyVersion, Protection, PublicMaterial};
use strongroom_model::key_date::KeyDate;
use strongroom_model::name::{HsmName, KeyName};
use strongroom_model::retention::Deletion;
use strongroom_model::rotation::{RotationPolicy, RotationRules, RotationTrigger};
use strongroom_model::time::{DueWork, ScheduledWork};
use strongroom_store::{Commit, Listing, Location, PostgresServer, Store};

use database::TestDatabase;
use fixture::{at, insert_hsm, open, version};

fn hsm() -> HsmName {
    "Payroll".parse().unwrap()
}

fn key_version(key: &str) -> KeyVersion {
    version(&hsm(), &key.parse::<KeyName>().unwrap()).unwrap()
}

fn insert(version: KeyVersion) -> Change {
    Change::InsertVersion(version, VersionOrigin::Created)
}

fn deletion() -> Deletion {
    Deletion { deleted_at: at(60).unwrap(), scheduled_purge_at: at(8 * 86_400).unwrap() }
}

fn delete(key: &str) -> Change {
    let deletion = deletion();
    let key = Deletable::Key(hsm().into(), key.parse().unwrap());
    Change::Transition(key, Transition::SoftDelete(deletion))
}

/// Two keys with all members that a key can have.
fn varied_keys() -> Vec<Change> {
    let rotation = Some(RotationTrigger::AfterCreation("P60D".parse().unwrap()));
    let (created, updated) = (at(5).unwrap(), at(6).unwrap());
    let rules = RotationRules::new(None, rotation).unwrap().unwrap();
    let policy = Some(Arc::new(RotationPolicy { rules, created, updated }));
    let changes = |name: &str| {
        let mut rsa = key_version(name);
        rsa.material = PublicMaterial::Rsa { n: vec![200; 256], e: vec![1, 0, 1] };
        rsa.tags = [("team".into(), "\u{e9}\"".into())].into();
        rsa.attributes.not_before = KeyDate::from_second(-1);
        rsa.attributes.expires = Some(KeyDate::MAX);
        let mut oct = key_version(name);
        oct.material = PublicMaterial::Oct { key_size: 192 };
        oct.protection = Protection::Software;
        oct.operations = [KeyOperation::WrapKey, KeyOperation::UnwrapKey].into();
        oct.mode_family = Some(ModeFamily::KeyWrap);
        oct.attributes.enabled = false;
        oct.attributes.exportable = true;
        let versions = [rsa, oct, key_version(name)].map(insert);
        let policy = Change::PutRotationPolicy(hsm().into(), name.parse().unwrap(), policy.clone());
        versions.into_iter().chain([policy])
    };
    changes("live").chain(changes("Removed")).collect()
}

/// The lists of live and deleted keys.
fn lists(store: &Store) -> [Vec<Arc<Key>>; 2] {
    [Listing::Live, Listing::Deleted].map(|listing| store.keys(&hsm().into(), listing, None, 100))
}

fn names(keys: &[Arc<Key>]) -> Vec<&str> {
    keys.iter().map(|key| key.name.as_str()).collect()
}

/// Stores are opened by tasks of a runtime with several threads too.
fn is_send<T: Send>(opening: T) -> T {
    opening
}

async fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(Commit { changes, ..Commit::default() }).await.unwrap();
}

/// Creates a store with an HSM and these changes.
async fn create(database: &TestDatabase, changes: Vec<Change>) -> Store {
    let store = open(database.location()).await.unwrap();
    commit(&store, insert_hsm(&hsm()).unwrap()).await;
    commit(&store, changes).await;
    store
}

#[tokio::test]
async fn reopened_store_has_the_same_keys() {
    for database in TestDatabase::of_each_engine().await {
        check_reopened(&database).await;
    }
}

async fn check_reopened(database: &TestDatabase) {
    let store = create(database, varied_keys()).await;
    let [created, _] = lists(&store);
    assert_eq!(names(&created), ["live", "Removed"]);
    assert!(created.iter().all(|key| key.versions.len() == 3 && key.rotation.is_some()));
    commit(&store, vec![delete("removed")]).await;
    let before = lists(&store);
    let removed = Key { deletion: Some(deletion()), ..Key::clone(&created[1]) };
    assert_eq!(before, [vec![Arc::clone(&created[0])], vec![Arc::new(removed)]]);
    let due = store.next_due(|_| false);
    store.close().await;

    let store = open(database.location()).await.unwrap();
    assert_eq!(lists(&store), before);
    assert_eq!(store.key(&hsm().into(), &"REMOVED".parse().unwrap()).as_ref(), before[1].first());
    assert_eq!(store.key_count(&hsm().into()), 2);
    let purge = ScheduledWork::Purge(Deletable::Key(hsm().into(), "Removed".parse().unwrap()));
    assert_eq!(store.next_due(|_| false), due);
    assert_eq!(due, Some(DueWork { at: at(8 * 86_400).unwrap(), work: purge.clone() }));

    // Recovery returns what was deleted, and the work on the deleted key is gone.
    let removed = Deletable::Key(hsm().into(), "removed".parse().unwrap());
    commit(&store, vec![Change::Transition(removed, Transition::Recover(at(90).unwrap()))]).await;
    assert_eq!(lists(&store), [created, Vec::new()]);
    assert!(!store.is_due(&due.unwrap()));
    store.close().await;
}

#[tokio::test]
async fn loaded_keys_are_listed_in_case_insensitive_order() {
    for database in TestDatabase::of_each_engine().await {
        check_order(&database).await;
    }
}

async fn check_order(database: &TestDatabase) {
    let all = ["b", "C", "a-1", "A", "Zz", "a1", "zZ-2", "B2"];
    let created = all.iter().map(|name| insert(key_version(name)));
    let deleted = all.iter().map(|name| format!("Deleted-{name}"));
    let deleted = deleted.flat_map(|name| [insert(key_version(&name)), delete(&name)]);
    let store = create(database, created.chain(deleted).collect()).await;
    let before = lists(&store);
    store.close().await;
    let store = open(database.location()).await.unwrap();
    assert_eq!(lists(&store), before);
    let order = ["A", "a-1", "a1", "b", "B2", "C", "Zz", "zZ-2"];
    assert_eq!(names(&before[0]), order);
    assert_eq!(names(&before[1]), order.map(|name| format!("Deleted-{name}")));
    let page = |listing, after| store.keys(&hsm().into(), listing, Some(after), 2);
    assert_eq!(names(&page(Listing::Live, "A-2")), ["a1", "b"]);
    assert_eq!(names(&page(Listing::Deleted, "deleted-A-2")), ["Deleted-a1", "Deleted-b"]);
    store.close().await;
}

/// The keys a, b and c, of which b is deleted.
fn three_keys() -> Vec<Change> {
    ["a", "b", "c"].map(|name| insert(key_version(name))).into_iter().chain([delete("b")]).collect()
}

/// PostgreSQL itself refuses values of other types, and versions without a key.
#[tokio::test]
async fn damaged_keys_of_a_server_are_not_opened() {
    let Some(server) = database::shared_server() else { return };
    let database = TestDatabase::on(&server).await;
    create(&database, three_keys()).await.close().await;
    let damages = [
        ("UPDATE key_versions SET material = '{}' WHERE key_name = 'a'", "kty"),
        ("UPDATE key_versions SET created = 9223372036854775807 WHERE key_name = 'a'", "range"),
        ("UPDATE keys SET scheduled_purge_at = NULL WHERE folded = 'b'", "scheduled_purge_at"),
        ("DELETE FROM key_versions WHERE key_name = 'c'", "key c has no version"),
    ];
    for (damage, why) in damages {
        database.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM key_versions").await;
        database.execute("CREATE TABLE IF NOT EXISTS kept_keys AS SELECT * FROM keys").await;
        database.execute(damage).await;
        let error = open(database.location()).await.err().unwrap_or_else(|| panic!("opened after {damage}"));
        let text = error.with_causes().to_string();
        assert!(text.contains("the database is damaged") && text.contains(why), "{damage}: {text}");
        database.execute("DELETE FROM key_versions; DELETE FROM keys").await;
        database.execute("INSERT INTO keys SELECT * FROM kept_keys").await;
        database.execute("INSERT INTO key_versions SELECT * FROM kept").await;
    }
    open(database.location()).await.unwrap().close().await;
}

#[tokio::test]
async fn damaged_keys_are_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let created = TestDatabase::file();
    let store = create(&created, three_keys()).await;
    store.close().await;
    let database = created.path();
    is_send(open(&database)).await.unwrap().close().await;

    let damages = [
        ("UPDATE key_versions SET material = '{}'", "kty"),
        (
            "UPDATE key_versions SET material = '{\"kty\":\"EC-HSM\",\"crv\":\"P-256\",\"x\":\"?\",\"y\":\"\"}'",
            "symbol",
        ),
        ("UPDATE key_versions SET operations = '[\"sing\"]'", "sing"),
        ("UPDATE key_versions SET tags = '[]'", "map"),
        ("UPDATE key_versions SET tags = x'ff'", "tags"),
        ("UPDATE key_versions SET version = 'x' WHERE key_name = 'a'", "32 hexadecimal digits"),
        ("UPDATE key_versions SET protection = 'x'", "hsm or software"),
        ("UPDATE key_versions SET mode_family = 'x'", "gcm"),
        ("UPDATE key_versions SET created = 'noon'", "created"),
        ("UPDATE key_versions SET updated = 9223372036854775807", "range"),
        ("UPDATE key_versions SET expires = 9223372036854775807", "calendar"),
        ("UPDATE key_versions SET not_before = 'noon'", "not_before"),
        ("UPDATE key_versions SET enabled = 'yes'", "enabled"),
        ("UPDATE keys SET name = 'a b'", "letters, digits and hyphens"),
        ("UPDATE keys SET scheduled_purge_at = NULL", "scheduled_purge_at"),
        ("UPDATE keys SET deleted_at = 'noon'", "deleted_at"),
        ("DELETE FROM key_versions WHERE key_name = 'a'", "key a has no version"),
        ("DELETE FROM key_versions WHERE key_name = 'c'", "key c has no version"),
        ("DELETE FROM keys WHERE folded = 'a'", "a version has no key"),
        ("DELETE FROM keys WHERE folded = 'c'", "a version has no key"),
        ("UPDATE keys SET hsm = 'other' WHERE folded = 'c'", "a key has no container"),
        (
            "INSERT INTO rotation_policies VALUES ('payroll', 'd', NULL, 'P60D', NULL, 0, 0)",
            "a rotation policy has no key",
        ),
        (
            "INSERT INTO rotation_policies VALUES ('other', 'a', NULL, 'P60D', NULL, 0, 0)",
            "a rotation policy has no key",
        ),
    ];
    for (number, (damage, why)) in damages.into_iter().enumerate() {
        let damaged = directory.path().join(format!("{number}.db"));
        std::fs::copy(&database, &damaged).unwrap();
        let db = Connection::open(&damaged).unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        assert!(db.execute(damage, ()).unwrap() > 0, "{damage}");
        db.close().unwrap();
        let error = open(&damaged).await.err().unwrap_or_else(|| panic!("opened after {damage}"));
        let text = error.with_causes().to_string();
        assert!(text.contains("the database is damaged") && text.contains(why), "{damage}: {text}");
    }
}
