//! Returns the clock of the service.

use super::ServiceClock;
use crate::clock::Clock;
use crate::model::audit_entry::Meter;
use crate::model::time::ClockSetting;
use crate::model::time_guard::{ClockStatus, TrustLimits};
use crate::model::{Result, Timestamp};
use crate::ops::{ClockCx, Done, Operation, RolelessAction};

/// Returns the state of the clock.
#[derive(Clone, Copy, Debug)]
pub struct GetClock;

/// The state of the clock.
#[derive(Clone, Copy, Debug)]
pub struct ClockState {
    /// The current time of the service.
    pub now: Timestamp,
    /// The setting of a virtual clock.
    pub setting: ClockSetting,
    /// Whether the machine's clock is trusted.
    pub standing: ClockStatus,
    /// The limits of plausible times; `None` for a virtual clock.
    pub limits: Option<TrustLimits>,
}

impl ClockState {
    /// Returns the state of a virtual clock.
    pub(super) const fn of_virtual(now: Timestamp, setting: ClockSetting) -> Self {
        Self { now, setting, standing: ClockStatus::Running, limits: None }
    }

    /// Returns the current state of a clock.
    pub(super) fn of(clock: &Clock) -> Self {
        Self {
            now: clock.now(),
            setting: clock.setting().unwrap_or_default(),
            standing: clock.status(),
            limits: clock.limits(),
        }
    }
}

impl Operation for GetClock {
    const NAME: &'static str = "GetClock";
    const EVENT: &'static str = "ClockGet";
    const ACTION: RolelessAction = RolelessAction::AnyCaller;
    const METER: Meter = Meter::Free;
    type Target = ServiceClock;
    type Reply = ClockState;

    fn target(&self) {}

    async fn execute(self, _: ServiceClock, cx: &ClockCx) -> Result<Done<ClockState>> {
        Ok(Done::reply(ClockState::of(&cx.clock)))
    }
}
