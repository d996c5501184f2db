//! Counts and times calls, for the metrics of the service.

use std::time::Duration;

use metrics::{counter, histogram};

use crate::model::audit_entry::{AuditEntry, ItemCounts};
use crate::telemetry;

/// The result of a call that succeeded.
const OK: &str = "ok";

/// Records a call that has ended.
pub(super) fn record(entry: &AuditEntry, duration: Duration) {
    let (surface, operation) = (entry.origin.surface.as_str(), entry.event);
    let result = match entry.result {
        Ok(()) => OK,
        Err(reason) => reason,
    };
    counter!(telemetry::CALLS, "surface" => surface, "operation" => operation, "result" => result)
        .increment(1);
    histogram!(telemetry::CALL_SECONDS, "surface" => surface, "operation" => operation).record(duration);
    if let Some(ItemCounts { all, failed: Some(failed) }) = entry.items {
        let items = |result: &'static str, count: u32| {
            counter!(telemetry::BATCH_ITEMS, "operation" => operation, "result" => result)
                .increment(count.into());
        };
        items(OK, all.saturating_sub(failed));
        items("failed", failed);
    }
}

/// Records that a call is decided again, because another instance has changed the state by which it was decided.
pub(super) fn record_decided_again() {
    counter!(telemetry::DECIDED_AGAIN).increment(1);
}
