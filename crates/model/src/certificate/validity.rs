//! The validity period of certificates: calendar months.

use jiff::{Span, Unit};
use serde::{Deserialize, Serialize};

use crate::key_date::KeyDate;
use crate::{Error, Field, Result, Timestamp};

/// Seconds by which a certificate is valid before its creation, as recorded from Azure: clocks of clients may be behind.
const BACKDATED_SECONDS: i64 = 600;

/// The months that a certificate is valid: 1 to 1200.
// assumption: Azure's maximum is not recorded; a certificate of a hundred years is, with 1200 months.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct ValidityMonths(u32);

/// The period in which a certificate is valid; both dates belong to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Validity {
    /// The first second.
    pub not_before: KeyDate,
    /// The last second.
    pub not_after: KeyDate,
}

impl ValidityMonths {
    /// The validity without another setting.
    pub const DEFAULT: Self = Self(12);
    const MAX: u32 = 1200;

    /// Returns the number of months.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the validity period of a certificate that is created at `created`: from 600 seconds before until the same day and
    /// time of a later month, or the last day of that month if it is shorter.
    ///
    /// # Errors
    /// `Invalid` naming `policy.x509.validity_months` if it ends after the year 9999.
    pub fn validity(self, created: Timestamp) -> Result<Validity> {
        let beyond = || {
            Error::invalid(Field::PolicyValidityMonths, "the certificate would be valid beyond the year 9999")
        };
        let created = KeyDate::from_second(created.as_second()).ok_or_else(beyond)?;
        let not_before = KeyDate::from_second(created.as_second() - BACKDATED_SECONDS).ok_or_else(beyond)?;
        let end = created.civil().checked_add(Span::new().months(i64::from(self.0))).map_err(|_| beyond())?;
        let not_after = KeyDate::of_civil(end).ok_or_else(beyond)?;
        Ok(Validity { not_before, not_after })
    }
}

impl TryFrom<u32> for ValidityMonths {
    type Error = Error;

    fn try_from(months: u32) -> Result<Self> {
        if (1..=Self::MAX).contains(&months) {
            return Ok(Self(months));
        }
        Err(Error::invalid(
            Field::PolicyValidityMonths,
            format!("a certificate is valid for 1 to {} months", Self::MAX),
        ))
    }
}

impl From<ValidityMonths> for u32 {
    fn from(months: ValidityMonths) -> Self {
        months.0
    }
}

impl Validity {
    /// Returns the length in months, rounded to the nearest, as an import without a policy sets it; at least 1.
    // assumption: the rounding is not recorded; certificates of about 10 and of 100 years have 120 and 1200 months.
    pub fn months(self) -> ValidityMonths {
        let (from, to) = (self.not_before.civil(), self.not_after.civil());
        let months = from.until((Unit::Month, to)).map_or(0, |span| {
            let half = i32::from(span.get_days() >= 15);
            span.get_months().saturating_add(half)
        });
        ValidityMonths(u32::try_from(months).unwrap_or(0).clamp(1, ValidityMonths::MAX))
    }

    /// Returns the instant at which this percentage of the period has passed.
    pub(super) fn percentage(self, percent: u8) -> Timestamp {
        let (from, to) = (self.not_before.as_microsecond(), self.not_after.as_microsecond());
        let length = i128::from(to) - i128::from(from);
        let at = i128::from(from) + length * i128::from(percent) / 100;
        // Between two dates of the calendar; a timestamp ends 26 hours before the calendar does.
        i64::try_from(at).ok().and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn validity(months: u32, created: &str) -> (String, String) {
        let validity = ValidityMonths::try_from(months).unwrap().validity(at(created)).unwrap();
        (validity.not_before.to_string(), validity.not_after.to_string())
    }

    #[test]
    fn months_are_calendar_months() {
        for (months, created, not_before, not_after) in [
            (12, "2026-03-01T12:00:00.75Z", "2026-03-01T11:50:00Z", "2027-03-01T12:00:00Z"),
            (1, "2026-01-31T00:00:00Z", "2026-01-30T23:50:00Z", "2026-02-28T00:00:00Z"),
            (1, "2028-01-31T00:00:00Z", "2028-01-30T23:50:00Z", "2028-02-29T00:00:00Z"),
            (12, "2028-02-29T05:06:07Z", "2028-02-29T04:56:07Z", "2029-02-28T05:06:07Z"),
            (3, "2026-11-30T01:00:00Z", "2026-11-30T00:50:00Z", "2027-02-28T01:00:00Z"),
            (1200, "2026-01-01T00:00:00Z", "2025-12-31T23:50:00Z", "2126-01-01T00:00:00Z"),
        ] {
            assert_eq!(validity(months, created), (not_before.to_owned(), not_after.to_owned()));
        }
        let late = ValidityMonths::try_from(1200).unwrap().validity(at("9950-01-01T00:00:00Z"));
        assert!(late.unwrap_err().to_string().starts_with("policy.x509.validity_months: "));
        for months in [0, 1201, u32::MAX] {
            assert!(ValidityMonths::try_from(months).is_err(), "{months}");
        }
    }

    #[test]
    fn months_of_imported_certificates_are_rounded() {
        for (from, to, months) in [
            ("2026-01-01", "2027-01-01", 12),
            ("2015-09-10", "2025-09-07", 120),
            ("2016-01-01", "2116-01-01", 1200),
            ("2026-01-01", "2026-01-10", 1),
            ("2026-01-01", "2026-04-01", 3),
            ("2026-01-01", "2025-01-01", 1),
            ("0001-01-01", "9999-12-31", 1200),
        ] {
            let validity = Validity { not_before: from.parse().unwrap(), not_after: to.parse().unwrap() };
            assert_eq!(validity.months().get(), months, "{from} to {to}");
        }
    }
}
