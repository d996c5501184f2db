//! The service's time: the machine's clock under guard, or one that is turned by hand.

mod guarded;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::name::PrincipalId;
use crate::model::time::ClockSetting;
use crate::model::time_guard::{Kept, Limits, Standing, Turn};
use crate::model::{Result, Timestamp};

pub use guarded::{Guarded, Machine, ThisMachine};

/// Where key attributes, retention and records take their time from. Token calls, TLS and
/// credentials use the machine's own. A cheap handle.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock as it was set: ahead by an offset that only grows, or standing still.
    Virtual(Arc<Virtual>),
    /// The machine's clock, as far as it is believed: a gateway's.
    Guarded(Arc<Guarded>),
}

/// A clock that is turned by hand.
#[derive(Debug)]
pub struct Virtual {
    setting: RwLock<ClockSetting>,
    changed: watch::Sender<()>,
    /// Who may turn it.
    turners: BTreeSet<PrincipalId>,
}

impl Clock {
    /// A clock that can be turned, by these principals, and shows the machine's time until it is.
    pub fn turned_by(turners: impl IntoIterator<Item = PrincipalId>) -> Self {
        Self::Virtual(Arc::new(Virtual {
            setting: RwLock::new(ClockSetting::default()),
            changed: watch::Sender::new(()),
            turners: turners.into_iter().collect(),
        }))
    }

    /// A clock that can be turned, by nobody who calls the service.
    pub fn virtual_clock() -> Self {
        Self::turned_by([])
    }

    /// A machine's clock under guard. It is believed until [`begin`](Self::begin) says what it showed last.
    pub fn guarded(machine: Arc<dyn Machine>, limits: Limits) -> Self {
        Self::Guarded(Arc::new(Guarded::new(machine, limits)))
    }

    /// Whether it can be turned.
    pub const fn can_be_turned(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }

    /// Whether a principal may turn it.
    pub fn may_be_turned_by(&self, principal: PrincipalId) -> bool {
        match self {
            Self::Virtual(clock) => clock.turners.contains(&principal),
            Self::System | Self::Guarded(_) => false,
        }
    }

    /// Tells a guarded clock what was stored of it.
    pub fn begin(&self, kept: Option<Kept>) {
        if let Self::Guarded(clock) = self {
            clock.begin(kept);
        }
    }

    /// How the clock stands, by a reading of now. Only a guarded one can be wrong.
    pub fn standing(&self) -> Standing {
        match self {
            Self::System | Self::Virtual(_) => Standing::Running,
            Self::Guarded(clock) => clock.with(|guard| guard.standing()),
        }
    }

    /// Whether something may be destroyed for good because its time has come.
    ///
    /// # Errors
    /// `ClockNotTrusted` where the clock is ahead or behind.
    pub fn check_trusted(&self) -> Result<()> {
        self.standing().check_trusted()
    }

    /// The latest time of which it is sure that it has come: what protects something from being destroyed ends then.
    pub fn sure(&self) -> Timestamp {
        match self {
            Self::System | Self::Virtual(_) => self.now(),
            Self::Guarded(clock) => clock.with(|guard| guard.sure()),
        }
    }

    /// What of a guarded clock is to be stored, and what changed of its standing and was not told yet.
    pub fn kept(&self) -> Option<(Kept, Vec<Turn>)> {
        match self {
            Self::System | Self::Virtual(_) => None,
            Self::Guarded(clock) => Some(clock.with(|guard| (guard.kept(), guard.turns().to_vec()))),
        }
    }

    /// What is to be stored of a guarded clock that is released now.
    pub fn kept_if_released(&self) -> Option<Kept> {
        match self {
            Self::System | Self::Virtual(_) => None,
            Self::Guarded(clock) => Some(clock.kept_if_released()),
        }
    }

    /// Notes that so many changes of the standing were told.
    pub fn told(&self, turns: usize) {
        if let Self::Guarded(clock) = self {
            clock.told(turns);
        }
    }

    /// Believes the machine's clock as it is.
    pub fn release(&self) {
        if let Self::Guarded(clock) = self {
            clock.release();
        }
    }

    /// What is plausible of a guarded clock.
    pub fn limits(&self) -> Option<Limits> {
        match self {
            Self::System | Self::Virtual(_) => None,
            Self::Guarded(clock) => Some(clock.with(|guard| guard.limits())),
        }
    }

    /// The present instant, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => machine(),
            Self::Virtual(clock) => clock.setting().shows(machine()),
            Self::Guarded(clock) => clock.now(),
        }
    }

    /// How the clock is set; only a virtual one is.
    pub fn setting(&self) -> Option<ClockSetting> {
        match self {
            Self::System | Self::Guarded(_) => None,
            Self::Virtual(clock) => Some(clock.setting()),
        }
    }

    /// The setting with which the clock shows `instant` now, and goes on from there or stands still.
    pub fn setting_for(&self, instant: Timestamp, frozen: bool) -> ClockSetting {
        if frozen {
            ClockSetting { frozen: Some(instant), ..self.setting().unwrap_or_default() }
        } else {
            let offset = instant.as_microsecond().saturating_sub(machine().as_microsecond());
            ClockSetting { offset, frozen: None }
        }
    }

    /// Sets a virtual clock and wakes those who sleep by it. Any other stays what it is.
    pub fn set(&self, setting: ClockSetting) {
        if let Self::Virtual(clock) = self {
            *clock.setting.write().unwrap_or_else(PoisonError::into_inner) = setting;
            clock.changed.send_replace(());
        }
    }

    /// Sleeps until the clock shows `instant` or is set; whoever calls must look again.
    pub async fn sleep_towards(&self, instant: Timestamp) {
        let clock = match self {
            Self::System => return pause(until(machine(), instant)).await,
            Self::Guarded(clock) => return clock.sleep_towards(instant).await,
            Self::Virtual(clock) => clock,
        };
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
