//! Believes the machine's clock, because somebody who may destroy what it guards says that it is right.

use super::{ClockFace, MachinesClock};
use crate::model::Result;
use crate::model::change::Change;
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
use crate::model::time_guard::Standing;
use crate::ops::{ClockCx, Done, Operation};

/// Releases the clock: what was held because of it is done. Nothing happens while it is trusted.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseClock;

impl Operation for ReleaseClock {
    const NAME: &'static str = "ReleaseClock";
    const EVENT: &'static str = "ClockRelease";
    // What waits are purges of deleted HSMs and of keys in any HSM.
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
