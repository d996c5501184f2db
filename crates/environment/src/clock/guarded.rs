//! The machine's clock checked by a [`TimeGuard`]: reads it, reports plausible time, and sleeps by it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::{pause, system_now, until};
use crate::model::Timestamp;
use crate::model::time_guard::{ClockReading, GuardState, TimeGuard, TrustLimits};

/// A source of wall-clock and monotonic time.
pub trait ClockSource: Send + Sync + 'static {
    /// Reads both clocks together.
    fn read(&self) -> ClockReading;
}

/// The clocks of the machine that runs the process. Monotonic time counts from its creation.
#[derive(Clone, Copy, Debug)]
pub struct SystemClockSource(Instant);

impl Default for SystemClockSource {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl ClockSource for SystemClockSource {
    fn read(&self) -> ClockReading {
        ClockReading { wall: system_now(), monotonic: self.0.elapsed() }
    }
}

/// A machine's clock with the guard that judges its readings.
pub struct GuardedClock {
    machine: Arc<dyn ClockSource>,
    limits: TrustLimits,
    guard: Mutex<TimeGuard>,
    /// Counts changes of the clock's status and wakes the tasks that sleep by the clock.
    status_changes: watch::Sender<u64>,
}

impl GuardedClock {
    pub(super) fn new(machine: Arc<dyn ClockSource>, limits: TrustLimits) -> Self {
        let guard = Mutex::new(TimeGuard::new(limits, None, machine.read()));
        Self { machine, limits, guard, status_changes: watch::Sender::new(0) }
    }

    /// Replaces the guard by one that starts from the stored state.
    pub(super) fn restore(&self, stored: Option<GuardState>) {
        let reading = self.machine.read();
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) =
            TimeGuard::new(self.limits, stored, reading);
        self.status_changes.send_modify(|count| *count += 1);
    }

    /// Returns the time to show, after taking a reading.
    pub(super) fn now(&self) -> Timestamp {
        self.with(|guard| guard.state().seen)
    }

    /// Takes a reading and returns what `look` reads from the guard.
    pub(super) fn with<T>(&self, look: impl FnOnce(&TimeGuard) -> T) -> T {
        let (before, after, seen) = {
            let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
            let before = guard.status().as_str();
            // Read while the lock is held, so that the guard observes readings in order.
            guard.observe(self.machine.read());
            (before, guard.status().as_str(), look(&guard))
        };
        if before != after {
            self.status_changes.send_modify(|count| *count += 1);
        }
        seen
    }

    /// Returns the state to store if the clock is released now.
    pub(super) fn state_if_released(&self) -> GuardState {
        let mark = self.machine.read().wall;
        GuardState { mark, seen: mark, hold: None }
    }

    /// Discards the first `count` pending status changes; they are reported.
    pub(super) fn acknowledge_changes(&self, count: usize) {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner).acknowledge_changes(count);
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
    pub(super) fn pending_changes(&self) -> Vec<crate::model::time_guard::ClockStatusChange> {
        self.with(|guard| guard.pending_changes().to_vec())
    }
}

impl fmt::Debug for GuardedClock {
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
    use crate::model::time_guard::{ClockStatus, ClockStatusChange};

    /// A machine whose clock the test sets.
    struct FakeMachine(Mutex<ClockReading>);

    impl ClockSource for FakeMachine {
        fn read(&self) -> ClockReading {
            *self.0.lock().unwrap()
        }
    }

    impl FakeMachine {
        fn new() -> Arc<Self> {
            let wall = Timestamp::from_second(1_800_000_000).unwrap();
            Arc::new(Self(Mutex::new(ClockReading { wall, monotonic: Duration::ZERO })))
        }

        fn set_ahead(&self, days: i64) {
            let mut reading = self.0.lock().unwrap();
            reading.wall += SignedDuration::from_hours(24 * days);
        }
    }

    fn guarded(clock: &Clock) -> &GuardedClock {
        match clock {
            Clock::Guarded(guarded) => guarded,
            Clock::System | Clock::Virtual(_) => panic!("the clock is not guarded"),
        }
    }

    #[test]
    fn first_reading_after_a_jump_is_not_trusted() {
        let machine = FakeMachine::new();
        let clock = Clock::guarded(Arc::clone(&machine) as Arc<dyn ClockSource>, TrustLimits::default());
        let before = clock.now();
        assert!(clock.check_trusted().is_ok());
        machine.set_ahead(91);
        assert!(clock.check_trusted().is_err(), "the first reading after the jump is not trusted");
        assert_eq!(clock.certain_time(), before);
        assert_eq!(clock.now(), before + SignedDuration::from_hours(24 * 91));
        let (state, changes) = clock.guard_state().unwrap();
        assert_eq!((state.mark, changes), (before, vec![ClockStatusChange::Held]));
        clock.acknowledge_changes(1);
        machine.set_ahead(-91);
        assert_eq!(
            (clock.status(), guarded(&clock).pending_changes()),
            (ClockStatus::Running, vec![ClockStatusChange::Corrected])
        );
    }

    #[tokio::test]
    async fn release_wakes_sleeping_tasks() {
        let machine = FakeMachine::new();
        let clock = Clock::guarded(Arc::clone(&machine) as Arc<dyn ClockSource>, TrustLimits::default());
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
