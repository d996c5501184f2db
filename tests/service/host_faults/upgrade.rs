//! Tests data directories that another version of the program wrote.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _};

use super::scenario::Calls;
use super::two_servers::contents;
use super::refused_start;
use crate::support::Server;

/// Executes SQL on the database of a stopped server, as a newer version would, and leaves no digest.
async fn execute(data: &Path, sql: &'static str) {
    let _ = std::fs::remove_file(data.join("strongroom.db.sha256"));
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("strongroom.db"));
    let mut database = options.connect().await.unwrap();
    sqlx::query(sql).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
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
