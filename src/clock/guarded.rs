//! The machine's clock under guard: read, shown as far as it is plausible, and waited for.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::{machine, pause, until};
use crate::model::Timestamp;
use crate::model::time_guard::{Kept, Limits, Reading, TimeGuard};

/// What has a wall clock and monotonic time.
pub trait Machine: Send + Sync + 'static {
    /// Reads both.
    fn read(&self) -> Reading;
}

/// The machine that runs the process.
#[derive(Clone, Copy, Debug)]
pub struct ThisMachine(Instant);

impl Default for ThisMachine {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Machine for ThisMachine {
    fn read(&self) -> Reading {
        Reading { wall: machine(), monotonic: self.0.elapsed() }
    }
}

/// A machine's clock and its guard.
pub struct Guarded {
    machine: Arc<dyn Machine>,
    limits: Limits,
    guard: Mutex<TimeGuard>,
    /// Counts changes of the standing; whoever sleeps by the clock watches it.
    turned: watch::Sender<u64>,
}

impl Guarded {
    pub(super) fn new(machine: Arc<dyn Machine>, limits: Limits) -> Self {
        let guard = Mutex::new(TimeGuard::begin(limits, None, machine.read()));
        Self { machine, limits, guard, turned: watch::Sender::new(0) }
    }

    /// Begins again, with what was stored.
    pub(super) fn begin(&self, kept: Option<Kept>) {
        let reading = self.machine.read();
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) =
            TimeGuard::begin(self.limits, kept, reading);
        self.turned.send_modify(|count| *count += 1);
    }

    /// What the clock shows.
    pub(super) fn now(&self) -> Timestamp {
        self.with(|guard| guard.kept().seen)
    }

    /// Takes a reading, and looks at the guard.
    pub(super) fn with<T>(&self, look: impl FnOnce(&TimeGuard) -> T) -> T {
        let (before, after, seen) = {
            let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
            let before = guard.standing().as_str();
            // Read under the lock, so that readings are in order.
            guard.observe(self.machine.read());
            (before, guard.standing().as_str(), look(&guard))
        };
        if before != after {
            self.turned.send_modify(|count| *count += 1);
        }
        seen
    }

    pub(super) fn kept_if_released(&self) -> Kept {
        let mark = self.machine.read().wall;
        Kept { mark, seen: mark, hold: None }
    }

    pub(super) fn told(&self, turns: usize) {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner).told(turns);
    }

    pub(super) fn release(&self) {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner).release(self.machine.read());
        self.turned.send_modify(|count| *count += 1);
    }

    /// Sleeps until the clock shows an instant or its standing changes; whoever calls must look again.
    pub(super) async fn sleep_towards(&self, instant: Timestamp) {
        let mut turned = self.turned.subscribe();
        tokio::select! {
            () = pause(until(self.now(), instant)) => {}
            _ = turned.changed() => {}
        }
    }

    /// Changes of the standing that were not told yet.
    #[cfg(test)]
    pub(super) fn turns(&self) -> Vec<crate::model::time_guard::Turn> {
        self.with(|guard| guard.turns().to_vec())
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
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

    /// A machine whose clock is set by the test.
    struct Fake(Mutex<Reading>);

    impl Machine for Fake {
        fn read(&self) -> Reading {
            *self.0.lock().unwrap()
        }
    }

    impl Fake {
        fn new() -> Arc<Self> {
            let wall = Timestamp::from_second(1_800_000_000).unwrap();
            Arc::new(Self(Mutex::new(Reading { wall, monotonic: Duration::ZERO })))
        }

        fn set_ahead(&self, days: i64) {
            let mut reading = self.0.lock().unwrap();
            reading.wall += SignedDuration::from_hours(24 * days);
        }
    }

    fn of(clock: &Clock) -> &Guarded {
        match clock {
            Clock::Guarded(guarded) => guarded,
            Clock::System | Clock::Virtual(_) => panic!("it is guarded"),
        }
    }

    #[test]
    fn a_reading_that_shows_a_jump_is_the_first_that_is_not_trusted() {
        let machine = Fake::new();
        let clock = Clock::guarded(Arc::clone(&machine) as Arc<dyn Machine>, Limits::default());
        let before = clock.now();
        assert!(clock.check_trusted().is_ok());
        machine.set_ahead(91);
        assert!(clock.check_trusted().is_err(), "no other reading was needed to see it");
        assert_eq!(clock.sure(), before);
        assert_eq!(clock.now(), before + SignedDuration::from_hours(24 * 91));
        let (kept, turns) = clock.kept().unwrap();
        assert_eq!((kept.mark, turns), (before, vec![Turn::Held]));
        clock.told(1);
        machine.set_ahead(-91);
        assert_eq!((clock.standing(), of(&clock).turns()), (Standing::Running, vec![Turn::Corrected]));
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_clock_is_released() {
        let machine = Fake::new();
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
