//! The published limits on the rate of calls to vaults.
//!
//! Source: "Azure Key Vault service limits" and "Azure Key Vault throttling guidance" of Azure's documentation
//! (<https://learn.microsoft.com/azure/key-vault/general/service-limits>).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::key::{KeyType, Protection};
use super::resource::SubscriptionId;

/// The length of the interval that the limits are for, in seconds.
pub const INTERVAL_SECONDS: i64 = 10;

/// The limit of a subscription is this many times that of a vault.
const SUBSCRIPTION_FACTOR: u32 = 5;

/// Which limits apply to the calls to vaults.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateLimits {
    /// None.
    #[default]
    Off,
    /// The limits that Azure publishes.
    Published,
}

/// The classes of calls, each with a limit of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallClass {
    /// Creating or importing a key.
    CreateKey(Protection),
    /// Any other call with a key.
    UseKey(Protection, KeyWeight),
    /// Creating a secret or a certificate, or a version of one.
    CreateObject,
    /// Any other call.
    Other,
}

/// How much a call with a key costs the service, by the type of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KeyWeight {
    /// 2048-bit RSA and elliptic curves.
    Light,
    /// 3072-bit RSA.
    Medium,
    /// 4096-bit RSA.
    Heavy,
}

impl CallClass {
    /// Returns the class of a call that uses a key of this type.
    pub const fn using(key_type: KeyType, protection: Protection) -> Self {
        let weight = match key_type {
            KeyType::Rsa { bits: 3072 } => KeyWeight::Medium,
            KeyType::Rsa { bits: 4096 } => KeyWeight::Heavy,
            KeyType::Rsa { .. } | KeyType::Ec { .. } | KeyType::Oct { .. } => KeyWeight::Light,
        };
        Self::UseKey(protection, weight)
    }

    /// Returns the largest number of calls to a vault in one interval.
    const fn limit(self) -> u32 {
        match self {
            Self::CreateKey(Protection::Hsm) => 10,
            Self::CreateKey(Protection::Software) => 20,
            Self::UseKey(Protection::Hsm, KeyWeight::Light) => 2000,
            Self::UseKey(Protection::Hsm, KeyWeight::Medium) => 500,
            Self::UseKey(Protection::Hsm, KeyWeight::Heavy) => 250,
            Self::UseKey(Protection::Software, KeyWeight::Medium) => 1000,
            Self::UseKey(Protection::Software, KeyWeight::Heavy) => 500,
            Self::CreateObject => 300,
            Self::UseKey(Protection::Software, KeyWeight::Light) | Self::Other => 4000,
        }
    }
}

/// What a counter counts the calls of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Counted {
    Vault(Uuid),
    Subscription(SubscriptionId),
}

/// Counts the calls of the current interval. Intervals begin at multiples of ten seconds of the service's clock.
///
/// A batch counts as many calls as it has items. It may exceed a limit, since one that is larger than the limit could
/// never be accepted otherwise; its excess then counts in the following intervals.
// assumption: it is not published whether Azure's intervals are fixed or sliding.
#[derive(Debug, Default)]
pub struct CallCounters {
    interval: i64,
    counts: HashMap<(Counted, CallClass), u32>,
}

impl Counted {
    /// Returns the largest number of calls of a class in one interval.
    const fn limit(self, class: CallClass) -> u32 {
        match self {
            Self::Vault(_) => class.limit(),
            Self::Subscription(_) => class.limit().saturating_mul(SUBSCRIPTION_FACTOR),
        }
    }
}

impl CallCounters {
    /// Counts calls of one class to a vault, unless a limit is reached: rejected calls do not count.
    ///
    /// # Errors
    /// The number of seconds until the next interval in which the limit is not reached.
    pub fn count(
        &mut self,
        (vault, subscription): (Uuid, SubscriptionId),
        (class, calls): (CallClass, u32),
        now: Timestamp,
    ) -> Result<(), u32> {
        self.advance(now.as_second().div_euclid(INTERVAL_SECONDS));
        let counted = [Counted::Vault(vault), Counted::Subscription(subscription)];
        let intervals =
            |of: &Counted| self.counts.get(&(*of, class)).map_or(0, |count| count / of.limit(class));
        let full = counted.iter().map(intervals).max().unwrap_or_default();
        if full > 0 {
            let passed = now.as_second().rem_euclid(INTERVAL_SECONDS);
            return Err(u32::try_from(INTERVAL_SECONDS * i64::from(full) - passed).unwrap_or(u32::MAX));
        }
        for of in counted {
            let count = self.counts.entry((of, class)).or_default();
            *count = count.saturating_add(calls);
        }
        Ok(())
    }

    /// Begins the interval of this number, with what exceeds the limits of those that have passed.
    fn advance(&mut self, interval: i64) {
        if interval == self.interval {
            return;
        }
        // The clock of a simulator may be set back: then the counts begin anew.
        let passed = u32::try_from(interval.saturating_sub(self.interval)).unwrap_or(u32::MAX);
        self.interval = interval;
        self.counts.retain(|(of, class), count| {
            *count = count.saturating_sub(of.limit(*class).saturating_mul(passed));
            *count > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn limits_are_per_vault_class_and_interval() {
        let mut counters = CallCounters::default();
        let subscription = SubscriptionId(Uuid::nil());
        let (one, other) = ((Uuid::from_u128(1), subscription), (Uuid::from_u128(2), subscription));
        let create = CallClass::CreateKey(Protection::Hsm);
        let mut created = |vault, second| counters.count(vault, (create, 1), at(second));
        for _ in 0..10 {
            assert_eq!(created(one, 103), Ok(()));
        }
        assert_eq!(created(one, 103), Err(7));
        assert_eq!(created(one, 109), Err(1));
        assert_eq!(created(other, 109), Ok(()));
        assert_eq!(created(one, 110), Ok(()));
        assert_eq!(counters.count(one, (CallClass::CreateKey(Protection::Software), 1), at(110)), Ok(()));
    }

    #[test]
    fn limits_of_a_subscription_are_five_times_those_of_a_vault() {
        let mut counters = CallCounters::default();
        let subscription = SubscriptionId(Uuid::nil());
        let mut accepted = 0;
        for vault in 0..7 {
            for _ in 0..10 {
                let (vault, class) = (Uuid::from_u128(vault), CallClass::CreateKey(Protection::Hsm));
                accepted += u32::from(counters.count((vault, subscription), (class, 1), at(0)).is_ok());
            }
        }
        assert_eq!(accepted, 50);
    }

    #[test]
    fn excess_of_a_batch_counts_in_the_following_intervals() {
        let mut counters = CallCounters::default();
        let vault = (Uuid::from_u128(1), SubscriptionId(Uuid::nil()));
        let heavy = CallClass::UseKey(Protection::Hsm, KeyWeight::Heavy);
        let mut count = |calls, second| counters.count(vault, (heavy, calls), at(second));
        // One below the limit of 250, then a batch of 1000: 1249 are counted, of which five intervals allow 1250.
        assert_eq!(count(249, 100), Ok(()));
        assert_eq!(count(1000, 101), Ok(()));
        assert_eq!(count(1, 101), Err(39));
        assert_eq!(count(1, 110), Err(30));
        assert_eq!(count(1, 139), Err(1));
        assert_eq!(count(1, 140), Ok(()));
        assert_eq!(count(1, 140), Err(10));
        assert_eq!(count(1, 150), Ok(()));
        // No excess is left after intervals without calls.
        assert_eq!(count(250, 200), Ok(()));
        assert_eq!(count(1, 209), Err(1));
    }
}
