//! Resolves ambiguous commits: a COMMIT that returned an error although the database may have the group.
//!
//! An error can occur after all data was written: when the write-ahead log (WAL) could not be flushed, or when the answer
//! of SQLite's thread was lost. A later recovery of the WAL, after a crash for example, then restores the group, unless
//! it was overwritten. So the failure must not be acted on until the database has been queried and the result of the
//! query is durable.

use super::chain::ChainHead;
use super::database::{Database, SqlError, query};
use super::location::Location;
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
    NotWritten(SqlError),
    /// COMMIT failed, and the group, `T`, may have been written.
    Ambiguous(SqlError, T),
}

impl<T> From<SqlError> for CommitFailure<T> {
    fn from(error: SqlError) -> Self {
        Self::NotWritten(error)
    }
}

/// Reads the position.
pub(super) async fn read(db: &mut Database) -> Result<LedgerPosition, SqlError> {
    let sql = "-- read_written_groups
        SELECT number, seq, chain FROM written_groups WHERE id = 1";
    let row = query(sql).fetch_one(&mut *db).await?;
    let number = |column| row.get::<i64>(column).map(i64::unsigned_abs);
    let head = ChainHead { seq: number("seq")?, chain: row.get("chain")? };
    Ok(LedgerPosition { groups: number("number")?, head })
}

/// Writes the position, in the transaction of a group.
///
/// # Errors
/// If the database is not at the position before, because another process has changed it: memory then lacks changes.
pub(super) async fn write(db: &mut Database, position: &LedgerPosition) -> Result<(), SqlError> {
    let sql = "-- write_written_groups
        UPDATE written_groups SET number = $1, seq = $2, chain = $3 WHERE id = 1 AND number = $1 - 1";
    let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let LedgerPosition { groups, head } = position;
    let query = query(sql).bind(number(*groups)).bind(number(head.seq)).bind(&*head.chain);
    match query.execute(db).await? {
        1 => Ok(()),
        _ => Err(SqlError::Protocol(CHANGED.into())),
    }
}

/// The error if the database is not at the position that this process has written.
pub(super) const CHANGED: &str = "another process changed the database";

/// Replaces the connection, which has failed, and returns the position of the database. It is durable: no later crash changes
/// it.
///
/// # Errors
/// `Internal` if the database cannot be queried.
pub(super) async fn query_position(location: &Location, db: &mut Database) -> Result<LedgerPosition, Error> {
    location.reconnect(db).await?;
    let failed = |error| Error::internal_caused_by("the database cannot be queried", error);
    read(db).await.map_err(failed)
}
