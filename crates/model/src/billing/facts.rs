//! Usage facts: the stored input of billing, without prices.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::audit_entry::Meter;
use crate::container_id::ContainerId;
use crate::key::KeyType;
use crate::lifetime::ContainerLifetime;
use crate::name::{KeyName, VersionId};

/// The number of calls of one kind in one hour.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MeterReading {
    /// The container; `None` if the calls named no existing one.
    pub container: Option<ContainerId>,
    /// The operation name of the audit log.
    pub event: Cow<'static, str>,
    /// The billing class of the calls.
    pub meter: Meter,
    /// When the hour began, in seconds since 1970.
    pub hour: i64,
    /// The number of calls.
    pub calls: u64,
}

/// The days on which an HSM-protected key version was used. Retained when the key is purged, because its use is billed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionUse {
    /// The container.
    pub container: ContainerId,
    /// The key.
    pub key: KeyName,
    /// The version.
    pub version: VersionId,
    /// The type of the key.
    pub key_type: KeyType,
    /// The days of use.
    pub days: DaySet,
}

/// A set of days, each counted from 1970-01-01 UTC, stored as runs of consecutive days: a key that is used
/// every day takes no more space than one that was used once.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DaySet(Vec<(i32, i32)>);

/// The number of days for which a use counts, including its own day.
const COUNTED_DAYS: i32 = 30;

impl DaySet {
    /// Adds a day; returns whether it was missing.
    pub fn insert(&mut self, day: i32) -> bool {
        // The first run that ends on the day before, or later.
        let at = self.0.partition_point(|(_, last)| last.saturating_add(1) < day);
        match self.0.get_mut(at) {
            Some((first, last)) if *first <= day && day <= *last => return false,
            Some((_, last)) if last.saturating_add(1) == day => {
                *last = day;
                if let Some((next, end)) = self.0.get(at + 1).copied()
                    && next == day.saturating_add(1)
                {
                    self.0[at].1 = end;
                    self.0.remove(at + 1);
                }
            }
            Some((first, _)) if *first == day.saturating_add(1) => *first = day,
            _ => {
                // Most versions have one run.
                self.0.reserve_exact(1);
                self.0.insert(at, (day, day));
            }
        }
        true
    }

    /// Whether the set contains a day.
    pub fn contains(&self, day: i32) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < day);
        self.0.get(at).is_some_and(|(first, _)| *first <= day)
    }

    /// Returns the first day.
    pub fn first(&self) -> Option<i32> {
        self.0.first().map(|(first, _)| *first)
    }

    /// Returns every day, in order.
    pub fn iter(&self) -> impl Iterator<Item = i32> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Returns the first day in `from..to` on which a use counts: a day in the set or one of the 29 days after
    /// it.
    pub fn first_counted_day(&self, from: i32, to: i32) -> Option<i32> {
        let counts_until = |last: i32| last.saturating_add(COUNTED_DAYS);
        let at = self.0.partition_point(|(_, last)| counts_until(*last) <= from);
        let (first, _) = self.0.get(at)?;
        Some(from.max(*first)).filter(|day| *day < to)
    }
}

impl FromIterator<i32> for DaySet {
    fn from_iter<I: IntoIterator<Item = i32>>(days: I) -> Self {
        let mut set = Self::default();
        for day in days {
            set.insert(day);
        }
        set
    }
}

/// The complete input of a statement.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Facts {
    /// The lifetimes of all existing and purged containers.
    pub lifetimes: Vec<ContainerLifetime>,
    /// Calls per hour.
    pub readings: Vec<MeterReading>,
    /// Uses of HSM-protected key versions.
    pub uses: Vec<VersionUse>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn use_counts_for_thirty_days() {
        let days = DaySet::from_iter([100, 140]);
        assert_eq!(days.first_counted_day(0, 100), None);
        assert_eq!(days.first_counted_day(0, 101), Some(100));
        assert_eq!(days.first_counted_day(129, 200), Some(129));
        assert_eq!(days.first_counted_day(130, 200), Some(140));
        assert_eq!(days.first_counted_day(170, 200), None);
    }

    #[test]
    fn consecutive_days_are_one_run() {
        let mut days = DaySet::default();
        for day in [5, 3, 4, 7, 6, 5] {
            days.insert(day);
        }
        assert_eq!(days.0, [(3, 7)]);
        assert_eq!(serde_json::to_string(&days).unwrap(), "[[3,7]]");
    }

    proptest! {
        #[test]
        fn days_match_a_reference_set(given in prop::collection::vec(-40..40i32, 0..60), from in -60..60i32, len in 0..60i32) {
            let set = BTreeSet::from_iter(given.iter().copied());
            let mut days = DaySet::default();
            let mut seen = BTreeSet::new();
            for day in given {
                prop_assert_eq!(days.insert(day), seen.insert(day));
            }
            prop_assert_eq!(days.iter().collect::<Vec<_>>(), set.iter().copied().collect::<Vec<_>>());
            prop_assert!((-50..50).all(|day| days.contains(day) == set.contains(&day)));
            prop_assert_eq!(days.first(), set.first().copied());
            prop_assert!(days.0.windows(2).all(|runs| runs[0].1 + 1 < runs[1].0));
            let counts = |day: &i32| set.iter().any(|used| *used <= *day && *day < used + 30);
            prop_assert_eq!(days.first_counted_day(from, from + len), (from..from + len).find(counts));
        }
    }
}
