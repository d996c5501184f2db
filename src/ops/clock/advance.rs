//! Turns the clock forwards.

use super::{ClockFace, TheClock};
use crate::model::change::Change;
use crate::model::entry::Meter;
use crate::model::{Result, Timestamp};
use crate::ops::{Done, Known, Operation, SimulatorCx};

/// Turns the clock to an instant. What comes due on the way is done by the scheduler, which turns the
/// clock step by step with this operation.
#[derive(Clone, Copy, Debug)]
pub struct AdvanceClock {
    /// Where to.
    pub to: Timestamp,
}

impl Operation for AdvanceClock {
    const NAME: &'static str = "AdvanceClock";
    const EVENT: &'static str = "ClockAdvance";
    const ACTION: Known = Known;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = TheClock;
    type Reply = ClockFace;

    fn target(&self) {}

    async fn execute(self, _: TheClock, cx: &SimulatorCx) -> Result<Done<ClockFace>> {
        let before = cx.clock.setting().unwrap_or_default();
        // Time goes on while the request travels: what is past by now is now.
        let now = self.to.max(cx.clock.now());
        let setting = cx.clock.setting_for(now, before.frozen.is_some());
        Ok(Done::with(ClockFace { now, setting }, [Change::SetClock(setting)]))
    }
}
