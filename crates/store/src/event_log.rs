//! The log of lifecycle events: the newest ones in memory, and their SQL.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use tokio::sync::watch;

use super::Store;
use super::columns::{damaged, json, to_json};
use super::database::{Database, SqlError, query, rows_of};
use super::failure::Failure;
use crate::model::event::{EventBatch, EventFilter, EventPosition, LifecycleEvent};
use crate::model::{Error, Field, Result};

impl Store {
    /// Returns a receiver of the sequence number of the newest lifecycle event.
    pub fn watch_events(&self) -> watch::Receiver<u64> {
        self.0.memory.watch_events()
    }

    /// Reads at most `most` events that `watched` includes, from a position in the log on.
    ///
    /// # Errors
    /// `ResumeTokenExpired` if later events have already been removed, `Invalid` for a position after the newest
    /// event.
    pub fn events(&self, watched: EventFilter, since: EventPosition, most: usize) -> Result<EventBatch> {
        self.0.memory.events().read(watched, since, most)
    }

    /// Whether events after the sequence number `after` concern this watch.
    pub fn events_concern(&self, watched: EventFilter, after: u64) -> bool {
        self.0.memory.events().concerns(watched, after)
    }
}

/// The maximum number of rows per INSERT statement.
const ROWS: usize = 500;

/// The newest events, in order: all that the database has.
pub(super) struct EventLog {
    events: VecDeque<Arc<LifecycleEvent>>,
    /// The number of events kept.
    kept: usize,
}

impl EventLog {
    /// An empty log that keeps this number of events; at least one, to continue the sequence numbers.
    pub(super) fn new(kept: usize) -> Self {
        Self { events: VecDeque::new(), kept: kept.max(1) }
    }

    /// The sequence number of the newest event; 0 if there is none.
    pub(super) fn head(&self) -> u64 {
        self.events.back().map_or(0, |event| event.sequence)
    }

    /// The sequence number before that of the oldest event kept.
    fn floor(&self) -> u64 {
        self.events.front().map_or(0, |event| event.sequence.saturating_sub(1))
    }

    /// The sequence number up to which events are removed when the newest one is `head`.
    pub(super) fn trimmed(&self, head: u64) -> u64 {
        head.saturating_sub(u64::try_from(self.kept).unwrap_or(u64::MAX))
    }

    /// Appends events, and removes the oldest ones beyond the limit.
    pub(super) fn append(&mut self, events: Vec<Arc<LifecycleEvent>>) {
        self.events.extend(events);
        let surplus = self.events.len().saturating_sub(self.kept);
        self.events.drain(..surplus);
    }

    /// The events after a sequence number.
    fn tail(&self, after: u64) -> impl Iterator<Item = &Arc<LifecycleEvent>> {
        let passed = usize::try_from(after.saturating_sub(self.floor())).unwrap_or(usize::MAX);
        self.events.range(passed.min(self.events.len())..)
    }

    /// Reads at most `most` events that `watched` includes, from a position on.
    ///
    /// # Errors
    /// `ResumeTokenExpired` if later events have already been removed, `Invalid` for a position after the newest
    /// event.
    pub(super) fn read(&self, watched: EventFilter, since: EventPosition, most: usize) -> Result<EventBatch> {
        let (floor, head) = (self.floor(), self.head());
        let after = match since {
            EventPosition::Now => head,
            EventPosition::Beginning => floor,
            EventPosition::Event(after) if after > head => {
                return Err(Error::invalid(
                    Field::ResumeToken,
                    "the resume token was not issued by this service",
                ));
            }
            EventPosition::Event(after) if after < floor => {
                return Err(Error::ResumeTokenExpired { after, oldest: floor + 1 });
            }
            EventPosition::Event(after) => after,
        };
        let mut batch = EventBatch { watched, events: Vec::new(), position: after, more: false };
        for event in self.tail(after) {
            if batch.events.len() == most {
                batch.more = true;
                break;
            }
            batch.position = event.sequence;
            if watched.selects(event) {
                batch.events.push(Arc::clone(event));
            }
        }
        Ok(batch)
    }

    /// Whether an event after a sequence number concerns a watch, or events after it have been removed.
    pub(super) fn concerns(&self, watched: EventFilter, after: u64) -> bool {
        after < self.floor() || self.tail(after).any(|event| watched.wakes(event))
    }
}

/// Writes events, and removes those up to the sequence number `trimmed`.
pub(super) async fn write(
    db: &mut Database,
    events: &[Arc<LifecycleEvent>],
    trimmed: u64,
) -> Result<(), SqlError> {
    for rows in events.chunks(ROWS) {
        let mut insert = rows_of(
            "-- insert_lifecycle_events
            INSERT INTO lifecycle_events (sequence, event)",
            (rows.len(), 2),
        );
        for event in rows {
            let json = to_json(&**event).map_err(|failure| match failure {
                Failure::Refused(error) => SqlError::Encode(Box::new(error)),
                Failure::Database(error) => error,
            })?;
            insert = insert.bind(number(event.sequence)).bind(json);
        }
        insert.execute(db).await?;
    }
    if trimmed > 0 && !events.is_empty() {
        let sql = "-- trim_lifecycle_events
            DELETE FROM lifecycle_events WHERE sequence <= $1";
        query(sql).bind(number(trimmed)).execute(db).await?;
    }
    Ok(())
}

/// Reads the newest events.
pub(super) async fn load(db: &mut Database, kept: usize) -> Result<EventLog> {
    let mut log = EventLog::new(kept);
    let sql = "-- load_lifecycle_events
        SELECT event FROM lifecycle_events ORDER BY sequence DESC LIMIT $1";
    let most = i64::try_from(log.kept).unwrap_or(i64::MAX);
    let mut rows = query(sql).bind(most).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let event: LifecycleEvent = json(&row, "event")?;
        if log.events.front().is_some_and(|next| event.sequence + 1 != next.sequence) {
            return Err(damaged("lifecycle events are missing"));
        }
        log.events.push_front(Arc::new(event));
    }
    Ok(log)
}

fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
