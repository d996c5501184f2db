//! Freezes and resumes the virtual clock.

use super::{ClockState, SettableClock};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::ops::{ClockCx, Done, Operation, RolelessAction};

/// Freezes the virtual clock at its current time. It can still be advanced.
#[derive(Clone, Copy, Debug)]
pub struct FreezeClock;

impl Operation for FreezeClock {
    const NAME: &'static str = "FreezeClock";
    const EVENT: &'static str = "ClockFreeze";
    const ACTION: RolelessAction = RolelessAction::SetClock;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = SettableClock;
    type Reply = ClockState;

    fn target(&self) {}

    async fn execute(self, _: SettableClock, cx: &ClockCx) -> Result<Done<ClockState>> {
        Ok(set_frozen(cx, true))
    }
}

/// Resumes a frozen virtual clock from the time that it shows.
#[derive(Clone, Copy, Debug)]
pub struct ResumeClock;

impl Operation for ResumeClock {
    const NAME: &'static str = "ResumeClock";
    const EVENT: &'static str = "ClockResume";
    const ACTION: RolelessAction = RolelessAction::SetClock;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = SettableClock;
    type Reply = ClockState;

    fn target(&self) {}

    async fn execute(self, _: SettableClock, cx: &ClockCx) -> Result<Done<ClockState>> {
        Ok(set_frozen(cx, false))
    }
}

fn set_frozen(cx: &ClockCx, frozen: bool) -> Done<ClockState> {
    let now = cx.clock.now();
    let before = cx.clock.setting().unwrap_or_default();
    // A clock in the requested state is not set again: each setting delays it by some microseconds.
    let setting = if before.frozen.is_some() == frozen { before } else { cx.clock.setting_for(now, frozen) };
    Done::with(ClockState::of_virtual(now, setting), [Change::SetClock(setting)])
}
