//! Tests data directories that another version of the program wrote.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _};
use strongroom::api::grpc::pb;

use super::refused_start;
use super::scenario::Calls;
use super::two_servers::contents;
use crate::support::Server;

async fn connect(data: &Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("strongroom.db"));
    options.connect().await.unwrap()
}

/// Executes SQL on the database of a stopped server, as another version would, and leaves no digest.
async fn execute(data: &Path, sql: impl Into<String>) {
    let _ = std::fs::remove_file(data.join("strongroom.db.sha256"));
    let mut database = connect(data).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.into())).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

/// Returns a number that a query finds in the database of a stopped server.
async fn number(data: &Path, sql: &'static str) -> i64 {
    let mut database = connect(data).await;
    let found = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
    database.close().await.unwrap();
    found
}

/// Makes the database of a stopped server that of schema 24: records are in an outbox, whose newest row has the end of the log.
async fn downgrade(server: &Server) {
    let records = server.audit_where(1, |_| true);
    let last = records.last().unwrap();
    let (seq, chain) = (last["seq"].as_u64().unwrap(), last["chain"].as_str().unwrap());
    let counted = r#"{"calls":[]}"#;
    let sql = format!(
        "DROP TABLE audit_records;
         DROP TABLE instances;
         DROP TABLE change_log;
         DROP TABLE leases;
         ALTER TABLE intents DROP COLUMN instance;
         CREATE TABLE audit_outbox (last_seq BIGINT NOT NULL PRIMARY KEY, first_seq BIGINT NOT NULL, at BIGINT NOT NULL,
             chain TEXT NOT NULL, counted TEXT NOT NULL, lines TEXT NOT NULL);
         INSERT INTO audit_outbox (last_seq, first_seq, at, chain, counted, lines)
             VALUES ({seq}, {seq}, 1772452800000000, '{chain}', '{counted}', '');
         DELETE FROM _sqlx_migrations WHERE version > 24;"
    );
    execute(&server.directory(), sql).await;
}

#[tokio::test]
async fn data_directory_of_the_previous_version_is_opened_with_everything() {
    let mut server = Server::start();
    let mut calls = Calls::begin(&server).await;
    for name in ["invoices", "old"] {
        calls.create(name).await.unwrap();
    }
    let delete = pb::DeleteKeyRequest { name: "hsms/local/keys/old".to_owned() };
    let deleted = calls.client.keys.delete_key(delete).await.unwrap().into_inner();
    assert!(server.stop().success());
    let (newest, used) = ("SELECT MAX(version) FROM _sqlx_migrations", "SELECT SUM(calls) FROM readings");
    let before = (number(&server.directory(), newest).await, number(&server.directory(), used).await);
    downgrade(&server).await;
    assert_eq!(number(&server.directory(), newest).await, 24);

    server.start_again();
    calls.connect(&server).await;
    let name = "hsms/local/deletedKeys/old".to_owned();
    let found =
        calls.client.keys.get_deleted_key(pb::GetDeletedKeyRequest { name: name.clone() }).await.unwrap();
    assert_eq!(found.into_inner(), deleted);
    calls.client.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name }).await.unwrap();
    calls.assert_nothing_lost(&server).await;
    assert!(server.stop().success());
    let after = (number(&server.directory(), newest).await, number(&server.directory(), used).await);
    assert!(after.0 == before.0 && after.1 > before.1, "{before:?} {after:?}");
}

#[tokio::test]
async fn data_directory_of_a_newer_version_is_refused_and_unchanged() {
    let mut server = Server::start();
    let mut calls = Calls::begin(&server).await;
    assert!(server.stop().success());
    let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', 1, x'00', 0)";
    execute(&server.directory(), insert).await;
    let before = contents(&server.directory());
    let said = refused_start(&server.directory(), &[]);
    let version = env!("CARGO_PKG_VERSION");
    for part in [
        "a newer version of Strongroom",
        "schema 9999",
        &format!("version {version} supports schemas up to"),
        "nothing was changed",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let after = contents(&server.directory());
    let changed: Vec<_> = after.iter().filter(|(path, bytes)| before.get(*path) != Some(*bytes)).collect();
    assert!(
        changed.is_empty() && before.len() == after.len(),
        "{:?}",
        changed.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );

    // The rollback is the start of the newer version, or of a copy from before the upgrade.
    execute(&server.directory(), "DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    server.start_again();
    calls.connect(&server).await;
    calls.assert_nothing_lost(&server).await;
}
