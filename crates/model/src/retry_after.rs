//! When a caller should repeat a call that was refused because of a temporary condition.

use std::time::Duration;

use super::Error;

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
            _ => None,
        }
    }
}
