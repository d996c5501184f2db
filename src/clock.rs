//! The service's time: the system's clock, or one that is turned by hand.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::Timestamp;
use crate::model::time::ClockSetting;

/// Where key attributes, retention and records take their time from. Token calls, TLS and
/// credentials use the machine's own. A cheap handle.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock as it was set: ahead by an offset that only grows, or standing still.
    Virtual(Arc<Virtual>),
}

/// A clock that is turned by hand.
#[derive(Debug)]
pub struct Virtual {
    setting: RwLock<ClockSetting>,
    changed: watch::Sender<()>,
}

impl Clock {
    /// A clock that can be turned, and shows the machine's time until it is.
    pub fn virtual_clock() -> Self {
        Self::Virtual(Arc::new(Virtual {
            setting: RwLock::new(ClockSetting::default()),
            changed: watch::Sender::new(()),
        }))
    }

    /// The present instant, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => machine(),
            Self::Virtual(clock) => clock.setting().shows(machine()),
        }
    }

    /// How the clock is set; a system clock is not.
    pub fn setting(&self) -> Option<ClockSetting> {
        match self {
            Self::System => None,
            Self::Virtual(clock) => Some(clock.setting()),
        }
    }

    /// The setting with which the clock shows `instant` now, and goes on from there or stands still.
    pub fn setting_for(&self, instant: Timestamp, frozen: bool) -> ClockSetting {
        if frozen {
            ClockSetting { frozen: Some(instant), ..self.setting().unwrap_or_default() }
        } else {
            ClockSetting { offset: instant.as_microsecond() - machine().as_microsecond(), frozen: None }
        }
    }

    /// Sets a virtual clock and wakes those who sleep by it. A system clock stays what it is.
    pub fn set(&self, setting: ClockSetting) {
        if let Self::Virtual(clock) = self {
            *clock.setting.write().unwrap_or_else(PoisonError::into_inner) = setting;
            clock.changed.send_replace(());
        }
    }

    /// Sleeps until the clock shows `instant` or is set; whoever calls must look again.
    pub async fn sleep_towards(&self, instant: Timestamp) {
        let Self::Virtual(clock) = self else { return pause(until(machine(), instant)).await };
        let mut changed = clock.changed.subscribe();
        let setting = clock.setting();
        if setting.frozen.is_some() && instant > setting.shows(machine()) {
            let _ = changed.changed().await;
            return;
        }
        tokio::select! {
            () = pause(until(setting.shows(machine()), instant)) => {}
            _ = changed.changed() => {}
        }
    }
}

impl Virtual {
    fn setting(&self) -> ClockSetting {
        *self.setting.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time from one instant to a later one; nothing where that is past. Long waits are cut: the
/// machine's clock may be corrected meanwhile.
fn until(from: Timestamp, to: Timestamp) -> Duration {
    let micros = to.as_microsecond().saturating_sub(from.as_microsecond());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(Duration::from_secs(3600))
}

#[expect(clippy::disallowed_methods, reason = "the one place where jobs sleep")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn machine() -> Timestamp {
    let now = Timestamp::now();
    // Everything that is stored has microseconds, so nothing has more.
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_machines_clock_passes_in_whole_microseconds() {
        let (first, second) = (Clock::System.now(), Clock::System.now());
        assert!(first <= second);
        assert_eq!(first.as_nanosecond() % 1000, 0);
    }

    #[test]
    fn a_virtual_clock_shows_what_it_is_set_to() {
        let clock = Clock::virtual_clock();
        let later = at(4_000_000_000);
        clock.set(clock.setting_for(later, true));
        assert_eq!(clock.now(), later);
        clock.set(clock.setting_for(clock.now(), false));
        assert!(clock.now() >= later && clock.now() < at(4_000_000_060));
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_clock_is_set() {
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
        // What is past is not slept for.
        clock.sleep_towards(at(0)).await;
    }
}
