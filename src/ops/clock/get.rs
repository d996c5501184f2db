//! Tells the time of the service.

use super::TheClock;
use crate::model::entry::Meter;
use crate::model::time::ClockSetting;
use crate::model::{Result, Timestamp};
use crate::ops::{Done, Known, Operation, SimulatorCx};

/// Reads the clock.
#[derive(Clone, Copy, Debug)]
pub struct GetClock;

/// What the clock shows.
#[derive(Clone, Copy, Debug)]
pub struct ClockFace {
    /// The present instant of the service.
    pub now: Timestamp,
    /// How it is set.
    pub setting: ClockSetting,
}

impl Operation for GetClock {
    const NAME: &'static str = "GetClock";
    const EVENT: &'static str = "ClockGet";
    const ACTION: Known = Known;
    const METER: Meter = Meter::Free;
    type Target = TheClock;
    type Reply = ClockFace;

    fn target(&self) {}

    async fn execute(self, _: TheClock, cx: &SimulatorCx) -> Result<Done<ClockFace>> {
        let setting = cx.clock.setting().unwrap_or_default();
        Ok(Done::reply(ClockFace { now: cx.clock.now(), setting }))
    }
}
