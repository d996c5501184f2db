//! Turns the clock forwards.

use super::{ClockFace, SimulatorsClock};
use crate::model::change::Change;
use crate::model::entry::Meter;
use crate::model::time::FARTHEST;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ClockCx, Done, Operation, TurnClock};

/// Turns the clock to an instant. What comes due on the way is done by the scheduler, which turns the
/// clock step by step with this operation.
#[derive(Clone, Copy, Debug)]
pub struct AdvanceClock {
    /// Where to.
    pub to: Timestamp,
}

impl AdvanceClock {
    /// Whether the clock may be turned so far at once: a slip of the finger purges everything otherwise.
    ///
    /// # Errors
    /// `Invalid` for more than ten years, unless forced.
    pub fn check_distance(from: Timestamp, to: Timestamp, force: bool) -> Result<()> {
        if force || to.duration_since(from) <= FARTHEST {
            Ok(())
        } else {
            Err(Error::invalid("force", format!("more than ten years from {from}: that must be forced")))
        }
    }
}

impl Operation for AdvanceClock {
    const NAME: &'static str = "AdvanceClock";
    const EVENT: &'static str = "ClockAdvance";
    const ACTION: TurnClock = TurnClock;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = SimulatorsClock;
    type Reply = ClockFace;

    fn target(&self) {}

    async fn execute(self, _: SimulatorsClock, cx: &ClockCx) -> Result<Done<ClockFace>> {
        let before = cx.clock.setting().unwrap_or_default();
        // Time goes on while the request travels: what is past by now is now.
        let now = self.to.max(cx.clock.now());
        let setting = cx.clock.setting_for(now, before.frozen.is_some());
        Ok(Done::with(ClockFace::turned(now, setting), [Change::SetClock(setting)]))
    }
}

/// Asks, before anything is done that comes due on the way, whether the caller may turn the clock. Replies what it shows.
#[derive(Clone, Copy, Debug)]
pub struct AskToAdvance;

impl Operation for AskToAdvance {
    const NAME: &'static str = "GetClock";
    const EVENT: &'static str = "ClockGet";
    const ACTION: TurnClock = TurnClock;
    const METER: Meter = Meter::Free;
    type Target = SimulatorsClock;
    type Reply = Timestamp;

    fn target(&self) {}

    async fn execute(self, _: SimulatorsClock, cx: &ClockCx) -> Result<Done<Timestamp>> {
        Ok(Done::reply(cx.clock.now()))
    }
}
