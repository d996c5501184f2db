//! The service's time: the system's clock, or one that is turned by hand.

use std::sync::Arc;

use crate::model::Timestamp;

/// Where key attributes, retention and records take their time from. Token calls, TLS and
/// credentials use the machine's own.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The machine's clock and an offset, in microseconds, that only grows.
    Virtual(Arc<std::sync::atomic::AtomicI64>),
}

impl Clock {
    /// The present instant, in whole microseconds.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        let offset = match self {
            Self::System => 0,
            Self::Virtual(offset) => offset.load(std::sync::atomic::Ordering::Relaxed),
        };
        Timestamp::from_microsecond(now.as_microsecond().saturating_add(offset)).unwrap_or(now)
    }
}
