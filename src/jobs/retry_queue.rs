//! The retry queue: delays failed work with exponential backoff, without delaying other work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::container::ContainerId;
use crate::model::time::DueWork;

/// The delay after the first failure; doubled after each further one.
const FIRST: Duration = Duration::from_secs(5);
/// The maximum delay.
const LONGEST: Duration = Duration::from_secs(600);
/// After this many consecutive failures all work of a container is delayed: most likely its token is unavailable.
const MAX_FAILURES: u32 = 8;
/// The delay of all work of such a container.
const PAUSE: Duration = Duration::from_secs(30);

/// Failed work with its retry times, in monotonic time: the clock of the service may be frozen, and a step of the
/// machine's wall clock neither delays nor hastens a retry.
#[derive(Debug, Default)]
pub(super) struct RetryQueue {
    works: BTreeMap<DueWork, Wait>,
    containers: BTreeMap<Option<ContainerId>, Streak>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    until: Instant,
    time: Duration,
}

/// Consecutive failures of the work of one container, or of the control plane.
#[derive(Clone, Copy, Debug)]
struct Streak {
    failures: u32,
    until: Instant,
}

impl RetryQueue {
    /// Whether the retry time of this work or its container is in the future.
    pub(super) fn is_delayed(&self, due: &DueWork, now: Instant) -> bool {
        self.containers.get(&due.work.container()).is_some_and(|streak| now < streak.until)
            || self.works.get(due).is_some_and(|wait| now < wait.until)
    }

    /// Schedules a retry. Returns the delay, and whether this is the first failure of the work.
    pub(super) fn schedule_retry(&mut self, due: DueWork, now: Instant) -> (Duration, bool) {
        let streak =
            self.containers.entry(due.work.container()).or_insert(Streak { failures: 0, until: now });
        streak.failures = streak.failures.saturating_add(1);
        if streak.failures >= MAX_FAILURES {
            streak.until = now + PAUSE;
        }
        let before = self.works.get(&due).map(|wait| wait.time);
        let time = before.map_or(FIRST, |time| (time * 2).min(LONGEST));
        self.works.insert(due, Wait { until: now + time, time });
        (time, before.is_none())
    }

    /// Removes work that was done or is no longer due, and resets the failures of its container. Returns whether it had failed.
    pub(super) fn clear(&mut self, due: &DueWork) -> bool {
        self.containers.remove(&due.work.container());
        self.works.remove(due).is_some()
    }

    /// Returns the queued work.
    pub(super) fn works(&self) -> Vec<DueWork> {
        self.works.keys().cloned().collect()
    }

    /// Removes work that is no longer due.
    pub(super) fn retain(&mut self, is_due: impl Fn(&DueWork) -> bool) {
        self.works.retain(|due, _| is_due(due));
    }

    /// Returns the earliest retry time after `now`.
    pub(super) fn next_retry(&self, now: Instant) -> Option<Instant> {
        let works = self.works.values().map(|wait| wait.until);
        works.chain(self.containers.values().map(|streak| streak.until)).filter(|until| *until > now).min()
    }

    /// Whether no work is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.works.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::time::ScheduledWork;

    fn due(hsm: &str, key: &str) -> DueWork {
        DueWork {
            at: Timestamp::UNIX_EPOCH,
            work: ScheduledWork::RotateKey(hsm.parse().unwrap(), key.parse().unwrap()),
        }
    }

    #[test]
    fn retry_delay_doubles_and_other_work_is_not_delayed() {
        let mut waiting = RetryQueue::default();
        let (mut now, mut waits) = (Instant::now(), Vec::new());
        for _ in 0..7 {
            assert!(!waiting.is_delayed(&due("one", "a"), now));
            let (time, first) = waiting.schedule_retry(due("one", "a"), now);
            assert_eq!(first, waits.is_empty());
            waits.push(time.as_secs());
            assert!(waiting.is_delayed(&due("one", "a"), now));
            assert!(!waiting.is_delayed(&due("one", "b"), now));
            now = waiting.next_retry(now).unwrap();
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320]);
        waiting.clear(&due("one", "a"));
        assert_eq!(waiting.schedule_retry(due("one", "a"), now), (FIRST, true));
    }

    #[test]
    fn retry_time_is_a_delay_in_monotonic_time() {
        let (mut waiting, now) = (RetryQueue::default(), Instant::now());
        // Due dates are of the service's clock, which may be years from the machine's; they do not change the delay.
        let overdue = due("one", "a");
        let future = DueWork { at: Timestamp::MAX, ..due("two", "a") };
        for due in [overdue, future] {
            waiting.schedule_retry(due.clone(), now);
            assert!(waiting.is_delayed(&due, now + FIRST - Duration::from_nanos(1)));
            assert!(!waiting.is_delayed(&due, now + FIRST));
            assert_eq!(waiting.next_retry(now), Some(now + FIRST));
        }
        assert_eq!(waiting.next_retry(now + FIRST), None);
    }

    #[test]
    fn consecutive_failures_delay_all_work_of_the_hsm() {
        let mut waiting = RetryQueue::default();
        let now = Instant::now();
        for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            assert!(!waiting.is_delayed(&due("one", "z"), now));
            waiting.schedule_retry(due("one", key), now);
        }
        assert!(waiting.is_delayed(&due("one", "z"), now));
        assert!(!waiting.is_delayed(&due("two", "z"), now));
        assert!(!waiting.is_delayed(&due("one", "z"), now + PAUSE));
        // One success resets the failures.
        waiting.clear(&due("one", "z"));
        waiting.schedule_retry(due("one", "y"), now + PAUSE);
        assert!(!waiting.is_delayed(&due("one", "z"), now + PAUSE));
    }

    #[test]
    fn removes_work_that_is_no_longer_due() {
        let mut waiting = RetryQueue::default();
        let now = Instant::now();
        waiting.schedule_retry(due("one", "a"), now);
        waiting.schedule_retry(due("one", "b"), now);
        waiting.retain(|known| *known == due("one", "b"));
        assert!(!waiting.is_delayed(&due("one", "a"), now) && waiting.is_delayed(&due("one", "b"), now));
        waiting.retain(|_| false);
        assert!(waiting.is_empty());
    }
}
