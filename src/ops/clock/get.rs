//! Returns the clock of the service.

use super::TheClock;
use crate::clock::Clock;
use crate::model::entry::Meter;
use crate::model::time::ClockSetting;
use crate::model::time_guard::{Limits, Standing};
use crate::model::{Result, Timestamp};
use crate::ops::{ClockCx, Done, Known, Operation};

/// Returns the state of the clock.
#[derive(Clone, Copy, Debug)]
pub struct GetClock;

/// The state of the clock.
#[derive(Clone, Copy, Debug)]
pub struct ClockFace {
    /// The current time of the service.
    pub now: Timestamp,
    /// The setting of a virtual clock.
    pub setting: ClockSetting,
    /// Whether the machine's clock is trusted.
    pub standing: Standing,
    /// The limits of plausible times; `None` for a virtual clock.
    pub limits: Option<Limits>,
}

impl ClockFace {
    /// Returns the state of a virtual clock.
    pub(super) const fn turned(now: Timestamp, setting: ClockSetting) -> Self {
        Self { now, setting, standing: Standing::Running, limits: None }
    }

    /// Returns the current state of a clock.
    pub(super) fn of(clock: &Clock) -> Self {
        Self {
            now: clock.now(),
            setting: clock.setting().unwrap_or_default(),
            standing: clock.standing(),
            limits: clock.limits(),
        }
    }
}

impl Operation for GetClock {
    const NAME: &'static str = "GetClock";
    const EVENT: &'static str = "ClockGet";
    const ACTION: Known = Known;
    const METER: Meter = Meter::Free;
    type Target = TheClock;
    type Reply = ClockFace;

    fn target(&self) {}

    async fn execute(self, _: TheClock, cx: &ClockCx) -> Result<Done<ClockFace>> {
        Ok(Done::reply(ClockFace::of(&cx.clock)))
    }
}
