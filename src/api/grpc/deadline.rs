//! The deadline of a gRPC call: when its client stops waiting.
//!
//! Format of `grpc-timeout`: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};

/// The header with the time for which the client waits.
const TIMEOUT: &str = "grpc-timeout";

/// The largest number of digits of a timeout.
const MAX_DIGITS: usize = 8;

/// When the client of a call stops waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub(super) Instant);

impl Deadline {
    /// Returns the deadline of a request that arrives now; `None` if it has none, or a malformed one.
    pub(super) fn of(headers: &HeaderMap<HeaderValue>) -> Option<Self> {
        let timeout = parse(headers.get(TIMEOUT)?.as_bytes())?;
        Instant::now().checked_add(timeout).map(Self)
    }
}

/// Parses a timeout: digits and a unit.
fn parse(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if digits.len() > MAX_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 60 * 60),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_every_unit_and_rejects_other_text() {
        for (text, seconds) in [
            ("2H", 7200.0),
            ("3M", 180.0),
            ("0S", 0.0),
            ("1500m", 1.5),
            ("20u", 2e-5),
            ("99999999n", 0.099999999),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "S", "5", "5s", "-5S", "+5S", "5.0S", "123456789S", "5 S", "5SS"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
