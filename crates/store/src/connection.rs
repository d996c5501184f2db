//! Connections to the database.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::model::{Error, Result};

/// The time for which another process, such as a backup, may lock the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to an existing database.
pub(super) async fn connect(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    SqliteConnection::connect_with(&options).await.map_err(|error| unusable(path, error))
}

/// The error for a database that cannot be opened.
pub(super) fn unusable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal_caused_by(format!("the database {} cannot be opened", path.display()), error)
}
