//! What the test issuer does with a request, and the failed renewals of a certificate.

use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::error::shorten;
use crate::{Error, Field, Result, Timestamp};

/// The longest delay of the test issuer: a year.
const MAX_DELAY: SignedDuration = SignedDuration::from_hours(24 * 366);

/// The delay before a renewal is attempted again; doubled after each further failure.
const FIRST_RETRY: SignedDuration = SignedDuration::from_hours(1);

/// The number of times that the delay is doubled at most: to 341 days.
const MAX_DOUBLINGS: u32 = 13;

/// Why an issuer refuses a request.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/certificates/create-certificate-scenarios>.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IssuerRefusal {
    /// The issuer failed.
    IssuerError,
    /// The issuer rejected the request.
    Rejected,
}

impl IssuerRefusal {
    /// Returns the code that callers get.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IssuerError => "Certificate issuer error",
            Self::Rejected => "Request rejected",
        }
    }
}

/// What the test issuer does with the request of an operation. Decided when it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TestIssuance {
    /// When it answers.
    pub at: Timestamp,
    /// Why it refuses; `None` if it issues the certificate.
    pub refusal: Option<IssuerRefusal>,
}

/// What the account at the test issuer asks for: its identifier is a list of words, separated by commas, of which `fail`, `reject` and
/// `delay=DURATION` have a meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TestAccount {
    /// How long it takes to answer.
    pub delay: SignedDuration,
    /// How it refuses.
    pub refusal: Option<IssuerRefusal>,
}

impl FromStr for TestAccount {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut account = Self::default();
        for word in text.split(',').map(str::trim) {
            match word.split_once('=') {
                None if word.eq_ignore_ascii_case("fail") => {
                    account.refusal = Some(IssuerRefusal::IssuerError);
                }
                None if word.eq_ignore_ascii_case("reject") => {
                    account.refusal = Some(IssuerRefusal::Rejected);
                }
                Some((name, duration)) if name.eq_ignore_ascii_case("delay") => {
                    account.delay = delay(duration)?;
                }
                _ => {}
            }
        }
        Ok(account)
    }
}

fn delay(text: &str) -> Result<SignedDuration> {
    let parsed = text.parse().ok();
    parsed.filter(|delay| (SignedDuration::ZERO..=MAX_DELAY).contains(delay)).ok_or_else(|| {
        Error::invalid(
            Field::IssuerAccountId,
            format!("{:?} is not a duration such as 10m or PT48H, of at most a year", shorten(text)),
        )
    })
}

impl TestAccount {
    /// Returns what the issuer does with a request of `now`.
    pub fn issuance(self, now: Timestamp) -> TestIssuance {
        let at = now.checked_add(self.delay).unwrap_or(Timestamp::MAX);
        TestIssuance { at, refusal: self.refusal }
    }
}

/// The failed renewals of the current version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RenewalAttempts {
    /// How many have failed.
    pub failures: u32,
    /// When the next one is due at the earliest.
    pub not_before: Option<Timestamp>,
}

impl RenewalAttempts {
    /// Returns the attempts after another one that failed at `at`.
    #[must_use]
    pub fn failed(self, at: Timestamp) -> Self {
        let factor = 1_i32 << self.failures.min(MAX_DOUBLINGS);
        let delay = FIRST_RETRY.checked_mul(factor).unwrap_or(MAX_DELAY);
        let not_before = at.checked_add(delay).unwrap_or(Timestamp::MAX);
        Self { failures: self.failures.saturating_add(1), not_before: Some(not_before) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_account_have_effects() {
        for (text, hours, refusal) in [
            ("", 0, None),
            ("keyvaultuser", 0, None),
            ("fail", 0, Some(IssuerRefusal::IssuerError)),
            ("Delay=PT48H, Reject", 48, Some(IssuerRefusal::Rejected)),
            ("team,delay=2h", 2, None),
        ] {
            let delay = SignedDuration::from_hours(hours);
            assert_eq!(text.parse(), Ok(TestAccount { delay, refusal }), "{text}");
        }
        for text in ["delay=", "delay=soon", "delay=-1h", "delay=9999h"] {
            let error = text.parse::<TestAccount>().unwrap_err().to_string();
            assert!(error.starts_with("issuer.credentials.account_id: "), "{error}");
        }
    }

    #[test]
    fn delays_of_renewals_double() {
        let mut attempts = RenewalAttempts::default();
        let mut at = Timestamp::UNIX_EPOCH;
        let mut hours = Vec::new();
        for _ in 0..16 {
            attempts = attempts.failed(at);
            let next = attempts.not_before.unwrap();
            hours.push(next.duration_since(at).as_hours());
            at = next;
        }
        assert_eq!((hours[..4].to_vec(), hours[15]), (vec![1, 2, 4, 8], 8192));
        assert_eq!(attempts.failures, 16);
        assert_eq!(attempts.failed(Timestamp::MAX).not_before, Some(Timestamp::MAX));
    }
}
