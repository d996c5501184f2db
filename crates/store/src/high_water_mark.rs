//! The SQL of the clock's high-water mark: read when the store is opened, written with commits.

use std::time::Duration;

use jiff::SignedDuration;

use super::columns::{column, damaged, dated, instant};
use super::database::{Database, SqlError, query};
use super::instance::InstanceName;
use crate::model::time_guard::{GuardState, Hold, HoldReason};
use crate::model::{Error, Result, Timestamp};

/// The advance of the clock after which the mark is written again.
pub(super) const STEP: SignedDuration = SignedDuration::from_secs(1);

/// The same for a shared database, where each write is an entry of the log of changes that all instances apply. Its records show a later
/// time.
pub(super) const SHARED_STEP: SignedDuration = SignedDuration::from_secs(10);

/// The maximum time by which an audit record may follow the mark and still count as a later mark.
const SLACK: SignedDuration = SignedDuration::from_secs(10);

/// Whether the mark must be written again, which it is after each `step`.
pub(super) fn is_due(written: Option<&GuardState>, now: &GuardState, step: SignedDuration) -> bool {
    let Some(written) = written else { return true };
    let held = |kept: &GuardState| kept.hold.map(|hold| (hold.since, hold.reason));
    held(written) != held(now) || now.mark < written.mark || now.seen.duration_since(written.seen) >= step
}

/// Writes the mark.
pub(super) async fn write(db: &mut Database, kept: &GuardState) -> Result<(), SqlError> {
    let sql = "-- set_time_mark
        INSERT INTO time_mark (id, mark, seen, hold_since, hold_reason, hold_ahead, hold_proven)
        VALUES (1, $1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO UPDATE SET mark = excluded.mark, seen = excluded.seen, hold_since = excluded.hold_since,
            hold_reason = excluded.hold_reason, hold_ahead = excluded.hold_ahead, hold_proven = excluded.hold_proven";
    let micros = |duration: i128| i64::try_from(duration).unwrap_or(i64::MAX);
    query(sql)
        .bind(kept.mark.as_microsecond())
        .bind(kept.seen.as_microsecond())
        .bind(kept.hold.map(|hold| hold.since.as_microsecond()))
        .bind(kept.hold.map(|hold| hold.reason.as_str()))
        .bind(kept.hold.map(|hold| micros(hold.ahead.as_micros())))
        .bind(kept.hold.map(|hold| i64::try_from(hold.proven.as_micros()).unwrap_or(i64::MAX)))
        .execute(db)
        .await?;
    Ok(())
}

/// Reads the mark. If there is none, as after an upgrade, the time of the newest audit record is used. `logged` is the time of
/// the newest record that is in the log only.
pub(super) async fn load(
    db: &mut Database,
    instance: &InstanceName,
    logged: Option<Timestamp>,
) -> Result<Option<GuardState>> {
    let sql = "-- newest_record
        SELECT at FROM audit_records WHERE instance = $1 ORDER BY last_seq DESC LIMIT 1";
    let newest =
        query(sql).bind(instance.as_str()).fetch_optional(&mut *db).await.map_err(Error::internal)?;
    let newest = newest.map(|row| dated(&row, "at")).transpose()?.max(logged);
    let sql = "-- load_time_mark
        SELECT mark, seen, hold_since, hold_reason, hold_ahead, hold_proven FROM time_mark";
    let Some(row) = query(sql).fetch_optional(db).await.map_err(Error::internal)? else {
        return Ok(newest.map(|mark| GuardState { mark, seen: mark, hold: None }));
    };
    let (mark, seen) = (dated(&row, "mark")?, dated(&row, "seen")?);
    let hold = match instant(&row, "hold_since")? {
        None => None,
        Some(since) => Some(Hold {
            since,
            reason: match column::<&str>(&row, "hold_reason")? {
                "jump" => HoldReason::Jump,
                "stop" => HoldReason::Stop,
                other => return Err(damaged(format!("unknown reason of a clock hold: {other}"))),
            },
            ahead: SignedDuration::from_micros(column(&row, "hold_ahead")?),
            proven: Duration::from_micros(column::<i64>(&row, "hold_proven")?.unsigned_abs()),
        }),
    };
    // Groups of audit records only write the mark at most once per second, so a newer record advances it.
    let later =
        |at: &Timestamp| hold.is_none() && (SignedDuration::ZERO..=SLACK).contains(&at.duration_since(mark));
    let mark = newest.filter(later).unwrap_or(mark);
    Ok(Some(GuardState { mark, seen: seen.max(mark), hold }))
}
