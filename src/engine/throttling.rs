//! Limits the rate of calls to vaults, if the configuration says so.

use std::sync::{Mutex, PoisonError};

use crate::model::container::Container;
use crate::model::throttling::{CallClass, CallCounters, RateLimits};
use crate::model::{Error, Result, Timestamp};

/// The limits and the counted calls.
#[derive(Default)]
pub(super) struct Throttle(Option<Mutex<CallCounters>>);

impl Throttle {
    /// Creates the counters, if calls are limited.
    pub(super) fn new(limits: RateLimits) -> Self {
        match limits {
            RateLimits::Off => Self(None),
            RateLimits::Published => Self(Some(Mutex::default())),
        }
    }

    /// Counts a call to a container, or as many calls as a batch has items. Only vaults have published limits.
    ///
    /// # Errors
    /// `Throttled`.
    pub(super) fn admit(
        &self,
        container: &Container,
        calls: impl FnOnce() -> (CallClass, u32),
        now: Timestamp,
    ) -> Result<()> {
        let (Some(counters), Container::Vault(vault)) = (&self.0, container) else { return Ok(()) };
        let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counters.count((vault.id, vault.subscription), calls(), now);
        counted.map_err(|retry_after_seconds| Error::Throttled { retry_after_seconds })
    }
}
