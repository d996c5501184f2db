//! Soft-delete: the retention interval, recovery levels and deletion dates.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::field::{Field, InvalidValue};

/// The retention interval: for how many days a deleted HSM or key can be recovered. 7 to 90, fixed when the HSM is
/// created.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RetentionDays(u8);

impl RetentionDays {
    /// 90 days.
    pub const DEFAULT: Self = Self(90);

    /// Returns the number of days.
    pub const fn days(self) -> u32 {
        self.0 as u32
    }

    /// Returns the scheduled purge date for a deletion at `deleted_at`: the interval in days of 86,400 seconds later.
    ///
    /// # Errors
    /// `Invalid` if the date is beyond the calendar.
    pub(crate) fn purge_date(self, deleted_at: Timestamp) -> Result<Timestamp, InvalidValue> {
        deleted_at.checked_add(SignedDuration::from_hours(24 * i64::from(self.0))).map_err(|_| {
            InvalidValue::new(Field::DeletedAt, "the scheduled purge date lies beyond the calendar")
        })
    }
}

impl Deletion {
    /// Returns the dates of a deletion at `deleted_at`.
    ///
    /// # Errors
    /// `Invalid` if the scheduled purge date is beyond the calendar.
    pub fn new(deleted_at: Timestamp, retention: RetentionDays) -> Result<Self, InvalidValue> {
        Ok(Self { deleted_at, scheduled_purge_at: retention.purge_date(deleted_at)? })
    }

    /// Returns the dates of a deletion at `deleted_at` that is permanent: in a vault without soft-delete.
    pub const fn permanent(deleted_at: Timestamp) -> Self {
        Self { deleted_at, scheduled_purge_at: deleted_at }
    }

    /// Whether the resource is not kept.
    pub fn is_permanent(self) -> bool {
        self.scheduled_purge_at == self.deleted_at
    }
}

impl TryFrom<u32> for RetentionDays {
    type Error = InvalidValue;

    fn try_from(days: u32) -> Result<Self, InvalidValue> {
        match u8::try_from(days) {
            Ok(days @ 7..=90) => Ok(Self(days)),
            _ => Err(InvalidValue::new(Field::RetentionDays, "the retention interval is 7 to 90 days")),
        }
    }
}

impl From<RetentionDays> for u32 {
    fn from(days: RetentionDays) -> Self {
        days.days()
    }
}

/// The dates of a deletion. They never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deletion {
    /// The deletion time.
    pub deleted_at: Timestamp,
    /// The scheduled purge date.
    pub scheduled_purge_at: Timestamp,
}

/// The recovery level of a key or HSM, as key bundles report it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RecoveryLevel {
    /// Whether deletion is a soft-delete. Only vaults created before February 2025 may have none.
    pub soft_delete: bool,
    /// The retention interval of the container.
    pub retention: RetentionDays,
    /// Whether purge protection is enabled.
    pub purge_protection: bool,
    /// Whether the subscription is protected: it cannot be cancelled, and deleted resources are purged only at the
    /// scheduled purge date.
    pub protected_subscription: bool,
}

impl RecoveryLevel {
    /// Returns the name that every surface uses. 90 days is the uncustomized interval.
    pub const fn as_str(&self) -> &'static str {
        if !self.soft_delete {
            return "Purgeable";
        }
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

    /// Returns for how many days a deleted resource can be recovered; `None` if its deletion is permanent.
    pub const fn recoverable_days(&self) -> Option<u32> {
        if self.soft_delete { Some(self.retention.days()) } else { None }
    }

    /// Returns the dates of a deletion at `deleted_at`.
    ///
    /// # Errors
    /// `Invalid` if the scheduled purge date is beyond the calendar.
    pub fn deletion_at(&self, deleted_at: Timestamp) -> Result<Deletion, InvalidValue> {
        match self.soft_delete {
            true => Deletion::new(deleted_at, self.retention),
            false => Ok(Deletion::permanent(deleted_at)),
        }
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
    fn without_soft_delete_deletions_are_permanent() {
        let level = RecoveryLevel {
            soft_delete: false,
            retention: RetentionDays::DEFAULT,
            purge_protection: false,
            protected_subscription: true,
        };
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!((level.as_str(), level.recoverable_days()), ("Purgeable", None));
        assert!(level.deletion_at(at).unwrap().is_permanent());
        let kept = RecoveryLevel { soft_delete: true, ..level };
        assert_eq!((kept.as_str(), kept.recoverable_days()), ("Recoverable+ProtectedSubscription", Some(90)));
        assert!(!kept.deletion_at(at).unwrap().is_permanent());
    }

    #[test]
    fn retention_interval_is_7_to_90_days() {
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
