//! How a clock that is turned by hand is set, and what comes due by it.

use jiff::SignedDuration;

use super::Timestamp;
use super::name::{BudgetName, HsmName, KeyName};
use super::resource::SubscriptionId;

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

/// How far one advance turns the simulator's clock unless it is forced: ten years.
pub const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 3653);

/// Something the service does by itself when the time has come.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Work {
    /// The retention interval of a deleted key ends.
    PurgeKey(KeyName),
    /// The retention interval of a deleted HSM ends.
    PurgeHsm,
    /// The rotation policy of a key asks for a new version. Before what is said of its expiry: if both are due
    /// at once, the version that expires is not the current one any more.
    RotateKey(KeyName),
    /// The current version of a key expires soon.
    NoteNearExpiry(KeyName),
    /// A budget is reached. The HSM is one of those whose costs it watches.
    NoteBudget(SubscriptionId, BudgetName),
}

impl Work {
    /// Whether it destroys something for good.
    pub const fn destroys(&self) -> bool {
        match self {
            Self::PurgeKey(_) | Self::PurgeHsm => true,
            Self::RotateKey(_) | Self::NoteNearExpiry(_) | Self::NoteBudget(..) => false,
        }
    }
}

/// Work, when, and in which HSM.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub hsm: HsmName,
    /// What.
    pub work: Work,
}
