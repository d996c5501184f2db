//! Resolves ambiguous commits: a COMMIT that returned an error although the database may have the group.
//!
//! An error can occur after all data was written: when the write-ahead log (WAL) could not be flushed, or when the answer
//! of SQLite's thread was lost. A later recovery of the WAL, after a crash for example, then restores the group, unless
//! it was overwritten. So the failure must not be acted on until the database has been queried and the result of the
//! query is durable.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};

use super::chain::ChainHead;
use super::connection::connect;
use crate::model::Error;

/// The position of the database in the sequence of groups. Each group advances it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct LedgerPosition {
    /// The number of groups that were written to the database.
    pub(super) groups: u64,
    /// The last audit record that the database has counted.
    pub(super) head: ChainHead,
}

/// A failure to write a group.
pub(super) enum CommitFailure<T> {
    /// The group was not written: the failure occurred before COMMIT.
    NotWritten(sqlx::Error),
    /// COMMIT failed, and the group, `T`, may have been written.
    Ambiguous(sqlx::Error, T),
}

impl<T> From<sqlx::Error> for CommitFailure<T> {
    fn from(error: sqlx::Error) -> Self {
        Self::NotWritten(error)
    }
}

/// Reads the position.
pub(super) async fn read(db: &mut SqliteConnection) -> Result<LedgerPosition, sqlx::Error> {
    let sql = "-- read_written_groups
        SELECT number, seq, chain FROM written_groups WHERE id = 1";
    let row = sqlx::query(sql).fetch_one(&mut *db).await?;
    let number = |column| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    Ok(LedgerPosition { groups: number(0)?, head: ChainHead { seq: number(1)?, chain: row.try_get(2)? } })
}

/// Writes the position, in the transaction of a group.
pub(super) async fn write(db: &mut SqliteConnection, position: &LedgerPosition) -> Result<(), sqlx::Error> {
    let sql = "-- write_written_groups
        UPDATE written_groups SET number = $1, seq = $2, chain = $3 WHERE id = 1";
    let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let LedgerPosition { groups, head } = position;
    let query = sqlx::query(sql).bind(number(*groups)).bind(number(head.seq)).bind(&*head.chain);
    query.execute(db).await.map(drop)
}

/// The path of the database whose position is queried after an ambiguous commit.
pub(super) struct DatabasePath(pub(super) PathBuf);

impl DatabasePath {
    /// Returns the position of the database and makes it durable, so that no later crash changes it.
    ///
    /// Opens a new connection, which replaces the failed one.
    ///
    /// # Errors
    /// `Internal` if the database cannot be queried or checkpointed.
    pub(super) async fn query_position(&self, db: &mut SqliteConnection) -> Result<LedgerPosition, Error> {
        let fresh = connect(&self.0).await?;
        let failed = std::mem::replace(db, fresh);
        // It may hold the write lock, in a transaction that was neither committed nor rolled back.
        if let Err(error) = failed.close().await {
            tracing::warn!(%error, "a connection to the database did not close cleanly");
        }
        checkpoint(db).await.map_err(|error| {
            Error::internal_caused_by("the database cannot be queried and checkpointed", error)
        })
    }
}

async fn checkpoint(db: &mut SqliteConnection) -> Result<LedgerPosition, sqlx::Error> {
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    // Overwrites the WAL after the last known group. The value must change: SQLite writes nothing for an unchanged row.
    let sql = "-- settle_written_groups
        UPDATE written_groups SET settled = settled + 1 WHERE id = 1";
    sqlx::query(sql).execute(&mut *transaction).await?;
    transaction.commit().await?;
    // After a failed flush, the contents of the WAL on disk are uncertain even if later flushes succeed: copy everything
    // into the database file and restart the WAL.
    let sql = "-- settle_checkpoint
        PRAGMA wal_checkpoint(TRUNCATE)";
    let row = sqlx::query(sql).fetch_one(&mut *db).await?;
    match row.try_get::<i64, _>(0)? {
        0 => read(db).await,
        _ => Err(sqlx::Error::Protocol(
            "another process reads the database, which prevents a complete checkpoint".into(),
        )),
    }
}
