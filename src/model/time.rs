//! How a clock that is turned by hand is set, and what comes due by it.

use super::Timestamp;
use super::name::{HsmName, KeyName};

/// How a virtual clock is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClockSetting {
    /// Microseconds by which it is ahead of the machine's clock. Never becomes less.
    pub offset: i64,
    /// The instant at which it stands still, if it does.
    pub frozen: Option<Timestamp>,
}

impl ClockSetting {
    /// What a clock set like this shows when the machine's shows `machine`.
    pub fn shows(&self, machine: Timestamp) -> Timestamp {
        self.frozen.unwrap_or_else(|| {
            let micros = machine.as_microsecond().saturating_add(self.offset);
            Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
        })
    }
}

/// A deleted key whose retention interval ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DuePurge {
    /// When.
    pub at: Timestamp,
    /// The HSM that holds it.
    pub hsm: HsmName,
    /// Its name.
    pub name: KeyName,
}
