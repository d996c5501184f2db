//! Tells the time of the service.

use super::TheClock;
use crate::clock::Clock;
use crate::model::entry::Meter;
use crate::model::time::ClockSetting;
use crate::model::time_guard::{Limits, Standing};
use crate::model::{Result, Timestamp};
use crate::ops::{ClockCx, Done, Known, Operation};

/// Reads the clock.
#[derive(Clone, Copy, Debug)]
pub struct GetClock;

/// What the clock shows.
#[derive(Clone, Copy, Debug)]
pub struct ClockFace {
    /// The present instant of the service.
    pub now: Timestamp,
    /// How it is set, where it can be turned.
    pub setting: ClockSetting,
    /// How far the machine's clock is believed.
    pub standing: Standing,
    /// What is plausible of it; `None` of a clock that can be turned.
    pub limits: Option<Limits>,
}

impl ClockFace {
    /// What a clock that is turned shows.
    pub(super) const fn turned(now: Timestamp, setting: ClockSetting) -> Self {
        Self { now, setting, standing: Standing::Running, limits: None }
    }

    /// What a clock shows now.
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
