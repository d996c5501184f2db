//! Compares the end of the exported audit log with the chain in the database.

use sqlx::{Row as _, SqliteConnection};

use super::chain::{self, ChainHead};

/// A difference between the exported log and the database, and the record after which the export can continue
/// nevertheless.
pub(super) struct Mismatch {
    pub(super) why: String,
    pub(super) after: u64,
}

/// Compares the last record of the exported log, `(last, link)`, with the database, which ends at `head`. It is not a
/// mismatch if the log lacks records that are still in the outbox.
pub(super) async fn compare(
    db: &mut SqliteConnection,
    head: &ChainHead,
    (last, link): (u64, &str),
) -> Result<Option<Mismatch>, sqlx::Error> {
    let differs = |seq: u64, after: u64| {
        let why = format!(
            "record {seq} at the end of the audit files is not the one that was written: its link differs from the database"
        );
        Some(Mismatch { why, after })
    };
    if last >= head.seq {
        return Ok(if last == head.seq && link != head.chain { differs(last, last) } else { None });
    }
    let sql = "-- outbox_next
        SELECT first_seq, lines FROM audit_outbox WHERE last_seq > $1 ORDER BY last_seq LIMIT 1";
    let row = sqlx::query(sql).bind(i64::try_from(last).unwrap_or(i64::MAX)).fetch_one(db).await?;
    let first = row.try_get::<i64, _>(0)?.unsigned_abs();
    let lines: &str = row.try_get(1)?;
    if first > last.saturating_add(1) {
        let why = format!(
            "the audit files end with record {last}, but records up to {} were written to them",
            first.saturating_sub(1)
        );
        return Ok(Some(Mismatch { why, after: first.saturating_sub(1) }));
    }
    let numbered = || (first..).zip(lines.lines());
    let matches = match numbered().find(|(seq, _)| *seq == last) {
        Some((_, line)) => chain::link_of(line) == Some(link),
        None => numbered().next().is_none_or(|(_, next)| chain::follows(link, next)),
    };
    Ok(if matches { None } else { differs(last, last) })
}
