//! The retry queue: delays failed work with exponential backoff, without delaying other work.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use crate::model::Timestamp;
use crate::model::name::HsmName;
use crate::model::time::DueWork;

/// The delay after the first failure; doubled after each further one.
const FIRST: Duration = Duration::from_secs(5);
/// The maximum delay.
const LONGEST: Duration = Duration::from_secs(600);
/// After this many consecutive failures all work of an HSM is delayed: most likely its token is unavailable.
const MAX_FAILURES: u32 = 8;
/// The delay of all work of such an HSM.
const PAUSE: Duration = Duration::from_secs(30);

/// Failed work with its retry times, by the machine's clock: the clock of the service may be frozen.
#[derive(Debug, Default)]
pub(super) struct RetryQueue {
    works: BTreeMap<DueWork, Wait>,
    hsms: BTreeMap<HsmName, Streak>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    until: Timestamp,
    time: Duration,
}

/// Consecutive failures of the work of one HSM.
#[derive(Clone, Copy, Debug)]
struct Streak {
    failures: u32,
    until: Timestamp,
}

impl RetryQueue {
    /// Whether the retry time of this work or its HSM is in the future.
    pub(super) fn is_delayed(&self, due: &DueWork, now: Timestamp) -> bool {
        self.hsms.get(&due.hsm).is_some_and(|streak| now < streak.until)
            || self.works.get(due).is_some_and(|wait| now < wait.until)
    }

    /// Schedules a retry. Returns the delay, and whether this is the first failure of the work.
    pub(super) fn schedule_retry(&mut self, due: DueWork, now: Timestamp) -> (Duration, bool) {
        let streak = self.hsms.entry(due.hsm.clone()).or_insert(Streak { failures: 0, until: now });
        streak.failures = streak.failures.saturating_add(1);
        if streak.failures >= MAX_FAILURES {
            streak.until = later(now, PAUSE);
        }
        let before = self.works.get(&due).map(|wait| wait.time);
        let time = before.map_or(FIRST, |time| (time * 2).min(LONGEST));
        self.works.insert(due, Wait { until: later(now, time), time });
        (time, before.is_none())
    }

    /// Removes work that was done or is no longer due, and resets the failures of its HSM.
    pub(super) fn clear(&mut self, due: &DueWork) {
        self.works.remove(due);
        self.hsms.remove(&due.hsm);
    }

    /// Removes work that is no longer due.
    pub(super) fn retain(&mut self, is_due: impl Fn(&DueWork) -> bool) {
        self.works.retain(|due, _| is_due(due));
    }

    /// Returns the earliest retry time after `now`.
    pub(super) fn next_retry(&self, now: Timestamp) -> Option<Timestamp> {
        let works = self.works.values().map(|wait| wait.until);
        works.chain(self.hsms.values().map(|streak| streak.until)).filter(|until| *until > now).min()
    }

    /// Whether no work is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.works.is_empty()
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| now.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::ScheduledWork;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn due(hsm: &str, key: &str) -> DueWork {
        DueWork { at: at(0), hsm: hsm.parse().unwrap(), work: ScheduledWork::RotateKey(key.parse().unwrap()) }
    }

    #[test]
    fn retry_delay_doubles_and_other_work_is_not_delayed() {
        let mut waiting = RetryQueue::default();
        let (mut now, mut waits) = (at(1_000), Vec::new());
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
    fn consecutive_failures_delay_all_work_of_the_hsm() {
        let mut waiting = RetryQueue::default();
        let now = at(1_000);
        for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            assert!(!waiting.is_delayed(&due("one", "z"), now));
            waiting.schedule_retry(due("one", key), now);
        }
        assert!(waiting.is_delayed(&due("one", "z"), now));
        assert!(!waiting.is_delayed(&due("two", "z"), now));
        assert!(!waiting.is_delayed(&due("one", "z"), at(1_030)));
        // One success resets the failures.
        waiting.clear(&due("one", "z"));
        waiting.schedule_retry(due("one", "y"), at(1_030));
        assert!(!waiting.is_delayed(&due("one", "z"), at(1_030)));
    }

    #[test]
    fn removes_work_that_is_no_longer_due() {
        let mut waiting = RetryQueue::default();
        waiting.schedule_retry(due("one", "a"), at(0));
        waiting.schedule_retry(due("one", "b"), at(0));
        waiting.retain(|known| *known == due("one", "b"));
        assert!(!waiting.is_delayed(&due("one", "a"), at(0)) && waiting.is_delayed(&due("one", "b"), at(0)));
        waiting.retain(|_| false);
        assert!(waiting.is_empty());
    }
}
