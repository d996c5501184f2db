//! Reads a database of a server as it is at one instant, by several connections, while others write.
//!
//! A transaction exports its snapshot, which those of the other connections import (PostgreSQL, "Snapshot Synchronization Functions").

use super::database::{Database, SqlError, query};
use super::location::Location;

/// Makes the transaction that has just begun read one instant, and returns the location with which other connections read the same.
pub(super) async fn begin(db: &mut Database, location: &Location) -> Result<Location, SqlError> {
    let sql = "-- read_one_instant
        SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
    query(sql).execute(&mut *db).await?;
    allow_idle(db).await?;
    let sql = "-- export_snapshot
        SELECT pg_export_snapshot() AS snapshot";
    let snapshot = query(sql).fetch_one(db).await?.get("snapshot")?;
    Ok(location.clone().at_snapshot(snapshot))
}

/// Lets the transaction of a server wait for another connection. It holds no lock that others wait for.
pub(super) async fn allow_idle(db: &mut Database) -> Result<(), SqlError> {
    let sql = "-- allow_idle_transaction
        SET LOCAL idle_in_transaction_session_timeout = 0";
    query(sql).execute(db).await.map(drop)
}

/// Makes a new connection read the instant of an exported snapshot, if there is one.
pub(super) async fn import(db: &mut Database, snapshot: Option<&str>) -> Result<(), SqlError> {
    let Some(snapshot) = snapshot else { return Ok(()) };
    let sql = "-- begin_reading
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    query(sql).execute(&mut *db).await?;
    let is_identifier = snapshot.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_identifier {
        return Err(SqlError::Protocol("the identifier of a snapshot is malformed".into()));
    }
    // The statement accepts no parameters.
    let sql = format!("-- import_snapshot\nSET TRANSACTION SNAPSHOT '{snapshot}'");
    query(sqlx::AssertSqlSafe(sql)).execute(db).await.map(drop)
}
