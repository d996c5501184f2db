//! Soft-delete: the retention interval, recovery levels, and the dates of what is deleted.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Error, Result, Timestamp};

/// How many days a deleted HSM or key can be recovered: 7 to 90, fixed when the HSM is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RetentionDays(u8);

impl RetentionDays {
    /// 90 days.
    pub const DEFAULT: Self = Self(90);

    /// The number of days.
    pub const fn days(self) -> u32 {
        self.0 as u32
    }

    /// The instant at which something deleted at `deleted_at` is purged: exactly so many times 86,400 seconds later.
    ///
    /// # Errors
    /// `Invalid` where the calendar ends.
    pub fn purge_date(self, deleted_at: Timestamp) -> Result<Timestamp> {
        deleted_at
            .checked_add(SignedDuration::from_hours(24 * i64::from(self.0)))
            .map_err(|_| Error::invalid("deleted_at", "the scheduled purge date lies beyond the calendar"))
    }
}

impl TryFrom<u32> for RetentionDays {
    type Error = Error;

    fn try_from(days: u32) -> Result<Self> {
        match u8::try_from(days) {
            Ok(days @ 7..=90) => Ok(Self(days)),
            _ => Err(Error::invalid("retention_days", "the retention interval is 7 to 90 days")),
        }
    }
}

impl From<RetentionDays> for u32 {
    fn from(days: RetentionDays) -> Self {
        days.days()
    }
}

/// The dates of something that is soft-deleted. They never move.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deletion {
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// When the service purges it by itself.
    pub scheduled_purge_at: Timestamp,
}

/// What deletion means for a key, as every key bundle shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RecoveryLevel {
    /// The HSM's retention interval.
    pub retention: RetentionDays,
    /// Whether purge protection is on.
    pub purge_protection: bool,
    /// Whether the subscription cannot be cancelled: then nobody purges, only the service, when the
    /// time has come.
    pub protected_subscription: bool,
}

impl RecoveryLevel {
    /// The name on every surface. 90 days is the uncustomized interval.
    pub const fn as_str(&self) -> &'static str {
        let customized = self.retention.0 < 90;
        match (customized, self.protected_subscription, self.purge_protection) {
            (false, true, _) => "Recoverable+ProtectedSubscription",
            (true, true, _) => "CustomizedRecoverable+ProtectedSubscription",
            (false, false, false) => "Recoverable+Purgeable",
            (false, false, true) => "Recoverable",
            (true, false, false) => "CustomizedRecoverable+Purgeable",
            (true, false, true) => "CustomizedRecoverable",
        }
    }

    /// Whether what is deleted can be purged now; `deletion` is when it was deleted.
    ///
    /// # Errors
    /// `PurgeProtected` before the scheduled purge date, where purging is not allowed.
    pub fn check_purge(self, deletion: Deletion, now: Timestamp) -> Result<()> {
        let protected = self.purge_protection || self.protected_subscription;
        if protected && now < deletion.scheduled_purge_at {
            return Err(Error::PurgeProtected {
                level: self,
                scheduled_purge_at: deletion.scheduled_purge_at,
            });
        }
        Ok(())
    }
}

impl fmt::Display for RecoveryLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_seven_to_ninety_days() {
        for good in [7, 8, 90] {
            assert!(RetentionDays::try_from(good).is_ok());
        }
        for bad in [0, 6, 91, 263, u32::MAX] {
            assert!(RetentionDays::try_from(bad).is_err());
        }
        let deleted_at = Timestamp::from_second(1_700_000_000).unwrap();
        let week = RetentionDays::try_from(7).unwrap().purge_date(deleted_at).unwrap();
        assert_eq!(week.as_second() - deleted_at.as_second(), 604_800);
    }
}
