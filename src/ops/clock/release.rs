//! Releases the guarded clock: an operator who may purge confirms that the machine's clock is correct.

use super::{ClockState, ReleasableClock};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::time_guard::ClockStatus;
use crate::ops::{ClockCx, Done, Operation};

/// Releases the clock: it is trusted again, and withheld purges run. Has no effect on a trusted clock.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseClock;

impl Operation for ReleaseClock {
    const NAME: &'static str = "ReleaseClock";
    const EVENT: &'static str = "ClockRelease";
    // The withheld work is purges of deleted HSMs, and of keys in all HSMs.
    const ACTION: ControlAction = ControlAction::DeletedHsmPurge;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = ReleasableClock;
    type Reply = ClockState;

    fn target(&self) {}

    async fn execute(self, _: ReleasableClock, cx: &ClockCx) -> Result<Done<ClockState>> {
        let face = ClockState::of(&cx.clock);
        let Some(kept) = cx.clock.state_if_released().filter(|_| face.standing != ClockStatus::Running)
        else {
            return Ok(Done::reply(face));
        };
        let face = ClockState { now: kept.mark, standing: ClockStatus::Running, ..face };
        Ok(Done::with(face, [Change::ReleaseClock]))
    }
}
