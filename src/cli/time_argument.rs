//! Parses, formats and converts timestamps and key dates.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::Timestamp;
use crate::model::key_date::KeyDate;

/// Parses a timestamp: RFC 3339, or a date, which means midnight UTC.
pub(crate) fn parse(text: &str) -> Result<Timestamp, &'static str> {
    let wrong = "expected 2027-01-01 (midnight UTC) or 2027-01-01T12:00:00Z";
    // jiff would parse the date of a longer text and ignore its time.
    let date = (text.len() == "2027-01-01".len()).then(|| text.parse::<Date>());
    if let Some(Ok(date)) = date {
        return date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|_| wrong);
    }
    text.parse().map_err(|_| wrong)
}

/// Parses the date of a key in the formats of [`parse`], up to the end of the year 9999.
pub(crate) fn parse_date(text: &str) -> Result<KeyDate, &'static str> {
    text.parse().map_err(|_| "expected 2027-01-01 (midnight UTC) or 2027-01-01T12:00:00Z")
}

/// Formats a timestamp or key date: `2027-01-01 00:00:00Z`. `None` is an empty string.
pub(crate) fn format(instant: Option<impl Into<KeyDate>>) -> String {
    let shown = |instant: KeyDate| instant.civil().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    instant.map(Into::into).map_or_else(String::new, shown)
}

/// Formats the scheduled purge date of something that was deleted at a time; both are equal if its deletion was permanent.
pub(crate) fn format_purge(deleted_at: Option<Timestamp>, scheduled: Option<Timestamp>) -> String {
    match scheduled.is_some() && scheduled == deleted_at {
        true => "none: it is deleted permanently, because the vault has no soft-delete".to_owned(),
        false => format(scheduled),
    }
}

/// Converts a timestamp or key date to protobuf, to the microsecond.
pub(crate) fn to_wire(instant: impl Into<KeyDate>) -> prost_types::Timestamp {
    // Protobuf requires non-negative nanoseconds, also before 1970.
    let micros = instant.into().as_microsecond();
    let rest = micros.rem_euclid(1_000_000) * 1000;
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(rest).unwrap_or_default(),
    }
}

/// Converts a key date from protobuf. Returns `None` if it is out of range.
pub(crate) fn date_from_wire(date: Option<prost_types::Timestamp>) -> Option<KeyDate> {
    let prost_types::Timestamp { seconds, nanos } = date?;
    KeyDate::from_microsecond(seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos) / 1000)?)
}

/// Converts a timestamp from protobuf. Returns `None` if it is out of range.
pub(crate) fn from_wire(instant: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    instant.and_then(|instant| Timestamp::new(instant.seconds, instant.nanos).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_dates_and_rfc3339_timestamps() {
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
    fn timestamps_round_trip_through_protobuf() {
        for text in ["2027-01-01", "1969-12-31T23:59:59.25Z", "1970-01-01"] {
            let instant = parse(text).unwrap();
            let wire = to_wire(instant);
            assert!((0..1_000_000_000).contains(&wire.nanos));
            assert_eq!(from_wire(Some(wire)), Some(instant), "{text}");
        }
        assert_eq!(from_wire(Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 })), None);
    }

    #[test]
    fn key_dates_extend_to_the_end_of_year_9999() {
        for (text, shown) in [
            ("9999-12-31", "9999-12-31 00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59Z"),
            ("2027-01-01T12:30:00+02:00", "2027-01-01 10:30:00Z"),
        ] {
            let date = parse_date(text).unwrap();
            assert_eq!(format(Some(date)), shown, "{text}");
            assert_eq!(date_from_wire(Some(to_wire(date))), Some(date), "{text}");
        }
        assert!(parse_date("10000-01-01").is_err());
        assert_eq!(date_from_wire(Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 })), None);
    }

    #[test]
    fn timestamps_are_formatted_in_utc() {
        assert_eq!(format(parse("2027-01-01T01:00:00+01:00").ok()), "2027-01-01 00:00:00Z");
        assert_eq!(format(None::<Timestamp>), "");
    }
}
