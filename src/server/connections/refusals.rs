//! Counts connections that are refused, and logs when refusals begin and end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::counter;

use crate::telemetry;

/// The time without a refusal after which the limit counts as no longer reached.
const CALM: Duration = Duration::from_secs(30);

/// Why a connection is closed for lack of room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    /// Too many connections wait for a slot.
    QueueFull,
    /// It got no slot in time.
    NoSlot,
    /// Its slot is needed for another connection.
    Reclaimed,
    /// The system refuses another descriptor.
    AcceptFailed,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::NoSlot => "no_slot",
            Self::Reclaimed => "reclaimed",
            Self::AcceptFailed => "accept_failed",
        }
    }
}

/// Counts a refusal.
pub(super) fn record(reason: Reason) {
    counter!(telemetry::CONNECTIONS_REFUSED, "reason" => reason.as_str()).increment(1);
}

/// Whether connections are being refused.
#[derive(Debug, Default)]
pub(in crate::server) struct Refusals(Mutex<Option<Instant>>);

impl Refusals {
    /// Counts a refusal, and logs it if it is the first one in a while.
    pub(super) fn refuse(&self, reason: Reason) {
        record(reason);
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(Instant::now());
        if before.is_none() {
            tracing::warn!(
                event = "connections.limit_reached",
                reason = reason.as_str(),
                "connections are refused: there are too many"
            );
        }
    }

    /// Logs that no connections are refused any more, once it is so. To be called every few seconds.
    pub(in crate::server) fn check(&self) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() >= CALM) {
            *last = None;
            tracing::info!(event = "connections.limit_cleared", "connections are accepted again");
        }
    }
}
