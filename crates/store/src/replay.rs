//! Compares the log of audit records with the database when the store is opened, and makes them agree.
//!
//! The database has the position of the last record that it has counted. In a file of SQLite, records after it are in the log only:
//! groups without changes. They are verified and counted. Records up to it that the log lacks are in the table of audit records, and
//! are appended to the log. A shared database has all records in that table: those after the position are counted from there.

use super::audit_records;
use super::chain::ChainHead;
use super::database::Database;
use super::instance::InstanceName;
use super::ledger_position::LedgerPosition;
use super::record_log::RecordLog;
use super::record_member::Recorded;
use super::usage::Usage;
use crate::model::{Error, Result, Timestamp};

/// What the log has after the position of the database.
#[derive(Default)]
pub(super) struct Replayed {
    /// The last record.
    pub(super) head: ChainHead,
    /// What the records count that the database has not counted.
    pub(super) usage: Usage,
    /// The time of the newest of these records.
    pub(super) newest: Option<Timestamp>,
    /// The difference between the log and the database, if there is one and it is accepted.
    pub(super) mismatch: Option<String>,
    /// The first and the last record that were missing in the log and have been appended.
    pub(super) restored: Option<(u64, u64)>,
}

/// Makes the log and the database agree. A difference that is no interrupted write is an error unless `accept_break`.
///
/// # Errors
/// `Internal`, with a message for the operator.
pub(super) async fn replay(
    db: &mut Database,
    log: &mut dyn RecordLog,
    (instance, position): (&InstanceName, &LedgerPosition),
    accept_break: bool,
) -> Result<Replayed> {
    let is_shared = db.is_shared();
    let mut replayed = match is_shared {
        true => {
            // Removes an incomplete write at the end of the log.
            log.read_after(position.head.seq, &mut |_| {}).map_err(unreadable)?;
            read_rows(db, instance, position).await?
        }
        false => read_tail(log, position)?,
    };
    let (last, link) = log.last();
    let newest = if is_shared { replayed.head.seq } else { position.head.seq };
    if last < newest {
        restore(db, log, (instance, newest), accept_break, &mut replayed).await?;
    } else if replayed.mismatch.is_none() && (last, &*link) != (replayed.head.seq, &*replayed.head.chain) {
        replayed.mismatch = Some(differs(last));
    }
    match &replayed.mismatch {
        Some(why) if !accept_break => Err(Error::internal(why.clone())),
        Some(_) if last > position.head.seq => {
            // The found records stay as they are, and the next one follows the last of them.
            replayed.head = ChainHead { seq: last, chain: link };
            Ok(replayed)
        }
        _ => Ok(replayed),
    }
}

/// Verifies and counts the records after the position of the database.
fn read_tail(log: &mut dyn RecordLog, position: &LedgerPosition) -> Result<Replayed> {
    let mut found = Replayed { head: position.head.clone(), ..Replayed::default() };
    let mut is_older = false;
    let read = log.read_after(position.head.seq, &mut |line| {
        let recorded = Recorded::parse(line);
        is_older |= recorded.as_ref().is_some_and(|recorded| recorded.state() > position.groups);
        if found.mismatch.is_some() {
            return;
        }
        let expected = found.head.seq.saturating_add(1);
        let counted = recorded.filter(|recorded| recorded.state() == position.groups);
        match counted.filter(|_| found.head.advance(line)) {
            None => found.mismatch = Some(differs(expected)),
            Some(recorded) => {
                found.newest = found.newest.max(recorded.time());
                recorded.count(&mut found.usage);
            }
        }
    });
    read.map_err(unreadable)?;
    let (last, _) = log.last();
    if is_older {
        return Err(Error::internal(format!(
            "the audit log ends with record {last}, the database with record {}: the database is not the one that wrote \
             this log, or is an older copy of it; move the log away to start a new one",
            position.head.seq
        )));
    }
    Ok(found)
}

/// Verifies and counts the records after the position that the table of a shared database has: all records of the instance.
pub(super) async fn read_rows(
    db: &mut Database,
    instance: &InstanceName,
    position: &LedgerPosition,
) -> Result<Replayed> {
    let mut found = Replayed { head: position.head.clone(), ..Replayed::default() };
    let batches = audit_records::after(db, instance, position.head.seq).await.map_err(Error::internal)?;
    for line in batches.iter().flat_map(|batch| batch.lines.lines()) {
        let expected = found.head.seq.saturating_add(1);
        let recorded = Recorded::parse(line).filter(|_| found.head.advance(line));
        let recorded = recorded.ok_or_else(|| {
            Error::internal(format!(
                "the database is damaged: record {expected} of instance {instance} was changed"
            ))
        })?;
        found.newest = found.newest.max(recorded.time());
        recorded.count(&mut found.usage);
    }
    Ok(found)
}

/// Appends the records of the table, up to the sequence number `newest`, that the log lacks.
async fn restore(
    db: &mut Database,
    log: &mut dyn RecordLog,
    (instance, newest): (&InstanceName, u64),
    accept_break: bool,
    replayed: &mut Replayed,
) -> Result<()> {
    let (last, link) = log.last();
    let mut batches = audit_records::after(db, instance, last).await.map_err(Error::internal)?;
    let first = batches.first().map_or(newest + 1, |batch| batch.first);
    if first > last.saturating_add(1) {
        replayed.mismatch = Some(format!(
            "the audit files end with record {last}, but records up to {} were written to them",
            first.saturating_sub(1)
        ));
    } else if let Some(batch) = batches.first_mut()
        && !batch.drop_until(last, &link)
    {
        replayed.mismatch = Some(differs(last));
    }
    if replayed.mismatch.is_some() && !accept_break {
        return Ok(());
    }
    replayed.restored = batches.first().zip(batches.last()).map(|(first, last)| (first.first, last.last));
    for batch in &batches {
        log.append(batch).map_err(|error| {
            Error::internal_caused_by("audit records of the previous run could not be written", error)
        })?;
    }
    Ok(())
}

fn unreadable(error: std::io::Error) -> Error {
    Error::internal_caused_by("the audit log could not be read", error)
}

/// The message about a record that differs from what was written.
fn differs(seq: u64) -> String {
    format!(
        "record {seq} at the end of the audit files is not the one that was written: its link differs from the database"
    )
}
