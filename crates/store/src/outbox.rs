//! The outbox table: the audit records of the last group of changes, which are committed with the changes and then appended to
//! the log.
//!
//! When a group of changes is written, all earlier records are durable in the log, so it replaces the rows of the group before.

use super::chain;
use super::database::{Database, SqlError, query};
use super::record_log::RecordBatch;
use super::usage::Usage;
use crate::model::Timestamp;

/// Replaces the records by those of another group.
pub(super) async fn replace(db: &mut Database, records: Option<&RecordBatch>) -> Result<(), SqlError> {
    let sql = "-- clear_outbox
        DELETE FROM audit_outbox";
    query(sql).execute(&mut *db).await?;
    let Some(records) = records else { return Ok(()) };
    let sql = "-- insert_outbox
        INSERT INTO audit_outbox (last_seq, first_seq, at, chain, counted, lines)
        VALUES ($1, $2, $3, $4, $5, $6)";
    // Earlier versions counted rows when they removed them. The calls of this row are counted in its transaction.
    let counted = Usage::default().to_json().map_err(|error| SqlError::Encode(Box::new(error)))?;
    query(sql)
        .bind(number(records.last))
        .bind(number(records.first))
        .bind(records.at.as_microsecond())
        .bind(&*records.chain)
        .bind(counted)
        .bind(&*records.lines)
        .execute(db)
        .await?;
    Ok(())
}

/// The usage counts of rows from before migration 0025, which are not in the totals yet.
pub(super) async fn counted(db: &mut Database) -> Result<Usage, SqlError> {
    let sql = "-- outbox_counted
        SELECT counted FROM audit_outbox ORDER BY last_seq";
    let mut counted = Usage::default();
    for row in query(sql).fetch_all(db).await? {
        let group = counted.add_json(row.get("counted")?);
        group.map_err(|error| SqlError::Decode(Box::new(error)))?;
    }
    Ok(counted)
}

/// The groups with records after `last`, in order.
pub(super) async fn after(db: &mut Database, last: u64) -> Result<Vec<RecordBatch>, SqlError> {
    let sql = "-- outbox_after
        SELECT first_seq, last_seq, at, chain, lines FROM audit_outbox WHERE last_seq > $1 ORDER BY last_seq";
    let mut batches = Vec::new();
    for row in query(sql).bind(number(last)).fetch_all(db).await? {
        batches.push(RecordBatch {
            first: row.get::<i64>("first_seq")?.unsigned_abs(),
            last: row.get::<i64>("last_seq")?.unsigned_abs(),
            at: Timestamp::from_microsecond(row.get("at")?)
                .map_err(|error| SqlError::Decode(Box::new(error)))?,
            chain: row.get("chain")?,
            lines: row.get("lines")?,
        });
    }
    Ok(batches)
}

impl RecordBatch {
    /// Removes the records up to the sequence number `last`, which has this link. Returns whether the batch has that record,
    /// or continues after it.
    pub(super) fn drop_until(&mut self, last: u64, link: &str) -> bool {
        let known = (self.first..).zip(self.lines.split_inclusive('\n')).take_while(|(seq, _)| *seq <= last);
        let dropped = known.fold((0, None), |(bytes, _), (_, line)| (bytes + line.len(), Some(line)));
        let (bytes, line) = dropped;
        let matches = match line.map(str::trim_end) {
            Some(line) => chain::link_of(line) == Some(link),
            None => self.lines.lines().next().is_none_or(|next| chain::follows(link, next)),
        };
        self.lines.drain(..bytes);
        self.first = self.first.max(last.saturating_add(1));
        matches
    }
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
