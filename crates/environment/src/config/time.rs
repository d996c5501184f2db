//! The plausibility limits of a gateway's system clock.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ConfigError;
use crate::model::name::PrincipalId;
use crate::model::time_guard::TrustLimits;

/// The longest limit that can be set: ten years, in seconds.
const MOST: u64 = 3653 * 86_400;

/// The plausibility limits of the system clock. They do not apply to the virtual clock of a simulator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Time {
    /// How far wall-clock time may get ahead of monotonic time while the service runs, in seconds.
    pub jump_seconds: u64,
    /// How far it may be ahead of the stored high-water mark of time at start-up, in seconds.
    pub stop_seconds: u64,
    /// How long an untrusted clock must advance steadily until it is trusted again, in seconds.
    pub proof_seconds: u64,
    /// The principals that may release the clock without a role, for example where subscriptions belong to several tenants.
    pub operators: Vec<ClockOperator>,
}

/// A principal that may release the clock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockOperator {
    /// Its tenant.
    pub tenant: Uuid,
    /// The object id of a user, a service principal or a group.
    pub principal: PrincipalId,
}

impl Default for Time {
    fn default() -> Self {
        let limits = TrustLimits::default();
        let seconds = |duration: SignedDuration| duration.as_secs().unsigned_abs();
        Self {
            jump_seconds: seconds(limits.jump),
            stop_seconds: seconds(limits.stop),
            proof_seconds: limits.proof.as_secs(),
            operators: Vec::new(),
        }
    }
}

impl Time {
    /// Validates the limits.
    ///
    /// # Errors
    /// If a limit is out of range; the text names the setting.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        for (name, seconds, least) in [
            ("jump_seconds", self.jump_seconds, 60),
            ("stop_seconds", self.stop_seconds, 60),
            ("proof_seconds", self.proof_seconds, 1),
        ] {
            if !(least..=MOST).contains(&seconds) {
                return Err(ConfigError::new(format!("time.{name}: must be {least} to {MOST}")));
            }
        }
        Ok(())
    }

    /// Returns the limits for the clock guard.
    pub fn limits(&self) -> TrustLimits {
        let signed = |seconds: u64| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        TrustLimits {
            jump: signed(self.jump_seconds),
            stop: signed(self.stop_seconds),
            proof: Duration::from_secs(self.proof_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_ineffective_limits() {
        let default = Time::default();
        assert_eq!(
            (default.jump_seconds, default.stop_seconds, default.proof_seconds),
            (86_400, 86_400, 604_800)
        );
        assert!(default.validate().is_ok());
        assert_eq!(default.limits(), TrustLimits::default());
        for wrong in [
            Time { jump_seconds: 0, ..default.clone() },
            Time { stop_seconds: MOST + 1, ..default.clone() },
            Time { proof_seconds: 0, ..default.clone() },
            Time { jump_seconds: u64::MAX, ..default.clone() },
        ] {
            assert!(wrong.validate().is_err(), "{wrong:?}");
        }
    }
}
