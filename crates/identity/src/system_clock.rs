//! The system clock, by which credentials and certificates are valid, also if the service has a virtual clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the Unix time in whole seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials are valid by the system clock, never by the virtual clock"
)]
pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
