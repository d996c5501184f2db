//! The metrics and the state of the ledger.

use std::time::Instant;

use metrics::{Counter, Histogram, counter, histogram};
use strongroom_telemetry as telemetry;

/// The state of the ledger, which makes records and changes durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// The calls that wait for the next group.
    pub waiting: usize,
    /// Whether the log or the database cannot be written.
    pub is_failing: bool,
    /// The number of records whose usage is not written to the database yet.
    pub unsaved: u64,
    /// What concerns other instances; `None` if no other instance may use the database.
    pub shared: Option<SharedStatistics>,
}

/// The state of an instance among those that share a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SharedStatistics {
    /// Whether it has the lease of the scheduled work.
    pub has_lease: bool,
    /// The number of the last entry of the log of changes that its state has.
    pub position: u64,
}

/// How a group is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum GroupKind {
    /// Appended to the log.
    Append,
    /// In a transaction of the database.
    Transaction,
}

/// What the ledger counts and times.
pub(super) struct LedgerMetrics {
    records: Counter,
    failures: Counter,
    append: GroupMetrics,
    transaction: GroupMetrics,
}

struct GroupMetrics {
    records: Histogram,
    seconds: Histogram,
}

impl GroupMetrics {
    fn of(kind: &'static str) -> Self {
        Self {
            records: histogram!(telemetry::LEDGER_GROUPS, "kind" => kind),
            seconds: histogram!(telemetry::LEDGER_SECONDS, "kind" => kind),
        }
    }
}

impl LedgerMetrics {
    /// Returns the metrics of the recorder of the process.
    pub(super) fn new(is_shared: bool) -> Self {
        if is_shared {
            // They are shown before the first event.
            for name in [telemetry::CHANGE_LOG_APPLIED, telemetry::DECIDED_AGAIN, telemetry::TAKEOVERS] {
                counter!(name).increment(0);
            }
        }
        Self {
            records: counter!(telemetry::LEDGER_RECORDS),
            failures: counter!(telemetry::LEDGER_FAILURES),
            append: GroupMetrics::of("append"),
            transaction: GroupMetrics::of("transaction"),
        }
    }

    /// Records a group that is durable.
    pub(super) fn written(&self, kind: GroupKind, records: u64, started: Instant) {
        let group = match kind {
            GroupKind::Append => &self.append,
            GroupKind::Transaction => &self.transaction,
        };
        self.records.increment(records);
        #[expect(clippy::cast_precision_loss, reason = "a group has at most a few hundred records")]
        group.records.record(records as f64);
        group.seconds.record(started.elapsed());
    }

    /// Records a group that could not be written.
    pub(super) fn failed(&self) {
        self.failures.increment(1);
    }
}
