//! Resolves ambiguous commits: a COMMIT that returned an error although the database may have the group.
//!
//! An error can occur after all data was written: when the write-ahead log (WAL) could not be flushed, or when the answer
//! of SQLite's thread was lost. A later recovery of the WAL, after a crash for example, then restores the group, unless
//! it was overwritten. So the failure must not be acted on until the database has been queried and the result of the
//! query is durable.

use super::audit_records;
use super::chain::ChainHead;
use super::change_log::{self, FollowError};
use super::database::{Database, SqlError, query};
use super::group::Group;
use super::instance::InstanceName;
use super::ledger_position::LedgerPosition;
use crate::model::Error;

/// A failure to write a group.
pub(super) enum CommitFailure<T> {
    /// The group was not written: the failure occurred before COMMIT.
    NotWritten(SqlError),
    /// COMMIT failed, and the group, `T`, may have been written.
    Ambiguous(SqlError, T),
}

impl<T> From<FollowError> for CommitFailure<T> {
    fn from(error: FollowError) -> Self {
        Self::NotWritten(match error {
            FollowError::Database(error) => error,
            other => SqlError::Decode(Box::new(other)),
        })
    }
}

impl<T> From<SqlError> for CommitFailure<T> {
    fn from(error: SqlError) -> Self {
        Self::NotWritten(error)
    }
}

/// Reads the position, with the last audit record of this instance.
pub(super) async fn read(db: &mut Database, instance: &InstanceName) -> Result<LedgerPosition, SqlError> {
    let sql = "-- read_written_groups
        SELECT number, COALESCE(seq, 0) AS seq, COALESCE(chain, '') AS chain
        FROM written_groups LEFT JOIN instances ON name = $1 WHERE id = 1";
    let row = query(sql).bind(instance.as_str()).fetch_one(&mut *db).await?;
    let number = |column| row.get::<i64>(column).map(i64::unsigned_abs);
    let head = ChainHead { seq: number("seq")?, chain: row.get("chain")? };
    Ok(LedgerPosition { groups: number("number")?, head })
}

/// Writes the position, in the transaction of a group.
///
/// # Errors
/// If the database is not at the position before, because another process has changed it: memory then lacks changes.
pub(super) async fn write(
    db: &mut Database,
    instance: &InstanceName,
    position: &LedgerPosition,
) -> Result<(), SqlError> {
    let sql = "-- write_written_groups
        UPDATE written_groups SET number = $1 WHERE id = 1 AND number = $1 - 1";
    let number = i64::try_from(position.groups).unwrap_or(i64::MAX);
    match query(sql).bind(number).execute(&mut *db).await? {
        1 => write_counted(db, instance, position).await,
        _ => Err(SqlError::Protocol(CHANGED.into())),
    }
}

/// Writes the last record of an instance that the database has counted.
async fn write_counted(
    db: &mut Database,
    instance: &InstanceName,
    position: &LedgerPosition,
) -> Result<(), SqlError> {
    let sql = "-- write_counted_records
        UPDATE instances SET seq = $2, chain = $3 WHERE name = $1";
    let seq = i64::try_from(position.head.seq).unwrap_or(i64::MAX);
    query(sql).bind(instance.as_str()).bind(seq).bind(&*position.head.chain).execute(db).await.map(drop)
}

/// The error if the database is not at the position that this process has written.
pub(super) const CHANGED: &str = "another process changed the database";

/// Whether a group was written, after the connection was replaced. `before` is the position before the group.
///
/// # Errors
/// `Internal` if the database cannot be queried, or another process has changed it.
pub(super) async fn was_written(
    db: &mut Database,
    instance: &InstanceName,
    (before, group): (&LedgerPosition, &Group),
) -> Result<bool, Error> {
    let failed = |error| Error::internal_caused_by("the database cannot be queried", error);
    if db.is_shared() {
        let changes_nothing = group.position.groups == before.groups;
        let found = match &group.records {
            Some(records) if changes_nothing => audit_records::has(db, instance, records).await,
            _ => change_log::has(db, group.position.groups, instance).await,
        };
        return found.map_err(failed);
    }
    let found = read(db, instance).await.map_err(failed)?;
    if found != group.position && found != *before {
        return Err(Error::internal(CHANGED));
    }
    Ok(found == group.position)
}
