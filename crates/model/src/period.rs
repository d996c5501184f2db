//! Calendar periods of rotation policies: ISO 8601 durations that keep their original spelling.

use std::fmt;
use std::str::FromStr;

use jiff::Span;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::error::shorten;
use super::key_date::KeyDate;
use super::{Error, Field, Result, Timestamp};

/// Maximum digits of a number; no allowed period needs more.
const MAX_DIGITS: usize = 5;
/// Maximum months of a period: a hundred years.
const MAX_MONTHS: u32 = 1200;
/// Maximum days of a period: a hundred years.
const MAX_DAYS: u32 = 36_525;

/// Months after which the lengths of months repeat, except for three leap years in four centuries.
const CYCLE: u32 = 48;
/// The days in `CYCLE` months.
const CYCLE_DAYS: u32 = 1461;

/// A period like `P90D`, `P2M` or `P1Y6M`: calendar years, months and days in UTC. It is longer than zero, and
/// its months and its days are at most a hundred years each.
// assumption: weeks and times of day are rejected; Azure's documentation and every recorded policy have
// years, months and days only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LifetimePeriod {
    /// The original spelling, which Azure returns unchanged.
    text: Box<str>,
    months: u32,
    days: u32,
}

impl LifetimePeriod {
    /// Returns the original spelling.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the instant one calendar period later: one month after 31 January is the last day of February.
    /// `None` beyond the year 9999.
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let later = instant.to_zoned(TimeZone::UTC).checked_add(self.span()).ok()?;
        Some(later.timestamp())
    }

    /// Returns the instant one calendar period before a date. `None` before the year -9999.
    pub fn before(&self, date: KeyDate) -> Option<Timestamp> {
        let earlier = date.civil().checked_sub(self.span()).ok()?;
        Some(earlier.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }

    /// Returns the shortest and the longest length in days, over all start dates.
    pub fn days(&self) -> (u32, u32) {
        // Only months vary in length. The extremes occur for periods that start with a month: one that starts
        // on the last day of a month and is truncated is as long as the one that starts the day after.
        let (cycles, rest) = (self.months / CYCLE, self.months % CYCLE);
        let fixed = cycles * CYCLE_DAYS + self.days;
        let lengths = (0..CYCLE).map(|first| (first..first + rest).map(month_days).sum::<u32>());
        let (least, most) =
            lengths.fold((u32::MAX, 0), |(least, most), days| (least.min(days), most.max(days)));
        (fixed + least, fixed + most)
    }

    fn span(&self) -> Span {
        // Both are far below the limits of a span.
        Span::new().months(i64::from(self.months)).days(i64::from(self.days))
    }
}

/// Returns the days of a month, counted from January of the first of four years; the fourth is a leap year.
const fn month_days(month: u32) -> u32 {
    match (month % 12, month % CYCLE / 12) {
        (1, 3) => 29,
        (1, _) => 28,
        (3 | 5 | 8 | 10, _) => 30,
        _ => 31,
    }
}

impl From<LifetimePeriod> for String {
    fn from(period: LifetimePeriod) -> Self {
        period.text.into()
    }
}

impl TryFrom<String> for LifetimePeriod {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for LifetimePeriod {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::invalid(Field::Period, format!("{:?} {why}", shorten(text)));
        let form = || wrong("is not a period of years, months and days, such as P90D, P2M or P1Y6M");
        let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or_else(form)?;
        let mut numbers = [0_u32; 3];
        for (number, designator) in numbers.iter_mut().zip(['Y', 'M', 'D']) {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let Some(after) = rest[digits..].strip_prefix(designator) else { continue };
            if !(1..=MAX_DIGITS).contains(&digits) {
                return Err(form());
            }
            *number = rest[..digits].parse().map_err(|_| form())?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(form());
        }
        let [years, months, days] = numbers;
        let months = years * 12 + months;
        if months > MAX_MONTHS || days > MAX_DAYS {
            return Err(wrong("is longer than a hundred years"));
        }
        if months == 0 && days == 0 {
            return Err(wrong("is zero"));
        }
        Ok(Self { text: text.into(), months, days })
    }
}

impl fmt::Display for LifetimePeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period(text: &str) -> LifetimePeriod {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn keeps_spelling_and_rejects_invalid_periods() {
        for text in ["P90D", "P2M", "P1Y", "P18M", "P1Y6M", "P1Y2M10D", "P0Y28D", "P090D", "P100Y", "P36525D"]
        {
            assert_eq!(period(text).as_str(), text);
        }
        for text in [
            "",
            "P",
            "90D",
            "p90d",
            "P90d",
            "PD",
            "P-90D",
            "-P90D",
            "+P90D",
            "P+90D",
            "P0D",
            "P0Y0M0D",
            "P9.5D",
            "P9,5D",
            "P28DT0H",
            "PT672H",
            "P1DT1H",
            "P4W",
            "P1M1Y",
            "P1D1M",
            "P1Y1Y",
            "P 90D",
            "P90D ",
            "P90",
            "P101Y",
            "P1201M",
            "P36526D",
            "P100000D",
            "P99999999999999999999D",
            "P٣D",
            "P1Y-1M",
            "P90D\0",
        ] {
            let error = text.parse::<LifetimePeriod>().unwrap_err();
            assert!(matches!(error, Error::Invalid { .. }), "{text}");
        }
    }

    #[test]
    fn adds_calendar_months() {
        for (from, text, to) in [
            ("2027-01-31T10:00:00Z", "P1M", "2027-02-28T10:00:00Z"),
            ("2028-01-31T10:00:00Z", "P1M", "2028-02-29T10:00:00Z"),
            ("2028-02-29T00:00:00.5Z", "P1Y", "2029-02-28T00:00:00.5Z"),
            ("2028-02-29T00:00:00Z", "P4Y", "2032-02-29T00:00:00Z"),
            ("2027-12-31T23:59:59Z", "P2M", "2028-02-29T23:59:59Z"),
            ("2027-01-31T00:00:00Z", "P1M1D", "2027-03-01T00:00:00Z"),
            // Recorded: 1716930630 and 90 days are 1724706630.
            ("2024-05-28T21:10:30Z", "P90D", "2024-08-26T21:10:30Z"),
        ] {
            assert_eq!(period(text).after(at(from)), Some(at(to)), "{from} {text}");
        }
        assert_eq!(period("P1M").before(at("2027-03-31T00:00:00Z").into()), Some(at("2027-02-28T00:00:00Z")));
        assert_eq!(period("P1D").after(Timestamp::MAX), None);
        assert_eq!(period("P1D").before(Timestamp::MIN.into()), None);
    }

    #[test]
    fn shortest_and_longest_length_in_days() {
        for (text, days) in [
            ("P28D", (28, 28)),
            ("P1M", (28, 31)),
            ("P2M", (59, 62)),
            ("P1Y", (365, 366)),
            ("P12M", (365, 366)),
            ("P4Y", (1461, 1461)),
            ("P1M1D", (29, 32)),
        ] {
            assert_eq!(period(text).days(), days, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parses_years_months_and_days(years in 0..=99_u32, months in 0..=12_u32, days in 0..=36_525_u32) {
            prop_assume!(years + months + days > 0);
            let text = format!("P{years}Y{months}M{days}D");
            let read = period(&text);
            prop_assert_eq!((read.months, read.days, read.as_str()), (years * 12 + months, days, &*text));
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in "(P?[0-9YMDWTP.,+-]{0,12}|.{0,12})") {
            if let Ok(read) = text.parse::<LifetimePeriod>() {
                prop_assert_eq!(read.as_str(), &*text);
                prop_assert!(read.days().0 > 0);
            }
        }

        /// Covers 1901 to 2099, because no century year without a leap day lies between them.
        #[test]
        fn length_is_within_its_bounds(
            second in -2_177_452_800_i64..2_000_000_000, months in 0..=60_u32, days in 0..=400_u32,
        ) {
            prop_assume!(months + days > 0);
            let period = period(&format!("P{months}M{days}D"));
            let from = Timestamp::from_second(second).unwrap();
            let until = period.after(from).unwrap();
            let seconds = until.as_second() - second;
            prop_assert_eq!(seconds % 86_400, 0, "a day has 24 hours in UTC");
            let (least, most) = period.days();
            let length = u32::try_from(seconds / 86_400).unwrap();
            prop_assert!((least..=most).contains(&length), "{length} is not in {least}..={most}");
        }
    }
}
