//! Usage that is counted in memory, and not written to the database yet.
//!
//! It is written with the next group of changes, and at the latest after a time or a number of records, so that few records are
//! read from the log when the store is opened.

use std::time::{Duration, Instant};

use super::usage::Usage;

/// The time after which usage is written.
const TIME: Duration = Duration::from_secs(60);

/// The number of records after which usage is written.
const RECORDS: u64 = 100_000;

/// The time after a failure before the next attempt.
const RETRY: Duration = Duration::from_secs(5);

/// What the records after the position of the database count.
pub(super) struct Unsaved {
    pub(super) usage: Usage,
    /// When the first of them was counted.
    since: Option<Instant>,
    /// When writing may be attempted again after a failure.
    retry: Option<Instant>,
}

impl Unsaved {
    /// Usage that is not written yet.
    pub(super) fn new(usage: Usage) -> Self {
        let since = (!usage.is_empty()).then(Instant::now);
        Self { usage, since, retry: None }
    }

    /// Adds the counts of a group.
    pub(super) fn add(&mut self, group: Usage) {
        if !group.is_empty() {
            self.since.get_or_insert_with(Instant::now);
            self.usage.add(group);
        }
    }

    /// Whether it must be written, given the number of records since the position of the database.
    pub(super) fn is_due(&self, records: u64) -> bool {
        self.due_in().is_some_and(|remaining| {
            remaining.is_zero()
                || (records >= RECORDS && self.retry.is_none_or(|retry| Instant::now() >= retry))
        })
    }

    /// The time until it must be written, if there is anything to write.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let due = (self.since? + TIME).max(self.retry.unwrap_or(self.since?));
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// Postpones the next attempt after a failure.
    pub(super) fn postpone(&mut self) {
        self.retry = Some(Instant::now() + RETRY);
    }

    /// Removes what has been written.
    pub(super) fn clear(&mut self) {
        *self = Self::new(Usage::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::audit_entry::Meter;
    use crate::usage::Counter;

    #[test]
    fn usage_is_due_after_time_or_records() {
        let mut unsaved = Unsaved::new(Usage::default());
        assert!(!unsaved.is_due(RECORDS) && unsaved.due_in().is_none(), "there is nothing to write");
        let mut group = Usage::default();
        group.count(Counter::of(None, "KeySign", Meter::Cryptographic, Timestamp::UNIX_EPOCH), 1);
        unsaved.add(group.clone());
        assert!(!unsaved.is_due(1) && unsaved.is_due(RECORDS));
        unsaved.postpone();
        assert!(!unsaved.is_due(RECORDS), "a failure is not repeated at once");
        unsaved.retry = Some(Instant::now());
        assert!(unsaved.is_due(RECORDS));
        unsaved.since = Some(Instant::now() - TIME);
        assert!(unsaved.is_due(1) && unsaved.due_in() == Some(Duration::ZERO));
        unsaved.clear();
        assert!(!unsaved.is_due(RECORDS) && unsaved.usage.is_empty());
    }
}
