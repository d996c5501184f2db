//! When a caller should repeat a call that was refused because of a temporary condition.

use std::time::Duration;

use super::Error;
use super::storage_failure::Outcome;

impl Error {
    /// Returns after how long a caller should repeat the call; `None` if the condition is not known to be temporary.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after_seconds } => {
                Some(Duration::from_secs((*retry_after_seconds).into()))
            }
            // Calls wait for the token for milliseconds.
            Self::TokenBusy => Some(Duration::from_millis(100)),
            Self::ComputationBusy { .. } | Self::Overloaded | Self::TokenUnavailable { .. } => {
                Some(Duration::from_secs(1))
            }
            // Space may be freed at any time.
            Self::StorageFailed(failure) if failure.outcome == Outcome::NotDone => {
                Some(Duration::from_secs(5))
            }
            _ => None,
        }
    }
}
