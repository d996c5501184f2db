//! Converts the messages of `clock.proto`.

use std::time::Duration;

use jiff::SignedDuration;
use prost_types::Duration as WireDuration;

use super::super::pb;
use super::containers::deleted_path_name;
use super::{instant, wire_instant};
use crate::jobs::{TimedEvent, TimedEventKind};
use crate::model::resource_kind::Resource;
use crate::model::time_guard::ClockStatus;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::KeyPath;
use crate::ops::certificates::CertificatePath;
use crate::ops::clock;
use crate::ops::secrets::SecretPath;

/// Returns the instant to which the clock is to be advanced.
///
/// # Errors
/// `Invalid` if the request names none, or one before `now` or after the year 9999.
pub(in super::super) fn target(request: pb::AdvanceClockRequest, now: Timestamp) -> Result<Timestamp> {
    use pb::advance_clock_request::Target;
    match request.target {
        None => Err(Error::invalid(Field::Target, "either by or to is required")),
        Some(Target::To(to)) => {
            let to = instant(Field::To, to)?;
            if to < now {
                return Err(Error::invalid(Field::To, format!("the clock only advances, and is at {now}")));
            }
            Ok(to)
        }
        Some(Target::By(by)) => {
            let wrong =
                || Error::invalid(Field::By, "the duration must not be negative or end after the year 9999");
            now.checked_add(duration(by).ok_or_else(wrong)?).map_err(|_| wrong())
        }
    }
}

/// Parses a duration, truncated to microseconds. `None` if it is negative or out of range.
fn duration(wire: WireDuration) -> Option<SignedDuration> {
    let (seconds, nanos) = (u64::try_from(wire.seconds).ok()?, u32::try_from(wire.nanos).ok()?);
    if nanos >= 1_000_000_000 {
        return None;
    }
    SignedDuration::try_from(Duration::new(seconds, nanos / 1000 * 1000)).ok()
}

/// Converts a duration to its message.
fn wire_duration(duration: SignedDuration) -> WireDuration {
    WireDuration { seconds: duration.as_secs(), nanos: duration.subsec_nanos() }
}

/// Converts requests without fields.
macro_rules! without_fields {
    ($($request:ident => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for clock::$operation {
            type Error = Error;

            fn try_from(_: pb::$request) -> Result<Self> {
                Ok(Self)
            }
        })+
    };
}

without_fields! {
    GetClockRequest => GetClock,
    FreezeClockRequest => FreezeClock,
    ResumeClockRequest => ResumeClock,
    ReleaseClockRequest => ReleaseClock,
}

impl From<clock::ClockState> for pb::Clock {
    fn from(face: clock::ClockState) -> Self {
        let unsigned = |duration| SignedDuration::try_from(duration).ok().map(wire_duration);
        let hold = match face.standing {
            ClockStatus::Held { hold, accounted_time: believed } => Some(pb::ClockHold {
                since: Some(wire_instant(hold.since)),
                reason: hold.reason.as_str().to_owned(),
                ahead: Some(wire_duration(hold.ahead)),
                believed: Some(wire_instant(believed)),
                proven: unsigned(hold.proven),
                proof: face.limits.and_then(|limits| unsigned(limits.proof)),
            }),
            ClockStatus::Running | ClockStatus::Behind { .. } => None,
        };
        let behind = match face.standing {
            ClockStatus::Behind { by } => Some(wire_duration(by)),
            ClockStatus::Running | ClockStatus::Held { .. } => None,
        };
        Self {
            now: Some(wire_instant(face.now)),
            frozen: face.setting.frozen.is_some(),
            standing: face.standing.as_str().to_owned(),
            hold,
            behind,
        }
    }
}

/// Returns the resource name of a certificate.
fn certificate(CertificatePath { vault, name }: CertificatePath) -> String {
    Resource::certificate(&vault, &name).name
}

impl From<TimedEvent> for pb::Happening {
    fn from(happening: TimedEvent) -> Self {
        use pb::happening::What;
        let what = match happening.what {
            TimedEventKind::PurgedHsm(path) => What::PurgedHsm(deleted_path_name(&path)),
            TimedEventKind::PurgedVault(path) => What::PurgedVault(deleted_path_name(&path)),
            TimedEventKind::PurgedKey(KeyPath { container, name }) => {
                What::PurgedKey(Resource::deleted_key(&container, &name).name)
            }
            TimedEventKind::PurgedCertificate(CertificatePath { vault, name }) => {
                What::PurgedCertificate(Resource::deleted_certificate(&vault, &name).name)
            }
            TimedEventKind::PurgedSecret(SecretPath { vault, name }) => {
                What::PurgedSecret(Resource::deleted_secret(&vault, &name).name)
            }
            TimedEventKind::RenewedCertificate(version) => What::RenewedCertificate(version.to_string()),
            TimedEventKind::NotRenewedCertificate(path) => What::NotRenewedCertificate(certificate(path)),
            TimedEventKind::CertificateNearExpiry(version) => {
                What::CertificateNearExpiry(version.to_string())
            }
            TimedEventKind::CertificateExpired(version) => What::CertificateExpired(version.to_string()),
            TimedEventKind::NotifiedContacts(version) => What::NotifiedContacts(version.to_string()),
            TimedEventKind::EndedCertificateOperation(path) => {
                What::EndedCertificateOperation(certificate(path))
            }
            TimedEventKind::RequestedRenewal(path) => What::RequestedRenewal(certificate(path)),
            TimedEventKind::RotatedKey(version) => What::RotatedKey(version.to_string()),
            TimedEventKind::NearExpiry(version) => What::NearExpiry(version.to_string()),
            TimedEventKind::ReachedBudget(id) => {
                What::ReachedBudget(format!("subscriptions/{}/budgets/{}", id.subscription, id.name))
            }
            TimedEventKind::NotRotatedKey(KeyPath { container, name }) => {
                What::NotRotatedKey(Resource::key(&container, &name).name)
            }
        };
        Self { at: Some(wire_instant(happening.at)), what: Some(what) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_durations_out_of_range() {
        let read = |seconds, nanos| duration(WireDuration { seconds, nanos });
        assert_eq!(read(1, 1_999), Some(SignedDuration::new(1, 1_000)));
        assert_eq!(read(i64::MAX, 999_999_999), Some(SignedDuration::new(i64::MAX, 999_999_000)));
        for (seconds, nanos) in [
            (i64::MAX, 2_000_000_000),
            (0, 1_000_000_000),
            (0, i32::MAX),
            (0, i32::MIN),
            (-1, 0),
            (i64::MIN, -999_999_999),
        ] {
            assert_eq!(read(seconds, nanos), None, "{seconds} {nanos}");
        }
    }
}
