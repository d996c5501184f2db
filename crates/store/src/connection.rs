//! Connections to the database of the store.

mod session;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::database::{Database, Engine, SqlError, query};
use super::instance::InstanceName;
use super::location::Location;
use crate::model::{Error, Result};
use session::Session;
pub(super) use session::{count_instances, is_lock_timeout, try_lock_instance};

/// The time for which another process, such as a backup, may lock the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Location {
    /// Connects an instance of the service to the database, which exists.
    ///
    /// # Errors
    /// `Internal` if there is no connection, or another process uses the database under this name, or alone.
    pub(super) async fn connect(&self, instance: &InstanceName) -> Result<Database> {
        self.connect_with(Session::Instance(instance)).await
    }

    /// Connects to the database while no instance of the service uses it.
    ///
    /// # Errors
    /// `Internal` if there is no connection, or another process uses the database.
    pub(super) async fn connect_alone(&self) -> Result<Database> {
        self.connect_with(Session::Alone).await
    }

    /// Connects to the database for reading only, beside the connections that write.
    pub(super) async fn connect_to_read(&self) -> Result<Database> {
        self.connect_with(Session::Reader).await
    }

    /// Connects to the database while no other instance starts.
    pub(super) async fn connect_to_start(&self) -> Result<Database> {
        self.connect_with(Session::Start).await
    }

    async fn connect_with(&self, session: Session<'_>) -> Result<Database> {
        match self {
            Self::File(path) => Ok(Engine::Sqlite(open_file(path).await?).into()),
            Self::Postgres(server) => Ok(Engine::Postgres(session::open(server, session).await?).into()),
        }
    }

    /// Replaces a failed connection. What its last transaction wrote, if it wrote anything, is visible and durable afterwards, so
    /// that no later crash changes it.
    ///
    /// # Errors
    /// `Internal` if there is no connection, or it is unknown what was written.
    pub(super) async fn reconnect(&self, db: &mut Database, instance: &InstanceName) -> Result<()> {
        match self {
            Self::File(_) => {
                let failed = std::mem::replace(db, self.connect(instance).await?);
                // It may hold the write lock, in a transaction that was neither committed nor rolled back.
                if let Err(error) = failed.close().await {
                    tracing::warn!(%error, "a connection to the database did not close cleanly");
                }
                checkpoint(db).await.map_err(|error| {
                    Error::internal_caused_by("the database cannot be queried and checkpointed", error)
                })
            }
            Self::Postgres(_) => {
                // A new session gets the lock of the instance after the transactions of the failed one have ended.
                db.abandon();
                *db = self.connect(instance).await?;
                let settled = settle(db, instance).await.inspect_err(|_| db.abandon());
                settled.map_err(|error| Error::internal_caused_by("the database cannot be written", error))
            }
        }
    }
}

/// Waits until the standbys of a server have everything that this session can read, if commits wait for standbys. A failed session
/// that waited for them when it ended has committed nevertheless: its transaction is visible, and a failover could still lose it.
pub(super) async fn settle(db: &mut Database, instance: &InstanceName) -> std::result::Result<(), SqlError> {
    // Writes a new version of the row, whose COMMIT waits for all that was written before it.
    let sql = "-- settle_instance
        UPDATE instances SET seq = seq WHERE name = $1";
    query(sql).bind(instance.as_str()).execute(db).await.map(drop)
}

async fn open_file(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    SqliteConnection::connect_with(&options).await.map_err(|error| unusable(path, error))
}

/// Makes the content of a file of SQLite durable.
async fn checkpoint(db: &mut Database) -> std::result::Result<(), SqlError> {
    let mut transaction = db.begin().await?;
    // Overwrites the WAL after the last known group. The value must change: SQLite writes nothing for an unchanged row.
    let sql = "-- settle_written_groups
        UPDATE written_groups SET settled = settled + 1 WHERE id = 1";
    query(sql).execute(&mut transaction).await?;
    transaction.commit().await?;
    // After a failed flush, the contents of the WAL on disk are uncertain even if later flushes succeed: copy everything
    // into the database file and restart the WAL.
    let sql = "-- settle_checkpoint
        PRAGMA wal_checkpoint(TRUNCATE)";
    match query(sql).fetch_one(db).await?.get::<i64>("busy")? {
        0 => Ok(()),
        _ => Err(SqlError::Protocol(
            "another process reads the database, which prevents a complete checkpoint".into(),
        )),
    }
}

/// The error for a database that cannot be opened.
pub(super) fn unusable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal_caused_by(format!("the database {} cannot be opened", path.display()), error)
}
