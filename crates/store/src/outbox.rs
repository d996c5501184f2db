//! The outbox table: the audit records of each group until they are exported, and its usage counts until
//! they are added to the totals.

use sqlx::{Row, SqliteConnection};

use super::chain::ChainHead;
use super::usage::Usage;
use crate::model::Timestamp;

/// An audit record to export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportedRecord {
    /// Its sequence number; counts from 1 without gaps.
    pub seq: u64,
    /// When its group was recorded; the same for all records of a group.
    pub at: Timestamp,
    /// The record with its sequence number and link: one JSON object, without line break.
    pub line: String,
}

/// The number of groups read at once when the export catches up.
const CHUNK: i64 = 16;

/// Writes the records of one group, which end at `head`, and its usage counts.
pub(super) async fn insert(
    db: &mut SqliteConnection,
    records: &[ExportedRecord],
    head: &ChainHead,
    counted: &Usage,
) -> Result<(), sqlx::Error> {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
    let mut lines = String::with_capacity(records.iter().map(|record| record.line.len() + 1).sum());
    for record in records {
        lines.push_str(&record.line);
        lines.push('\n');
    }
    let sql = "-- insert_outbox
        INSERT INTO audit_outbox (last_seq, first_seq, at, chain, counted, lines)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let counted = counted.to_json().map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query(sql)
        .bind(number(last.seq))
        .bind(number(first.seq))
        .bind(first.at.as_microsecond())
        .bind(&*head.chain)
        .bind(counted)
        .bind(lines)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes exported groups and returns their usage counts, which must be added to the totals in the same
/// transaction. The transaction must also insert records: the newest row contains the head of the chain.
pub(super) async fn trim(db: &mut SqliteConnection, exported: u64) -> Result<Usage, sqlx::Error> {
    let removed = counted(db, exported).await?;
    let sql = "-- trim_outbox
        DELETE FROM audit_outbox WHERE last_seq <= $1";
    sqlx::query(sql).bind(number(exported)).execute(db).await?;
    Ok(removed)
}

/// The usage counts of the groups up to the record `last` that are still in the outbox.
pub(super) async fn counted(db: &mut SqliteConnection, last: u64) -> Result<Usage, sqlx::Error> {
    let sql = "-- outbox_counted
        SELECT counted FROM audit_outbox WHERE last_seq <= $1 ORDER BY last_seq";
    let mut counted = Usage::default();
    for row in sqlx::query(sql).bind(number(last)).fetch_all(db).await? {
        let group = counted.add_json(row.try_get(0)?);
        group.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    }
    Ok(counted)
}

/// The head of the chain.
pub(super) async fn head(db: &mut SqliteConnection) -> Result<ChainHead, sqlx::Error> {
    let sql = "-- outbox_head
        SELECT last_seq, chain FROM audit_outbox ORDER BY last_seq DESC LIMIT 1";
    let Some(row) = sqlx::query(sql).fetch_optional(db).await? else { return Ok(ChainHead::default()) };
    Ok(ChainHead { seq: row.try_get::<i64, _>(0)?.unsigned_abs(), chain: row.try_get(1)? })
}

/// The oldest records after `exported`, of at most [`CHUNK`] groups; empty if there are none.
pub(super) async fn after(
    db: &mut SqliteConnection,
    exported: u64,
) -> Result<Vec<ExportedRecord>, sqlx::Error> {
    let sql = "-- outbox_after
        SELECT first_seq, at, lines FROM audit_outbox WHERE last_seq > $1 ORDER BY last_seq LIMIT $2";
    let mut records = Vec::new();
    for row in sqlx::query(sql).bind(number(exported)).bind(CHUNK).fetch_all(db).await? {
        let first = row.try_get::<i64, _>(0)?.unsigned_abs();
        let at = Timestamp::from_microsecond(row.try_get(1)?)
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let lines: String = row.try_get(2)?;
        let numbered = (first..).zip(lines.lines()).filter(|(seq, _)| *seq > exported);
        records.extend(numbered.map(|(seq, line)| ExportedRecord { seq, at, line: line.to_owned() }));
    }
    Ok(records)
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
