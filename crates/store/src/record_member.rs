//! The member `ledger` of audit records: what is counted of a call, and the state of the database that the record follows.
//!
//! Records that are not in the database are counted from the log when the store is opened. `state` is the number of groups of
//! changes before and in the group of the record: a database with fewer groups lacks changes, so it is an older copy.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::usage::{Counter, Usage, UsedVersion};
use crate::model::Timestamp;
use crate::model::audit_entry::Meter;
use crate::model::billing::DaySet;
use crate::model::container::ContainerId;
use crate::model::key::{KeyType, KeyVersion};
use crate::model::name::{KeyName, VersionId};

/// Writes the member. `used` is a key version that was not used on this day before, with
/// the number of the day.
pub(super) fn write(line: &mut String, state: u64, counted: &Counter, used: Option<(&KeyVersion, i32)>) {
    // Writing to a String cannot fail. Names of containers and meters need no escaping.
    let (hour, meter) = (counted.hour, counted.meter.as_str());
    let _ = write!(line, ",\"ledger\":{{\"state\":{state},\"hour\":{hour},\"meter\":\"{meter}\"");
    if let Some(container) = &counted.container {
        let _ = write!(line, ",\"container\":\"{}\"", container.as_stored());
    }
    if let Some(used) = used.map(Used::of).and_then(|used| serde_json::to_string(&used).ok()) {
        let _ = write!(line, ",\"used\":{used}");
    }
    line.push('}');
}

/// A record with the member.
#[derive(Deserialize)]
pub(super) struct Recorded {
    #[serde(rename = "operationName")]
    event: String,
    #[serde(default)]
    time: Option<Timestamp>,
    ledger: Member,
}

#[derive(Deserialize)]
struct Member {
    state: u64,
    hour: i64,
    meter: Meter,
    #[serde(default)]
    container: Option<ContainerId>,
    #[serde(default)]
    used: Option<Used>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Used {
    container: ContainerId,
    key: KeyName,
    version: VersionId,
    key_type: KeyType,
    day: i32,
}

impl Recorded {
    /// Parses a line; `None` if it is no record with the member.
    pub(super) fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The number of groups of changes up to the record.
    pub(super) const fn state(&self) -> u64 {
        self.ledger.state
    }

    /// When the call arrived, if the record says so.
    pub(super) const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// Counts the call.
    pub(super) fn count(self, usage: &mut Usage) {
        let Self { event, ledger: Member { hour, meter, container, used, .. }, .. } = self;
        if let Some(Used { container, key, version, key_type, day }) = used {
            let days: DaySet = [day].into_iter().collect();
            usage.add_version(version, UsedVersion { container, key, key_type, days });
        }
        *usage.calls.entry(Counter { container, event: event.into(), meter, hour }).or_default() += 1;
    }
}

impl Used {
    fn of((version, day): (&KeyVersion, i32)) -> Self {
        Self {
            container: version.container.clone(),
            key: version.name.clone(),
            version: version.version,
            key_type: version.material.key_type(),
            day,
        }
    }
}
