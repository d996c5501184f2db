//! The table of audit records, which an instance writes to its log after it has written them here.
//!
//! In a file of SQLite it is an outbox: the records of the last group of changes, which are committed with the changes and then
//! appended to the log. When a group of changes is written, all earlier records are durable in the log, so it replaces the rows of the
//! group before. In a shared database it has the records of all groups, since the log of an instance can be lost with its machine.

use super::chain;
use super::database::{Database, SqlError, Statement, query};
use super::instance::InstanceName;
use super::record_log::RecordBatch;
use super::usage::Usage;
use crate::model::Timestamp;

/// Writes the records of a group, in its transaction.
pub(super) async fn write(
    db: &mut Database,
    instance: &InstanceName,
    records: Option<&RecordBatch>,
) -> Result<(), SqlError> {
    if !db.is_shared() {
        let sql = "-- clear_audit_records
            DELETE FROM audit_records WHERE instance = $1";
        query(sql).bind(instance.as_str()).execute(&mut *db).await?;
    }
    let Some(records) = records else { return Ok(()) };
    let sql = "-- insert_audit_records
        INSERT INTO audit_records (instance, last_seq, first_seq, at, chain, counted, lines)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    bind(query(sql), instance, records)?.execute(db).await.map(drop)
}

/// Writes the records of a group without changes, if no other instance has written changes since this number of groups. Returns whether
/// they were written.
pub(super) async fn write_unless_changed(
    db: &mut Database,
    instance: &InstanceName,
    records: &RecordBatch,
    groups: u64,
) -> Result<bool, SqlError> {
    let sql = "-- insert_audit_records_unless_changed
        INSERT INTO audit_records (instance, last_seq, first_seq, at, chain, counted, lines)
        SELECT $1, $2, $3, $4, $5, $6, $7 FROM written_groups WHERE id = 1 AND number = $8";
    let statement = bind(query(sql), instance, records)?.bind(number(groups));
    Ok(statement.execute(db).await? == 1)
}

/// Whether these records are written.
pub(super) async fn has(
    db: &mut Database,
    instance: &InstanceName,
    records: &RecordBatch,
) -> Result<bool, SqlError> {
    let sql = "-- has_audit_records
        SELECT 1 FROM audit_records WHERE instance = $1 AND last_seq = $2 AND chain = $3";
    let query = query(sql).bind(instance.as_str()).bind(number(records.last)).bind(&*records.chain);
    Ok(query.fetch_optional(db).await?.is_some())
}

fn bind<'q>(
    statement: Statement<'q>,
    instance: &'q InstanceName,
    records: &'q RecordBatch,
) -> Result<Statement<'q>, SqlError> {
    // Earlier versions counted rows when they removed them. The calls of these rows are counted otherwise.
    let counted = Usage::default().to_json().map_err(|error| SqlError::Encode(Box::new(error)))?;
    Ok(statement
        .bind(instance.as_str())
        .bind(number(records.last))
        .bind(number(records.first))
        .bind(records.at.as_microsecond())
        .bind(&*records.chain)
        .bind(counted)
        .bind(&*records.lines))
}

/// The usage counts of rows from before migration 0025, which are not in the totals yet.
pub(super) async fn counted(db: &mut Database, instance: &InstanceName) -> Result<Usage, SqlError> {
    let sql = "-- audit_records_counted
        SELECT counted FROM audit_records WHERE instance = $1 ORDER BY last_seq";
    let mut counted = Usage::default();
    for row in query(sql).bind(instance.as_str()).fetch_all(db).await? {
        let group = counted.add_json(row.get("counted")?);
        group.map_err(|error| SqlError::Decode(Box::new(error)))?;
    }
    Ok(counted)
}

/// The groups with records after `last`, in order.
pub(super) async fn after(
    db: &mut Database,
    instance: &InstanceName,
    last: u64,
) -> Result<Vec<RecordBatch>, SqlError> {
    let sql = "-- audit_records_after
        SELECT first_seq, last_seq, at, chain, lines FROM audit_records
        WHERE instance = $1 AND last_seq > $2 ORDER BY last_seq";
    let mut batches = Vec::new();
    for row in query(sql).bind(instance.as_str()).bind(number(last)).fetch_all(db).await? {
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
