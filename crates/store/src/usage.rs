//! Usage counted for billing: calls per hour, and the days on which each key version was used.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::model::audit_entry::Meter;
use crate::model::billing::{DaySet, MeterReading, VersionUse, day_of};
use crate::model::container::ContainerId;
use crate::model::key::{KeyType, KeyVersion, Protection};
use crate::model::name::{KeyName, VersionId};
use crate::model::{Error, Result, Timestamp};

/// The dimensions by which calls are counted.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
pub(super) struct Counter {
    // The name in the stored form from before there were vaults.
    #[serde(rename = "hsm")]
    pub(super) container: Option<ContainerId>,
    pub(super) event: Cow<'static, str>,
    pub(super) meter: Meter,
    pub(super) hour: i64,
}

/// A used key version, with the data that billing needs after it is purged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct UsedVersion {
    // As in `Counter`.
    #[serde(rename = "hsm")]
    pub(super) container: ContainerId,
    pub(super) key: KeyName,
    pub(super) key_type: KeyType,
    pub(super) days: DaySet,
}

/// The counted calls, and the days of use per version. Used for the running total and for the increments of
/// one group.
#[derive(Clone, Default)]
pub(super) struct Usage {
    pub(super) calls: HashMap<Counter, u64>,
    /// A list, because two containers may hold the same version.
    pub(super) versions: HashMap<VersionId, Vec<UsedVersion>>,
}

/// The JSON form of [`Usage`] in the outbox, with lists instead of maps, because JSON keys are strings.
#[derive(Serialize, Deserialize)]
struct Counted {
    calls: Vec<(Counter, u64)>,
    // Before migration 0005 this member did not exist; its predecessor was always empty.
    #[serde(default)]
    versions: Vec<(VersionId, UsedVersion)>,
}

impl Counter {
    /// The counter of a call that arrived at `at`.
    pub(super) fn of(
        container: Option<ContainerId>,
        event: &'static str,
        meter: Meter,
        at: Timestamp,
    ) -> Self {
        let hour = at.as_second() - at.as_second().rem_euclid(3_600);
        Self { container, event: Cow::Borrowed(event), meter, hour }
    }
}

impl Usage {
    /// Whether nothing is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.versions.is_empty()
    }

    /// Serializes the counts as JSON.
    pub(super) fn to_json(&self) -> Result<String> {
        let calls = self.calls.iter().map(|(counter, calls)| (counter.clone(), *calls)).collect();
        let versions = self.used_versions().map(|(version, used)| (version, used.clone())).collect();
        serde_json::to_string(&Counted { calls, versions }).map_err(Error::internal)
    }

    /// Adds the counts serialized by [`to_json`](Self::to_json).
    pub(super) fn add_json(&mut self, text: &str) -> Result<()> {
        let Counted { calls, versions } = serde_json::from_str(text).map_err(Error::internal)?;
        self.add(Self { calls: calls.into_iter().collect(), versions: HashMap::new() });
        versions.into_iter().for_each(|(version, used)| self.add_version(version, used));
        Ok(())
    }

    /// Counts a call as a number of operations.
    pub(super) fn count(&mut self, counter: Counter, operations: u64) {
        *self.calls.entry(counter).or_default() += operations;
    }

    /// Records the use of a version, unless `known` already has this day, which is returned otherwise.
    pub(super) fn record_use(&mut self, version: &KeyVersion, at: Timestamp, known: &Self) -> Option<i32> {
        // There is no charge by version for software-protected keys.
        if version.protection == Protection::Software {
            return None;
        }
        let container = &version.container;
        let day = day_of(at);
        if known.used_version(version.version, container).is_some_and(|used| used.days.contains(day)) {
            return None;
        }
        let mut days = DaySet::default();
        days.insert(day);
        let (key, key_type) = (version.name.clone(), version.material.key_type());
        self.add_version(version.version, UsedVersion { container: container.clone(), key, key_type, days });
        Some(day)
    }

    /// Adds the counts of a group.
    pub(super) fn add(&mut self, group: Self) {
        for (counter, calls) in group.calls {
            *self.calls.entry(counter).or_default() += calls;
        }
        for (version, used) in group.versions {
            used.into_iter().for_each(|used| self.add_version(version, used));
        }
    }

    /// Adds the days of use of a version in one container.
    pub(super) fn add_version(&mut self, version: VersionId, used: UsedVersion) {
        let known = self.versions.entry(version).or_default();
        match known.iter_mut().find(|known| known.container == used.container) {
            None => known.push(used),
            Some(known) => used.days.iter().for_each(|day| {
                known.days.insert(day);
            }),
        }
    }

    /// The days of use of a version in one container.
    fn used_version(&self, version: VersionId, container: &ContainerId) -> Option<&UsedVersion> {
        self.versions.get(&version)?.iter().find(|used| used.container == *container)
    }

    /// The used versions, once for each container.
    pub(super) fn used_versions(&self) -> impl Iterator<Item = (VersionId, &UsedVersion)> {
        self.versions.iter().flat_map(|(version, used)| used.iter().map(|used| (*version, used)))
    }

    /// The versions that count as used on a day in `from..to`, in order.
    pub(super) fn uses(&self, from: i32, to: i32) -> Vec<VersionUse> {
        let counting = |used: &UsedVersion| used.days.first_counted_day(from, to).is_some();
        let version = |(version, used): (VersionId, &UsedVersion)| VersionUse {
            container: used.container.clone(),
            key: used.key.clone(),
            version,
            key_type: used.key_type,
            days: used.days.clone(),
        };
        let mut uses: Vec<_> = self.used_versions().filter(|(_, used)| counting(used)).map(version).collect();
        uses.sort_by(|one, other| (one.version, &one.container).cmp(&(other.version, &other.container)));
        uses
    }

    /// The readings of hours that start at seconds in `from..to`, in order.
    pub(super) fn readings(&self, from: i64, to: i64) -> Vec<MeterReading> {
        let reading = |(counter, calls): (&Counter, &u64)| MeterReading {
            container: counter.container.clone(),
            event: counter.event.clone(),
            meter: counter.meter,
            hour: counter.hour,
            calls: *calls,
        };
        let within = |counter: &Counter| (from..to).contains(&counter.hour);
        let mut readings: Vec<_> =
            self.calls.iter().filter(|(counter, _)| within(counter)).map(reading).collect();
        readings.sort();
        readings
    }
}

/// Parses the stored name of a meter.
pub(super) fn meter(text: &str) -> Option<Meter> {
    Meter::ALL.into_iter().find(|meter| meter.as_str() == text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::key::{Attributes, KeyOperations, PublicMaterial};

    fn version(id: u8) -> KeyVersion {
        KeyVersion {
            container: "local".parse().unwrap(),
            name: "invoices".parse().unwrap(),
            version: VersionId::from_bytes([id; 16]),
            material: PublicMaterial::Oct { key_size: 256 },
            protection: Default::default(),
            operations: KeyOperations::default(),
            attributes: Attributes {
                enabled: true,
                not_before: None,
                expires: None,
                created: Timestamp::UNIX_EPOCH,
                updated: Timestamp::UNIX_EPOCH,
                exportable: false,
            },
            tags: BTreeMap::new(),
            notices: Default::default(),
            mode_family: None,
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn json_round_trip_preserves_counts() {
        let mut group = Usage::default();
        let at = second(86_400);
        group.count(Counter::of(None, "KeySign", Meter::Cryptographic, at), 1);
        group.count(Counter::of(Some("local".parse().unwrap()), "KeyGet", Meter::Management, at), 1);
        group.record_use(&version(1), at, &Usage::default());
        let json = group.to_json().unwrap();
        let mut twice = Usage::default();
        twice.add_json(&json).unwrap();
        twice.add_json(&json).unwrap();
        group.add_json(&json).unwrap();
        let all = |usage: &Usage| usage.readings(i64::MIN, i64::MAX);
        assert_eq!(all(&twice), all(&group));
        assert_eq!(all(&twice).iter().map(|reading| reading.calls).sum::<u64>(), 4);
        assert_eq!(twice.versions, group.versions);
        assert!(twice.add_json("{}").is_err());
        // The format that migration 0003 wrote.
        assert!(twice.add_json("{\"calls\":[],\"days\":[]}").is_ok());
    }

    #[test]
    fn counts_by_utc_hour_and_day() {
        let mut total = Usage::default();
        for (at, operations) in [(-1, 1), (0, 1), (3_599, 100), (3_600, 1)] {
            total.count(Counter::of(None, "KeySign", Meter::Cryptographic, second(at)), operations);
        }
        let hours = |from, to| -> Vec<_> {
            total.readings(from, to).iter().map(|reading| (reading.hour, reading.calls)).collect()
        };
        assert_eq!(hours(i64::MIN, i64::MAX), [(-3_600, 1), (0, 101), (3_600, 1)]);
        assert_eq!(hours(0, 3_600), [(0, 101)]);

        for (at, written) in [(86_399, true), (10, false), (86_400, true), (0, false), (86_400 * 40, true)] {
            let mut group = Usage::default();
            group.record_use(&version(1), second(at), &total);
            assert_eq!(!group.versions.is_empty(), written, "{at}");
            total.add(group);
        }
        let [used] = &total.uses(0, 1)[..] else { panic!("one version was used") };
        assert_eq!(used.days, [0, 1, 40].into_iter().collect());
        assert_eq!((total.uses(31, 40), total.uses(30, 31).len()), (Vec::new(), 1));
    }
}
