//! Instants, as people write and read them.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// Reads an instant: RFC 3339, or a date, which means its first moment in UTC.
pub(crate) fn parse(text: &str) -> Result<Timestamp, &'static str> {
    let wrong = "an instant is written 2027-01-01 (midnight UTC) or 2027-01-01T12:00:00Z";
    // jiff would read the date of a longer text and drop its time.
    let date = (text.len() == "2027-01-01".len()).then(|| text.parse::<Date>());
    if let Some(Ok(date)) = date {
        return date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|_| wrong);
    }
    text.parse().map_err(|_| wrong)
}

/// The instant, for people: `2027-01-01 00:00:00Z`.
pub(crate) fn show(instant: Option<Timestamp>) -> String {
    instant.map_or_else(String::new, |instant| instant.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// The instant on the wire.
pub(crate) fn to_wire(instant: Timestamp) -> prost_types::Timestamp {
    // Before 1970 jiff's nanoseconds are negative; the wire's never are.
    let nanoseconds = instant.as_nanosecond();
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let rest = nanoseconds.rem_euclid(1_000_000_000);
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or_default(),
        nanos: i32::try_from(rest).unwrap_or_default(),
    }
}

/// The instant from the wire; one outside the calendar counts as none.
pub(crate) fn from_wire(instant: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    instant.and_then(|instant| Timestamp::new(instant.seconds, instant.nanos).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_instants_are_read() {
        for (text, rfc3339) in [
            ("2027-01-01", "2027-01-01T00:00:00Z"),
            ("2027-01-01T12:30:00Z", "2027-01-01T12:30:00Z"),
            ("2027-01-01T12:30:00+02:00", "2027-01-01T10:30:00Z"),
            ("2027-01-01 12:30:00.5Z", "2027-01-01T12:30:00.5Z"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), rfc3339, "{text}");
        }
        for text in
            ["", "tomorrow", "2027-13-01", "2027-02-30", "2027-01-01T12:00", "01.01.2027", "1800000000"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn instants_survive_the_wire() {
        for text in ["2027-01-01", "1969-12-31T23:59:59.25Z", "1970-01-01"] {
            let instant = parse(text).unwrap();
            let wire = to_wire(instant);
            assert!((0..1_000_000_000).contains(&wire.nanos));
            assert_eq!(from_wire(Some(wire)), Some(instant), "{text}");
        }
        assert_eq!(from_wire(Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 })), None);
    }

    #[test]
    fn instants_are_shown_in_utc() {
        assert_eq!(show(parse("2027-01-01T01:00:00+01:00").ok()), "2027-01-01 00:00:00Z");
        assert_eq!(show(None), "");
    }
}
