//! How many calls a token has had, and how long they took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The number of classes of durations. Each is twice as long as the one before; the first is a microsecond.
const CLASSES: usize = 32;

/// The calls of a token since the service was started.
#[derive(Debug, Default)]
pub(super) struct CallHistory {
    failed: AtomicU64,
    durations: [AtomicU64; CLASSES],
}

/// The numbers of calls, and their durations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CallStatistics {
    /// The calls that have ended, with the time in the queue.
    pub ended: u64,
    /// Those of them that have failed.
    pub failed: u64,
    /// A duration that half of them did not exceed, rounded up to a power of two of microseconds; zero without calls.
    pub median: Duration,
    /// A duration that 99 % of them did not exceed, rounded up in the same way.
    pub percentile_99: Duration,
}

impl CallHistory {
    /// Records a call.
    pub(super) fn record(&self, duration: Duration, failed: bool) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
        // The smallest power of two that is not exceeded by the duration.
        let class = usize::try_from(u64::BITS - (micros - 1).leading_zeros()).unwrap_or(CLASSES);
        if let Some(count) = self.durations.get(class.min(CLASSES - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// Returns the numbers up to now.
    pub(super) fn statistics(&self) -> CallStatistics {
        let counts = self.durations.each_ref().map(|count| count.load(Ordering::Relaxed));
        let ended = counts.iter().sum();
        let longest_of = |part: u64| {
            let mut left = part;
            let class = counts.iter().position(|count| {
                let is_here = left <= *count;
                left = left.saturating_sub(*count);
                is_here
            });
            Duration::from_micros(class.map_or(0, |class| 1 << class))
        };
        let (median, percentile_99) = match ended {
            0 => (Duration::ZERO, Duration::ZERO),
            ended => (longest_of(ended.div_ceil(2)), longest_of((ended - ended / 100).max(1))),
        };
        CallStatistics { ended, failed: self.failed.load(Ordering::Relaxed), median, percentile_99 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_that_most_calls_do_not_exceed() {
        let history = CallHistory::default();
        assert_eq!(history.statistics(), CallStatistics::default());
        for micros in [0, 1, 3, 4, 5] {
            history.record(Duration::from_micros(micros), micros == 3);
        }
        let found = history.statistics();
        assert_eq!((found.ended, found.failed), (5, 1));
        assert_eq!((found.median, found.percentile_99), (Duration::from_micros(4), Duration::from_micros(8)));
        for _ in 0..995 {
            history.record(Duration::from_micros(900), false);
        }
        history.record(Duration::from_secs(1_000_000), false);
        let found = history.statistics();
        let millisecond = Duration::from_micros(1024);
        assert_eq!((found.ended, found.median, found.percentile_99), (1001, millisecond, millisecond));
    }
}
