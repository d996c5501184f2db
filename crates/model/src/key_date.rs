//! Dates of a key version's validity period, up to the last second of the year 9999, which clients send for "never".

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::field::{Field, InvalidValue};

/// A date at which a key version becomes valid or expires, in microseconds since 1970, UTC. [`Timestamp`] ends 26 hours
/// before the year 9999 does.
///
/// Most dates are not set, so the number is kept in a form that is never zero: `Option<KeyDate>` needs no more memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyDate(NonZeroU64);

impl KeyDate {
    /// The latest date: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self::new(253_402_300_799_999_999);

    /// Converts seconds since 1970; `None` outside the calendar.
    pub fn from_second(seconds: i64) -> Option<Self> {
        Self::from_microsecond(seconds.checked_mul(1_000_000)?)
    }

    /// Converts microseconds since 1970; `None` outside the calendar.
    pub fn from_microsecond(micros: i64) -> Option<Self> {
        let calendar = Timestamp::MIN.as_microsecond()..=Self::MAX.as_microsecond();
        calendar.contains(&micros).then_some(Self::new(micros))
    }

    /// Returns whole seconds since 1970.
    pub const fn as_second(self) -> i64 {
        self.as_microsecond().div_euclid(1_000_000)
    }

    /// Returns microseconds since 1970.
    pub const fn as_microsecond(self) -> i64 {
        i64::MIN.wrapping_add_unsigned(self.0.get())
    }

    /// Keeps microseconds of the calendar as their distance from the smallest number, which lies before it.
    const fn new(micros: i64) -> Self {
        match NonZeroU64::new(micros.abs_diff(i64::MIN)) {
            Some(distance) => Self(distance),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Returns the instant `duration` before the date, clamped to the range of [`Timestamp`].
    pub(crate) fn minus(self, duration: SignedDuration) -> Timestamp {
        let micros = i128::from(self.as_microsecond()) - duration.as_micros();
        let micros = i64::try_from(micros).unwrap_or(i64::MIN);
        let bound = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_microsecond(micros).unwrap_or(bound)
    }

    /// Returns the date and time of day in UTC.
    pub fn civil(self) -> DateTime {
        let since_1970 = SignedDuration::from_micros(self.as_microsecond());
        date(1970, 1, 1).at(0, 0, 0, 0).checked_add(since_1970).unwrap_or(DateTime::MAX)
    }

    /// Converts a date and time of day in UTC; `None` outside the calendar.
    pub(crate) fn of_civil(civil: DateTime) -> Option<Self> {
        let since_1970 = civil.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
        Self::from_microsecond(i64::try_from(since_1970.as_micros()).ok()?)
    }
}

impl From<Timestamp> for KeyDate {
    fn from(instant: Timestamp) -> Self {
        Self::new(instant.as_microsecond())
    }
}

impl PartialEq<Timestamp> for KeyDate {
    fn eq(&self, instant: &Timestamp) -> bool {
        self.as_microsecond() == instant.as_microsecond()
    }
}

impl PartialOrd<Timestamp> for KeyDate {
    fn partial_cmp(&self, instant: &Timestamp) -> Option<Ordering> {
        self.partial_cmp(&Self::from(*instant))
    }
}

impl fmt::Debug for KeyDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDate({})", self.as_microsecond())
    }
}

impl fmt::Display for KeyDate {
    /// RFC 3339.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.civil())
    }
}

impl FromStr for KeyDate {
    type Err = InvalidValue;

    /// Parses RFC 3339, or a date alone, which means midnight UTC.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || {
            InvalidValue::new(
                Field::Date,
                "a date is written 2027-01-01 (midnight UTC) or 2027-01-01T12:00:00Z",
            )
        };
        // jiff would parse the date of a longer string and drop its time.
        if text.len() == "2027-01-01".len() {
            let date = text.parse::<jiff::civil::Date>().map_err(|_| wrong())?;
            return Self::of_civil(date.at(0, 0, 0, 0)).ok_or_else(wrong);
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(instant.into());
        }
        let civil = text.strip_suffix(['Z', 'z']).and_then(|civil| civil.parse().ok());
        civil.and_then(Self::of_civil).ok_or_else(wrong)
    }
}

impl TryFrom<String> for KeyDate {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<KeyDate> for String {
    fn from(date: KeyDate) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_dates_up_to_the_end_of_year_9999() {
        let last = KeyDate::from_second(253_402_300_799).unwrap();
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(last.as_second(), 253_402_300_799);
        assert_eq!(KeyDate::from_second(253_402_300_800), None);
        assert_eq!(KeyDate::from_second(i64::MAX), None);
        assert_eq!(KeyDate::from_second(i64::MIN), None);
        assert!(last > Timestamp::MAX && KeyDate::from(Timestamp::MIN) == Timestamp::MIN);
        assert_eq!(last.minus(SignedDuration::from_hours(24 * 30)).to_string(), "9999-12-01T23:59:59Z");
        assert_eq!(last.minus(SignedDuration::ZERO), Timestamp::MAX);
        assert_eq!(KeyDate::from(Timestamp::MIN).minus(SignedDuration::from_hours(1)), Timestamp::MIN);
    }

    #[test]
    fn dates_are_ordered_and_need_no_memory_for_their_absence() {
        let micros = [Timestamp::MIN.as_microsecond(), -1, 0, 1, KeyDate::MAX.as_microsecond()];
        let dates = micros.map(|micros| KeyDate::from_microsecond(micros).unwrap());
        assert!(dates.is_sorted() && dates.map(KeyDate::as_microsecond) == micros);
        assert_eq!(KeyDate::from_microsecond(micros[0] - 1), None);
        assert_eq!(KeyDate::from_microsecond(micros[4] + 1), None);
        assert_eq!(size_of::<Option<KeyDate>>(), size_of::<i64>());
    }

    #[test]
    fn dates_round_trip_through_text() {
        for text in [
            "9999-12-31T23:59:59Z",
            "1969-12-31T23:59:59.25Z",
            "2027-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<KeyDate>().unwrap().to_string(), text);
        }
        for micros in [0, 1, -1, KeyDate::MAX.as_microsecond(), Timestamp::MIN.as_microsecond()] {
            let there = KeyDate::from_microsecond(micros).unwrap();
            assert_eq!(there.to_string().parse::<KeyDate>().unwrap(), there);
        }
        assert_eq!("9999-12-31".parse::<KeyDate>().unwrap().to_string(), "9999-12-31T00:00:00Z");
        assert_eq!(
            "2027-01-01T02:00:00+02:00".parse::<KeyDate>().unwrap().to_string(),
            "2027-01-01T00:00:00Z"
        );
        for text in
            ["", "Z", "tomorrow", "9999-12-32", "9999-12-31T23:59:60.5", "9999-12-31T23:59:59", "99999-12-31"]
        {
            assert!(text.parse::<KeyDate>().is_err(), "{text}");
        }
    }
}
