//! Tests how databases of both engines agree: copies between them, and text that only one of them can store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "fixture/database.rs"]
mod database;
mod fixture;

use strongroom_model::Error;
use strongroom_model::change::{Change, VersionOrigin};
use strongroom_model::name::{HsmName, KeyName};
use strongroom_store::{Commit, Listing, Location, PostgresServer, Store, TableDigest, copy};

use database::{TestDatabase, shared_server};
use fixture::{at, insert_hsm, open, version};

fn hsm() -> HsmName {
    "Payroll".parse().unwrap()
}

fn insert(key: &str) -> Change {
    let key: KeyName = key.parse().unwrap();
    Change::InsertVersion(version(&hsm(), &key).unwrap(), VersionOrigin::Created)
}

async fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(Commit { changes, ..Commit::default() }).await.unwrap();
}

/// Creates a database with an HSM and keys.
async fn fill(database: &TestDatabase) {
    let store = open(database.location()).await.unwrap();
    commit(&store, insert_hsm(&hsm()).unwrap()).await;
    commit(&store, (0..450).map(|number| insert(&format!("key-{number}"))).collect()).await;
    store.close().await;
}

/// The state of a store, in a comparable form.
async fn state(database: &TestDatabase) -> String {
    let store = open(database.location()).await.unwrap();
    let state = format!(
        "{:?}",
        (
            store.hsms(),
            store.keys(&(&hsm()).into(), Listing::Live, None, usize::MAX),
            store.subscriptions(),
            store.lifetimes(),
            store.next_due(|_| false),
            at(0).unwrap()
        )
    );
    store.close().await;
    state
}

fn total(tables: &[TableDigest]) -> u64 {
    tables.iter().map(|table| table.rows).sum()
}

fn text(error: &Error) -> String {
    error.with_causes().to_string()
}

/// Rows with all kinds of values, in tables that refer to no other.
const VARIED: &str = "
    INSERT INTO certificates (container, folded, name, first, policy, deleted_at)
        VALUES ('vaults/a', 'b', 'B', '', '{\"\u{e9}\":\"\u{1f511}\"}', -9223372036854775807);
    INSERT INTO certificate_versions (container, certificate, version, position, der, thumbprint, enabled, created, updated, tags)
        VALUES ('vaults/a', 'b', '1', 0, x'00ff80', x'', 1, 9223372036854775807, 0, '');
    INSERT INTO lifecycle_events VALUES (2, 'B'), (1, 'a');
    INSERT INTO intents VALUES ('a', '', 'x', '', 'i'), ('B', '', 'x', '', 'i'), ('\u{e9}', '', 'x', '', 'i'),
        ('z', '', 'x', '', 'i');";

#[tokio::test]
async fn copies_have_the_rows_of_the_original() {
    for original in TestDatabase::of_each_engine().await {
        check_copies(&original).await;
    }
}

async fn check_copies(original: &TestDatabase) {
    let Some(server) = shared_server() else { return };
    let (first, second) = (TestDatabase::on(&server).await, TestDatabase::on(&server).await);
    let back = TestDatabase::file();
    fill(original).await;
    let before = state(original).await;
    let copied = copy(original.location(), first.location()).await.unwrap();
    assert!(total(&copied) > 900, "{copied:?}");
    assert_eq!(copy(first.location(), second.location()).await.unwrap(), copied);
    assert_eq!(copy(second.location(), back.location()).await.unwrap(), copied);
    assert_eq!(copy(original.location(), TestDatabase::file().location()).await.unwrap(), copied);
    for database in [&first, &back, original] {
        assert_eq!(state(database).await, before);
        let store = open(database.location()).await.unwrap();
        commit(&store, vec![insert("later")]).await;
        store.close().await;
    }
}

#[tokio::test]
async fn copied_values_are_the_same() {
    let Some(server) = shared_server() else { return };
    let (original, back) = (TestDatabase::file(), TestDatabase::file());
    let between = TestDatabase::on(&server).await;
    open(original.location()).await.unwrap().close().await;
    original.execute(VARIED).await;
    let copied = copy(original.location(), between.location()).await.unwrap();
    assert_eq!(copy(between.location(), back.location()).await.unwrap(), copied);
    let of = |name| copied.iter().find(|table| table.name == name).unwrap();
    assert_eq!((of("intents").rows, of("certificate_versions").rows, of("keys").rows), (4, 1, 0));
    assert_eq!(of("keys").sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[tokio::test]
async fn copy_needs_an_empty_database_and_text_that_fits() {
    let Some(server) = shared_server() else { return };
    let (original, target) = (TestDatabase::file(), TestDatabase::on(&server).await);
    fill(&original).await;
    let missing = copy(TestDatabase::file().location(), target.location()).await.unwrap_err();
    assert!(text(&missing).contains("there is no database"), "{missing:?}");
    original.execute("INSERT INTO intents VALUES ('a', 'b' || char(0), 'create', '[]', 'i')").await;
    let nul = copy(original.location(), target.location()).await.unwrap_err();
    assert!(text(&nul).contains("the table intents contains the character NUL"), "{nul:?}");
    original.execute("DELETE FROM intents").await;

    let altering = "CREATE FUNCTION alter_name() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN NEW.name := upper(NEW.name); RETURN NEW; END';
        CREATE TRIGGER alter_name BEFORE INSERT ON keys FOR EACH ROW EXECUTE FUNCTION alter_name()";
    target.execute(altering).await;
    let differs = copy(original.location(), target.location()).await.unwrap_err();
    assert!(text(&differs).contains("the copy of the table keys differs"), "{differs:?}");
    target.execute("DROP TRIGGER alter_name ON keys").await;

    copy(original.location(), target.location()).await.unwrap();
    let twice = copy(original.location(), target.location()).await.unwrap_err();
    assert!(text(&twice).contains("is not empty"), "{twice:?}");
    let store = open(target.location()).await.unwrap();
    let used = copy(target.location(), TestDatabase::file().location()).await.unwrap_err();
    assert!(text(&used).contains("another process uses the database"), "{used:?}");
    store.close().await;
}

#[tokio::test]
async fn text_that_the_database_cannot_store_rejects_its_commit_only() {
    let Some(server) = shared_server() else { return };
    let database = TestDatabase::on(&server).await;
    let store = open(database.location()).await.unwrap();
    let mut changes = insert_hsm(&hsm()).unwrap();
    if let Some(Change::InsertHsm(hsm, _)) = changes.last_mut() {
        hsm.location = "a\0b".to_owned();
    }
    let answer = store.commit(Commit { changes, ..Commit::default() }).await;
    assert!(matches!(answer, Err(Error::Invalid { .. })), "{answer:?}");
    assert!(store.storage_failure().is_none() && store.hsms().is_empty());
    commit(&store, insert_hsm(&hsm()).unwrap()).await;
    store.close().await;
}
