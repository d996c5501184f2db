//! What could not be done, and waits before it is tried again: it keeps nothing else from being done.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use crate::model::Timestamp;
use crate::model::name::HsmName;
use crate::model::time::Due;

/// How long failed work waits the first time; twice as long each time after.
const FIRST: Duration = Duration::from_secs(5);
/// How long failed work waits at most.
const LONGEST: Duration = Duration::from_secs(600);
/// After so many failures in a row all work of an HSM waits: its token is away, most likely.
const PATIENCE: u32 = 8;
/// How long it waits then.
const PAUSE: Duration = Duration::from_secs(30);

/// Failed work, by the machine's time: the service's clock may stand still.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    works: BTreeMap<Due, Wait>,
    hsms: BTreeMap<HsmName, Streak>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    until: Timestamp,
    time: Duration,
}

/// Failures in a row.
#[derive(Clone, Copy, Debug)]
struct Streak {
    failures: u32,
    until: Timestamp,
}

impl Waiting {
    /// Whether this is not to be tried yet.
    pub(super) fn holds(&self, due: &Due, now: Timestamp) -> bool {
        self.hsms.get(&due.hsm).is_some_and(|streak| now < streak.until)
            || self.works.get(due).is_some_and(|wait| now < wait.until)
    }

    /// Notes a failure. Says how long the work waits now, and whether it failed for the first time.
    pub(super) fn put_off(&mut self, due: Due, now: Timestamp) -> (Duration, bool) {
        let streak = self.hsms.entry(due.hsm.clone()).or_insert(Streak { failures: 0, until: now });
        streak.failures = streak.failures.saturating_add(1);
        if streak.failures >= PATIENCE {
            streak.until = later(now, PAUSE);
        }
        let before = self.works.get(&due).map(|wait| wait.time);
        let time = before.map_or(FIRST, |time| (time * 2).min(LONGEST));
        self.works.insert(due, Wait { until: later(now, time), time });
        (time, before.is_none())
    }

    /// Notes that this was done, or need not be done any more.
    pub(super) fn settled(&mut self, due: &Due) {
        self.works.remove(due);
        self.hsms.remove(&due.hsm);
    }

    /// Forgets what is not due any more: somebody else did it, or it need not be done.
    pub(super) fn keep(&mut self, is_due: impl Fn(&Due) -> bool) {
        self.works.retain(|due, _| is_due(due));
    }

    /// When something may be tried again.
    pub(super) fn earliest(&self, now: Timestamp) -> Option<Timestamp> {
        let works = self.works.values().map(|wait| wait.until);
        works.chain(self.hsms.values().map(|streak| streak.until)).filter(|until| *until > now).min()
    }

    /// Whether nothing waits.
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
    use crate::model::time::Work;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn due(hsm: &str, key: &str) -> Due {
        Due { at: at(0), hsm: hsm.parse().unwrap(), work: Work::RotateKey(key.parse().unwrap()) }
    }

    #[test]
    fn failed_work_waits_longer_each_time_and_nothing_else_waits() {
        let mut waiting = Waiting::default();
        let (mut now, mut waits) = (at(1_000), Vec::new());
        for _ in 0..7 {
            assert!(!waiting.holds(&due("one", "a"), now));
            let (time, first) = waiting.put_off(due("one", "a"), now);
            assert_eq!(first, waits.is_empty());
            waits.push(time.as_secs());
            assert!(waiting.holds(&due("one", "a"), now));
            assert!(!waiting.holds(&due("one", "b"), now));
            now = waiting.earliest(now).unwrap();
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320]);
        waiting.settled(&due("one", "a"));
        assert_eq!(waiting.put_off(due("one", "a"), now), (FIRST, true));
    }

    #[test]
    fn after_many_failures_the_whole_hsm_waits_and_others_do_not() {
        let mut waiting = Waiting::default();
        let now = at(1_000);
        for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            assert!(!waiting.holds(&due("one", "z"), now));
            waiting.put_off(due("one", key), now);
        }
        assert!(waiting.holds(&due("one", "z"), now));
        assert!(!waiting.holds(&due("two", "z"), now));
        assert!(!waiting.holds(&due("one", "z"), at(1_030)));
        // One success, and it is trusted again.
        waiting.settled(&due("one", "z"));
        waiting.put_off(due("one", "y"), at(1_030));
        assert!(!waiting.holds(&due("one", "z"), at(1_030)));
    }

    #[test]
    fn what_is_not_due_any_more_is_forgotten() {
        let mut waiting = Waiting::default();
        waiting.put_off(due("one", "a"), at(0));
        waiting.put_off(due("one", "b"), at(0));
        waiting.keep(|known| *known == due("one", "b"));
        assert!(!waiting.holds(&due("one", "a"), at(0)) && waiting.holds(&due("one", "b"), at(0)));
        waiting.keep(|_| false);
        assert!(waiting.is_empty());
    }
}
