//! What is counted for billing: calls per hour, and the last day each version was used.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::model::entry::Meter;
use crate::model::name::{HsmName, VersionId};
use crate::model::{Error, Result, Timestamp};

/// Calls of one kind in one hour.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reading {
    /// The HSM asked; `None` if the calls named none that exists.
    pub hsm: Option<HsmName>,
    /// What the audit log calls the operation.
    pub event: Cow<'static, str>,
    /// What the calls count as.
    pub meter: Meter,
    /// When the hour began, in seconds since 1970.
    pub hour: i64,
    /// How many calls there were.
    pub calls: u64,
}

/// What calls are counted by.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Counter {
    pub(super) hsm: Option<HsmName>,
    pub(super) event: Cow<'static, str>,
    pub(super) meter: Meter,
    pub(super) hour: i64,
}

/// Counts, and the last day of use per version, in days since 1970-01-01 UTC. The same type serves
/// as the running total and as what one group adds.
#[derive(Default)]
pub(super) struct Usage {
    pub(super) calls: HashMap<Counter, u64>,
    pub(super) days: HashMap<VersionId, i64>,
}

/// What a group counted, as the outbox keeps it: JSON has no maps with such keys.
#[derive(Serialize, Deserialize)]
struct Counted {
    calls: Vec<(Counter, u64)>,
    days: Vec<(VersionId, i64)>,
}

impl Usage {
    /// As JSON.
    pub(super) fn to_json(&self) -> Result<String> {
        let calls = self.calls.iter().map(|(counter, calls)| (counter.clone(), *calls)).collect();
        let days = self.days.iter().map(|(version, day)| (*version, *day)).collect();
        serde_json::to_string(&Counted { calls, days }).map_err(Error::internal)
    }

    /// Adds what [`to_json`](Self::to_json) wrote.
    pub(super) fn add_json(&mut self, text: &str) -> Result<()> {
        let Counted { calls, days } = serde_json::from_str(text).map_err(Error::internal)?;
        self.add(Self { calls: calls.into_iter().collect(), days: days.into_iter().collect() });
        Ok(())
    }

    /// Counts one call.
    pub(super) fn count(&mut self, hsm: Option<HsmName>, event: &'static str, meter: Meter, at: Timestamp) {
        let hour = at.as_second() - at.as_second().rem_euclid(3_600);
        *self.calls.entry(Counter { hsm, event: Cow::Borrowed(event), meter, hour }).or_default() += 1;
    }

    /// Notes the use of a version, unless `known` has this day or a later one.
    pub(super) fn note(&mut self, version: VersionId, at: Timestamp, known: &Self) {
        let day = at.as_second().div_euclid(86_400);
        if known.days.get(&version).is_none_or(|last| *last < day) {
            let last = self.days.entry(version).or_insert(day);
            *last = day.max(*last);
        }
    }

    /// Adds what a group counted.
    pub(super) fn add(&mut self, group: Self) {
        for (counter, calls) in group.calls {
            *self.calls.entry(counter).or_default() += calls;
        }
        self.days.extend(group.days);
    }

    /// All readings, in order.
    pub(super) fn readings(&self) -> Vec<Reading> {
        let reading = |(counter, calls): (&Counter, &u64)| Reading {
            hsm: counter.hsm.clone(),
            event: counter.event.clone(),
            meter: counter.meter,
            hour: counter.hour,
            calls: *calls,
        };
        let mut readings: Vec<_> = self.calls.iter().map(reading).collect();
        readings.sort();
        readings
    }
}

/// Reads a meter by the name under which it is stored.
pub(super) fn meter(text: &str) -> Option<Meter> {
    [Meter::Management, Meter::Cryptographic, Meter::Free].into_iter().find(|meter| meter.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_group_counted_comes_back_as_it_went() {
        let mut group = Usage::default();
        let at = Timestamp::from_second(86_400).unwrap();
        group.count(None, "KeySign", Meter::Cryptographic, at);
        group.count(Some("local".parse().unwrap()), "KeyGet", Meter::Management, at);
        group.note(VersionId::from_bytes([1; 16]), at, &Usage::default());
        let json = group.to_json().unwrap();
        let mut twice = Usage::default();
        twice.add_json(&json).unwrap();
        twice.add_json(&json).unwrap();
        group.add_json(&json).unwrap();
        assert_eq!(twice.readings(), group.readings());
        assert_eq!(twice.readings().iter().map(|reading| reading.calls).sum::<u64>(), 4);
        assert_eq!(twice.days, group.days);
        assert!(twice.add_json("{}").is_err());
    }

    #[test]
    fn hours_and_days_begin_where_the_calendar_says() {
        let mut total = Usage::default();
        let version = VersionId::from_bytes([1; 16]);
        for second in [-1, 0, 3_599, 3_600] {
            total.count(None, "KeySign", Meter::Cryptographic, Timestamp::from_second(second).unwrap());
        }
        let hours: Vec<_> = total.readings().iter().map(|reading| (reading.hour, reading.calls)).collect();
        assert_eq!(hours, [(-3_600, 1), (0, 2), (3_600, 1)]);

        for (second, written) in [(86_399, true), (10, false), (86_400, true), (0, false)] {
            let mut group = Usage::default();
            group.note(version, Timestamp::from_second(second).unwrap(), &total);
            assert_eq!(!group.days.is_empty(), written, "{second}");
            total.add(group);
        }
        assert_eq!(total.days[&version], 1);
    }
}
