//! Periods, days and months in UTC. Periods are half-open: they exclude their end.

use jiff::tz::TimeZone;

use crate::{Error, Field, Result, Timestamp};

/// Microseconds per day.
const DAY_MICROS: i64 = 86_400_000_000;

/// The half-open interval of a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl Period {
    /// Creates a non-empty period.
    ///
    /// # Errors
    /// `Invalid` unless `from` is before `to`.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self> {
        if from < to {
            Ok(Self { from, to })
        } else {
            Err(Error::invalid(Field::To, "the period ends before it begins"))
        }
    }

    /// Returns the intersection of two periods, if it is not empty.
    pub fn overlap(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (both.from < both.to).then_some(both)
    }

    /// Returns the calendar month in which it begins.
    pub fn month(self) -> Self {
        month_of(self.from)
    }

    /// Whether it contains an instant.
    pub fn contains(self, instant: Timestamp) -> bool {
        self.from <= instant && instant < self.to
    }

    /// Returns its length in microseconds.
    pub fn micros(self) -> i64 {
        self.to.as_microsecond().saturating_sub(self.from.as_microsecond())
    }

    /// Returns the whole calendar months that overlap it, in order.
    pub fn months(self) -> impl Iterator<Item = Self> {
        let first = month_of(self.from);
        std::iter::successors(Some(first), |month| Some(month_of(month.to)).filter(|next| next != month))
            .take_while(move |month| month.from < self.to)
    }

    /// Splits it at midnight into days.
    pub fn days(self) -> impl Iterator<Item = Self> {
        let next = move |from: Timestamp| {
            let to = start_of_day(day_of(from).saturating_add(1)).min(self.to);
            (from < to).then_some(Self { from, to })
        };
        std::iter::successors(next(self.from), move |day| next(day.to))
    }
}

/// Returns the day of an instant, counted from 1970-01-01.
pub fn day_of(instant: Timestamp) -> i32 {
    // The calendar of a timestamp ends in the year 9999, day 2,932,896.
    i32::try_from(instant.as_microsecond().div_euclid(DAY_MICROS)).unwrap_or(i32::MAX)
}

/// Returns the first instant of a day, clamped to the calendar.
pub fn start_of_day(day: i32) -> Timestamp {
    let beyond = if day < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(i64::from(day).saturating_mul(DAY_MICROS)).unwrap_or(beyond)
}

/// Returns the calendar month of an instant.
pub(super) fn month_of(instant: Timestamp) -> Period {
    let first = instant.to_zoned(TimeZone::UTC).date().first_of_month();
    let start = |date: jiff::civil::Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let next = first.checked_add(jiff::Span::new().months(1));
    Period {
        from: start(first).unwrap_or(Timestamp::MIN),
        to: next.and_then(start).unwrap_or(Timestamp::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: &str) -> Period {
        Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    #[test]
    fn splits_into_calendar_months_and_days() {
        let year = period("2027-01-15T12:00:00Z", "2028-01-01T00:00:00Z");
        let months: Vec<_> = year.months().collect();
        assert_eq!(months.len(), 12);
        assert_eq!(months[0], period("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"));
        assert_eq!(months.iter().map(|month| month.micros() / DAY_MICROS).sum::<i64>(), 365);
        let days: Vec<_> = period("2027-01-31T12:00:00Z", "2027-02-02T06:00:00Z").days().collect();
        assert_eq!(days.iter().map(|day| day.micros() / 3_600_000_000).collect::<Vec<_>>(), [12, 24, 6]);
    }

    #[test]
    fn handles_the_limits_of_the_calendar() {
        for instant in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            let month = month_of(instant);
            assert!(month.from <= instant && instant <= month.to, "{instant}");
        }
        let last = Period::new("9999-12-01T00:00:00Z".parse().unwrap(), Timestamp::MAX).unwrap();
        assert_eq!(last.months().count(), 1);
        assert!(last.days().count() <= 31);
        assert!(Period::new(Timestamp::MAX, Timestamp::MIN).is_err());
        assert!(Period::new(Timestamp::MAX, Timestamp::MAX).is_err());
    }
}
