//! The service's clock: the system clock, the guarded system clock, or a virtual clock that callers set.

mod guarded;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::name::PrincipalId;
use crate::model::time::ClockSetting;
use crate::model::time_guard::{ClockStatus, ClockStatusChange, GuardState, TrustLimits};
use crate::model::{Result, Timestamp};

pub use guarded::{ClockSource, GuardedClock, SystemClockSource};

/// A cheap handle to the clock used for key attributes, retention and audit entries. PKCS#11 calls, TLS and
/// credentials use the system clock.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system clock.
    #[default]
    System,
    /// A virtual clock: the system clock plus an offset that only grows, or frozen at an instant.
    Virtual(Arc<VirtualClock>),
    /// The system clock checked by a guard; used by the gateway.
    Guarded(Arc<GuardedClock>),
}

/// A clock that callers set.
#[derive(Debug)]
pub struct VirtualClock {
    setting: RwLock<ClockSetting>,
    changed: watch::Sender<()>,
    /// The principals allowed to set it.
    setters: BTreeSet<PrincipalId>,
}

impl Clock {
    /// Returns a virtual clock that these principals may set. It shows the system time until it is set.
    pub fn settable_by(setters: impl IntoIterator<Item = PrincipalId>) -> Self {
        Self::Virtual(Arc::new(VirtualClock {
            setting: RwLock::new(ClockSetting::default()),
            changed: watch::Sender::new(()),
            setters: setters.into_iter().collect(),
        }))
    }

    /// Returns a virtual clock that no caller of the service may set.
    pub fn virtual_clock() -> Self {
        Self::settable_by([])
    }

    /// Returns a guarded clock. Its first reading is trusted until the stored state is restored.
    pub fn guarded(machine: Arc<dyn ClockSource>, limits: TrustLimits) -> Self {
        Self::Guarded(Arc::new(GuardedClock::new(machine, limits)))
    }

    /// Whether this is a virtual clock.
    pub const fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }

    /// Whether a principal may set this clock.
    pub fn can_be_set_by(&self, principal: PrincipalId) -> bool {
        match self {
            Self::Virtual(clock) => clock.setters.contains(&principal),
            Self::System | Self::Guarded(_) => false,
        }
    }

    /// Restores the stored state of a guarded clock.
    pub fn restore(&self, stored: Option<GuardState>) {
        if let Self::Guarded(clock) = self {
            clock.restore(stored);
        }
    }

    /// Returns the clock's status after a fresh reading; always `Running` unless the clock is guarded.
    pub fn status(&self) -> ClockStatus {
        match self {
            Self::System | Self::Virtual(_) => ClockStatus::Running,
            Self::Guarded(clock) => clock.with(|guard| guard.status()),
        }
    }

    /// Checks that scheduled work may destroy data permanently.
    ///
    /// # Errors
    /// `ClockNotTrusted` if the clock is ahead or behind.
    pub fn check_trusted(&self) -> Result<()> {
        self.status().check_trusted()
    }

    /// Returns the latest time that has certainly been reached. Purge protection ends by this time.
    pub fn certain_time(&self) -> Timestamp {
        match self {
            Self::System | Self::Virtual(_) => self.now(),
            Self::Guarded(clock) => clock.with(|guard| guard.certain_time()),
        }
    }

    /// Returns the state of a guarded clock to store, and the status changes not yet reported.
    pub fn guard_state(&self) -> Option<(GuardState, Vec<ClockStatusChange>)> {
        match self {
            Self::System | Self::Virtual(_) => None,
            Self::Guarded(clock) => {
                Some(clock.with(|guard| (guard.state(), guard.pending_changes().to_vec())))
            }
        }
    }

    /// Returns the state to store if a guarded clock is released now.
    pub fn state_if_released(&self) -> Option<GuardState> {
        match self {
            Self::System | Self::Virtual(_) => None,
            Self::Guarded(clock) => Some(clock.state_if_released()),
        }
    }

    /// Discards the first `count` pending status changes; they are reported.
    pub fn acknowledge_changes(&self, count: usize) {
        if let Self::Guarded(clock) = self {
            clock.acknowledge_changes(count);
        }
    }

    /// Trusts the system clock as it is, ending a hold.
    pub fn release(&self) {
        if let Self::Guarded(clock) = self {
            clock.release();
        }
    }

    /// Returns the limits of plausible time of a guarded clock.
    pub fn limits(&self) -> Option<TrustLimits> {
        match self {
            Self::System | Self::Virtual(_) => None,
            Self::Guarded(clock) => Some(clock.with(|guard| guard.limits())),
        }
    }

    /// Returns the current instant, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Virtual(clock) => clock.setting().time_at(system_now()),
            Self::Guarded(clock) => clock.now(),
        }
    }

    /// Returns the setting of a virtual clock; `None` for the others.
    pub fn setting(&self) -> Option<ClockSetting> {
        match self {
            Self::System | Self::Guarded(_) => None,
            Self::Virtual(clock) => Some(clock.setting()),
        }
    }

    /// Returns the setting with which the clock shows `instant` now, and then runs on or stays frozen.
    pub fn setting_for(&self, instant: Timestamp, frozen: bool) -> ClockSetting {
        if frozen {
            ClockSetting { frozen: Some(instant), ..self.setting().unwrap_or_default() }
        } else {
            let offset = instant.as_microsecond().saturating_sub(system_now().as_microsecond());
            ClockSetting { offset, frozen: None }
        }
    }

    /// Sets a virtual clock and wakes the tasks that sleep by it. Has no effect on other clocks.
    pub fn set(&self, setting: ClockSetting) {
        if let Self::Virtual(clock) = self {
            *clock.setting.write().unwrap_or_else(PoisonError::into_inner) = setting;
            clock.changed.send_replace(());
        }
    }

    /// Sleeps until the clock shows `instant` or is set; the caller checks the time again.
    pub async fn sleep_towards(&self, instant: Timestamp) {
        let clock = match self {
            Self::System => return pause(until(system_now(), instant)).await,
            Self::Guarded(clock) => return clock.sleep_towards(instant).await,
            Self::Virtual(clock) => clock,
        };
        let mut changed = clock.changed.subscribe();
        let setting = clock.setting();
        if setting.frozen.is_some() && instant > setting.time_at(system_now()) {
            let _ = changed.changed().await;
            return;
        }
        tokio::select! {
            () = pause(until(setting.time_at(system_now()), instant)) => {}
            _ = changed.changed() => {}
        }
    }
}

impl VirtualClock {
    fn setting(&self) -> ClockSetting {
        *self.setting.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the time from one instant to a later one; zero if `to` is past. Capped at an hour, because the
/// system clock may be corrected during a long wait.
fn until(from: Timestamp, to: Timestamp) -> Duration {
    let micros = to.as_microsecond().saturating_sub(from.as_microsecond());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(Duration::from_secs(3600))
}

#[expect(clippy::disallowed_methods, reason = "the one place where jobs sleep")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_now() -> Timestamp {
    let now = Timestamp::now();
    // Stored instants have microsecond precision; finer instants would not survive a round trip.
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn system_clock_has_microsecond_precision() {
        let (first, second) = (Clock::System.now(), Clock::System.now());
        assert!(first <= second);
        assert_eq!(first.as_nanosecond() % 1000, 0);
    }

    #[test]
    fn virtual_clock_shows_its_setting() {
        let clock = Clock::virtual_clock();
        let later = at(4_000_000_000);
        clock.set(clock.setting_for(later, true));
        assert_eq!(clock.now(), later);
        clock.set(clock.setting_for(clock.now(), false));
        assert!(clock.now() >= later && clock.now() < at(4_000_000_060));
    }

    #[tokio::test]
    async fn setting_the_clock_wakes_sleeping_tasks() {
        let clock = Clock::virtual_clock();
        clock.set(clock.setting_for(at(4_000_000_000), true));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_towards(at(4_100_000_000)).await }
        });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.set(clock.setting_for(at(4_200_000_000), true));
        sleeper.await.unwrap();
        // An instant in the past returns immediately.
        clock.sleep_towards(at(0)).await;
    }
}
