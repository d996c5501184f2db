//! Advances the virtual clock.

use super::{ClockState, SettableClock};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::time::MAX_ADVANCE;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{ClockCx, Done, Operation, RolelessAction};

/// Advances the virtual clock to an instant. The scheduler runs work that is due on the way: it advances the clock with
/// this operation in steps.
#[derive(Clone, Copy, Debug)]
pub struct AdvanceClock {
    /// The target time.
    pub to: Timestamp,
}

impl AdvanceClock {
    /// Checks the distance of an advance, so that a typing error does not purge all deleted keys.
    ///
    /// # Errors
    /// `Invalid` if `to` is more than ten years after `from` and `force` is false.
    pub fn check_distance(from: Timestamp, to: Timestamp, force: bool) -> Result<()> {
        if force || to.duration_since(from) <= MAX_ADVANCE {
            Ok(())
        } else {
            Err(Error::invalid(
                Field::Force,
                format!("the target is more than ten years after {from}; set force to advance so far"),
            ))
        }
    }
}

impl Operation for AdvanceClock {
    const NAME: &'static str = "AdvanceClock";
    const EVENT: &'static str = "ClockAdvance";
    const ACTION: RolelessAction = RolelessAction::SetClock;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = SettableClock;
    type Reply = ClockState;

    fn target(&self) {}

    async fn execute(self, _: SettableClock, cx: &ClockCx) -> Result<Done<ClockState>> {
        let before = cx.clock.setting().unwrap_or_default();
        // Time passes while the request is in transit: a target in the past becomes the current time.
        let now = self.to.max(cx.clock.now());
        let setting = cx.clock.setting_for(now, before.frozen.is_some());
        Ok(Done::with(ClockState::of_virtual(now, setting), [Change::SetClock(setting)]))
    }
}

/// Authorizes an advance before work that is due on the way is run. Returns the current time.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizeAdvance;

impl Operation for AuthorizeAdvance {
    const NAME: &'static str = "GetClock";
    const EVENT: &'static str = "ClockGet";
    const ACTION: RolelessAction = RolelessAction::SetClock;
    const METER: Meter = Meter::Free;
    type Target = SettableClock;
    type Reply = Timestamp;

    fn target(&self) {}

    async fn execute(self, _: SettableClock, cx: &ClockCx) -> Result<Done<Timestamp>> {
        Ok(Done::reply(cx.clock.now()))
    }
}
