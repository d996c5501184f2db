//! Releases the guarded clock: an operator who may purge confirms that the machine's clock is correct.

use super::{ClockFace, MachinesClock};
use crate::model::Result;
use crate::model::change::Change;
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
use crate::model::time_guard::Standing;
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
    type Target = MachinesClock;
    type Reply = ClockFace;

    fn target(&self) {}

    async fn execute(self, _: MachinesClock, cx: &ClockCx) -> Result<Done<ClockFace>> {
        let face = ClockFace::of(&cx.clock);
        let Some(kept) = cx.clock.kept_if_released().filter(|_| face.standing != Standing::Running) else {
            return Ok(Done::reply(face));
        };
        let face = ClockFace { now: kept.mark, standing: Standing::Running, ..face };
        Ok(Done::with(face, [Change::ReleaseClock]))
    }
}
