//! The machine's clock: credentials and certificates live by it, whatever the service's clock says.

use std::time::{SystemTime, UNIX_EPOCH};

/// Whole seconds since 1970, UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials are valid by the machine's clock, never the virtual one"
)]
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
