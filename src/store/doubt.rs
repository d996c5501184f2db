//! What is true after a COMMIT failed: the database may have the group all the same.
//!
//! A failure can come after everything was written: when the write-ahead log could not be flushed, or when the answer of
//! SQLite's thread was lost. What the log has is then found by whoever recovers it, after a crash for example, until
//! something else is written in its place. So nobody may act on the failure before the database was asked, and before
//! its answer is durable.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};

use super::chain::Head;
use super::open::connect;
use super::outbox;
use crate::model::Error;

/// Where the database is in the order of groups: each moves it on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Mark {
    /// How many groups changed something.
    pub(super) groups: u64,
    /// The last audit record.
    pub(super) head: Head,
}

/// Why a group was not written, as far as is known.
pub(super) enum Unwritten<T> {
    /// It was not: the failure came before anything could be durable.
    Surely(sqlx::Error),
    /// It may have been: this is what it comes to then.
    Perhaps(sqlx::Error, T),
}

impl<T> From<sqlx::Error> for Unwritten<T> {
    fn from(error: sqlx::Error) -> Self {
        Self::Surely(error)
    }
}

/// Reads the mark.
pub(super) async fn read(db: &mut SqliteConnection) -> Result<Mark, sqlx::Error> {
    let sql = "-- read_written_groups
        SELECT number FROM written_groups WHERE id = 1";
    let groups = sqlx::query(sql).fetch_one(&mut *db).await?.try_get::<i64, _>(0)?.unsigned_abs();
    Ok(Mark { groups, head: outbox::head(db).await? })
}

/// Moves the mark on, in the transaction of a group.
pub(super) async fn write(db: &mut SqliteConnection, groups: u64) -> Result<(), sqlx::Error> {
    let sql = "-- write_written_groups
        UPDATE written_groups SET number = $1 WHERE id = 1";
    let number = i64::try_from(groups).unwrap_or(i64::MAX);
    sqlx::query(sql).bind(number).execute(db).await.map(drop)
}

/// A database that is asked what it has.
pub(super) struct Source(pub(super) PathBuf);

impl Source {
    /// Tells what the database has, and makes that durable: afterwards, no crash changes it.
    ///
    /// On a connection of its own, which takes the place of the one that failed.
    pub(super) async fn settle(&self, db: &mut SqliteConnection) -> Result<Mark, Error> {
        let fresh = connect(&self.0).await?;
        let failed = std::mem::replace(db, fresh);
        // It may hold the lock for writing, in a transaction that was neither committed nor rolled back.
        if let Err(error) = failed.close().await {
            tracing::warn!(%error, "a connection to the database did not close cleanly");
        }
        secured(db).await.map_err(Error::internal)
    }
}

async fn secured(db: &mut SqliteConnection) -> Result<Mark, sqlx::Error> {
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    // Takes the place of what the write-ahead log has after the last group that is known to be written. SQLite writes
    // nothing for a row that stays as it is.
    let sql = "-- settle_written_groups
        UPDATE written_groups SET settled = settled + 1 WHERE id = 1";
    sqlx::query(sql).execute(&mut *transaction).await?;
    transaction.commit().await?;
    // What a log that could not be flushed once has on disk is not certain, whatever later flushes say: everything
    // goes into the database itself, and the log begins anew.
    let sql = "-- settle_checkpoint
        PRAGMA wal_checkpoint(TRUNCATE)";
    let row = sqlx::query(sql).fetch_one(&mut *db).await?;
    match row.try_get::<i64, _>(0)? {
        0 => read(db).await,
        _ => Err(sqlx::Error::Protocol(
            "another process reads the database; what it has cannot be secured".into(),
        )),
    }
}
