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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_virtual_clock_is_ahead_by_its_offset() {
        let offset = Arc::new(AtomicI64::new(0));
        let clock = Clock::Virtual(Arc::clone(&offset));
        let copy = clock.clone();
        let week = 7 * 86_400 * 1_000_000;
        let before = Clock::System.now();
        offset.store(week, Ordering::Relaxed);
        for turned in [clock.now(), copy.now()] {
            let ahead = turned.as_microsecond() - before.as_microsecond();
            assert!((week..week + 60_000_000).contains(&ahead), "{ahead}");
        }
    }

    #[test]
    fn instants_are_whole_microseconds() {
        assert_eq!(Clock::System.now().subsec_nanosecond() % 1000, 0);
    }

    #[test]
    fn an_offset_beyond_the_calendar_is_ignored() {
        let clock = Clock::Virtual(Arc::new(AtomicI64::new(i64::MAX)));
        let ahead = clock.now().as_microsecond() - Clock::System.now().as_microsecond();
        assert!(ahead.abs() < 60_000_000, "{ahead}");
    }
}
