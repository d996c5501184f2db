//! The machine's clock checked by a [`TimeGuard`]: reads it, reports plausible time, and sleeps by it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::{pause, system_now, until};
use crate::model::Timestamp;
use crate::model::time_guard::{Kept, Limits, Reading, TimeGuard};

/// A source of wall-clock and monotonic time.
pub trait Machine: Send + Sync + 'static {
    /// Reads both clocks together.
    fn read(&self) -> Reading;
}

/// The clocks of the machine that runs the process. Monotonic time counts from its creation.
#[derive(Clone, Copy, Debug)]
pub struct ThisMachine(Instant);

impl Default for ThisMachine {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Machine for ThisMachine {
    fn read(&self) -> Reading {
        Reading { wall: system_now(), monotonic: self.0.elapsed() }
    }
}

/// A machine's clock with the guard that judges its readings.
pub struct Guarded {
    machine: Arc<dyn Machine>,
    limits: Limits,
    guard: Mutex<TimeGuard>,
    /// Counts changes of the clock's status and wakes the tasks that sleep by the clock.
    status_changes: watch::Sender<u64>,
}

impl Guarded {
    pub(super) fn new(machine: Arc<dyn Machine>, limits: Limits) -> Self {
        let guard = Mutex::new(TimeGuard::begin(limits, None, machine.read()));
        Self { machine, limits, guard, status_changes: watch::Sender::new(0) }
    }

    /// Replaces the guard by one that starts from the stored state.
    pub(super) fn begin(&self, stored: Option<Kept>) {
        let reading = self.machine.read();
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) =
            TimeGuard::begin(self.limits, stored, reading);
        self.status_changes.send_modify(|count| *count += 1);
    }

    /// Returns the time to show, after taking a reading.
    pub(super) fn now(&self) -> Timestamp {
        self.with(|guard| guard.kept().seen)
    }

    /// Takes a reading and returns what `look` reads from the guard.
    pub(super) fn with<T>(&self, look: impl FnOnce(&TimeGuard) -> T) -> T {
        let (before, after, seen) = {
            let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
            let before = guard.standing().as_str();
            // Read while the lock is held, so that the guard observes readings in order.
            guard.observe(self.machine.read());
            (before, guard.standing().as_str(), look(&guard))
        };
        if before != after {
            self.status_changes.send_modify(|count| *count += 1);
        }
        seen
    }

    /// Returns the state to store if the clock is released now.
    pub(super) fn kept_if_released(&self) -> Kept {
        let mark = self.machine.read().wall;
        Kept { mark, seen: mark, hold: None }
    }

    /// Discards the first `count` pending status changes; they are reported.
    pub(super) fn told(&self, count: usize) {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner).told(count);
    }

    /// Trusts the machine's clock as it is and wakes the tasks that sleep by it.
    pub(super) fn release(&self) {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner).release(self.machine.read());
        self.status_changes.send_modify(|count| *count += 1);
    }

    /// Sleeps until the clock shows `instant` or its status changes; the caller checks the time again.
    pub(super) async fn sleep_towards(&self, instant: Timestamp) {
        let mut status_changes = self.status_changes.subscribe();
        tokio::select! {
            () = pause(until(self.now(), instant)) => {}
            _ = status_changes.changed() => {}
        }
    }

    /// Returns the status changes that are not yet reported.
    #[cfg(test)]
    pub(super) fn turns(&self) -> Vec<crate::model::time_guard::Turn> {
        self.with(|guard| guard.turns().to_vec())
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedClock")
            .field("limits", &self.limits)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;

    use super::super::Clock;
    use super::*;
    use crate::model::time_guard::{Standing, Turn};

    /// A machine whose clock the test sets.
    struct FakeMachine(Mutex<Reading>);

    impl Machine for FakeMachine {
        fn read(&self) -> Reading {
            *self.0.lock().unwrap()
        }
    }

    impl FakeMachine {
        fn new() -> Arc<Self> {
            let wall = Timestamp::from_second(1_800_000_000).unwrap();
            Arc::new(Self(Mutex::new(Reading { wall, monotonic: Duration::ZERO })))
        }

        fn set_ahead(&self, days: i64) {
            let mut reading = self.0.lock().unwrap();
            reading.wall += SignedDuration::from_hours(24 * days);
        }
    }

    fn guarded(clock: &Clock) -> &Guarded {
        match clock {
            Clock::Guarded(guarded) => guarded,
            Clock::System | Clock::Virtual(_) => panic!("the clock is not guarded"),
        }
    }

    #[test]
    fn first_reading_after_a_jump_is_not_trusted() {
        let machine = FakeMachine::new();
        let clock = Clock::guarded(Arc::clone(&machine) as Arc<dyn Machine>, Limits::default());
        let before = clock.now();
        assert!(clock.check_trusted().is_ok());
        machine.set_ahead(91);
        assert!(clock.check_trusted().is_err(), "the first reading after the jump is not trusted");
        assert_eq!(clock.sure(), before);
        assert_eq!(clock.now(), before + SignedDuration::from_hours(24 * 91));
        let (state, changes) = clock.kept().unwrap();
        assert_eq!((state.mark, changes), (before, vec![Turn::Held]));
        clock.told(1);
        machine.set_ahead(-91);
        assert_eq!((clock.standing(), guarded(&clock).turns()), (Standing::Running, vec![Turn::Corrected]));
    }

    #[tokio::test]
    async fn release_wakes_sleeping_tasks() {
        let machine = FakeMachine::new();
        let clock = Clock::guarded(Arc::clone(&machine) as Arc<dyn Machine>, Limits::default());
        machine.set_ahead(91);
        assert!(clock.check_trusted().is_err());
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_towards(Timestamp::MAX).await }
        });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.release();
        sleeper.await.unwrap();
        assert!(clock.check_trusted().is_ok());
    }
}
