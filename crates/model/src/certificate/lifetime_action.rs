//! Lifetime actions of certificates: renewal or notification at a date before expiry.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::validity::{Validity, ValidityMonths};
use crate::error::shorten;
use crate::{Error, Field, Result, Timestamp};

/// The percentage of the lifetime without another setting, as recorded.
const DEFAULT_PERCENTAGE: u8 = 80;

/// Days of a month in the limit of `days_before_expiry` ("Update Certificate Policy": 1 to `validity_in_months` multiplied by 27).
const DAYS_PER_MONTH: u32 = 27;

/// When a lifetime action is performed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// After this percentage of the lifetime: 1 to 99.
    LifetimePercentage(u8),
    /// This number of days of 24 hours before expiry: at least 1.
    DaysBeforeExpiry(u32),
}

/// What a lifetime action does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ActionType {
    /// A new version is created by the policy, if its issuer issues without a person.
    AutoRenew,
    /// The contacts are notified; here, an event is emitted.
    EmailContacts,
}

/// A lifetime action. A policy has at most one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LifetimeAction {
    /// When it is performed.
    pub trigger: Trigger,
    /// What it does.
    pub action: ActionType,
}

impl ActionType {
    /// Returns the name that every surface uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AutoRenew => "AutoRenew",
            Self::EmailContacts => "EmailContacts",
        }
    }
}

impl FromStr for ActionType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = [Self::AutoRenew, Self::EmailContacts];
        known.into_iter().find(|action| action.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::invalid(
                Field::PolicyLifetimeActionsAction,
                format!("{:?} is not an action: it is AutoRenew or EmailContacts", shorten(text)),
            )
        })
    }
}

impl fmt::Display for ActionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Trigger {
    /// Converts the two members of a request, of which exactly one is given.
    ///
    /// # Errors
    /// `Invalid` naming the member, or the trigger if both or none are given.
    pub fn new(lifetime_percentage: Option<i64>, days_before_expiry: Option<i64>) -> Result<Self> {
        match (lifetime_percentage, days_before_expiry) {
            (Some(percentage), None) => match u8::try_from(percentage) {
                Ok(percentage @ 1..=99) => Ok(Self::LifetimePercentage(percentage)),
                _ => Err(Error::invalid(
                    Field::PolicyLifetimeActionsLifetimePercentage,
                    "the percentage of the lifetime is 1 to 99",
                )),
            },
            (None, Some(days)) => match u32::try_from(days) {
                Ok(days @ 1..) => Ok(Self::DaysBeforeExpiry(days)),
                _ => Err(Error::invalid(
                    Field::PolicyLifetimeActionsDaysBeforeExpiry,
                    "the number of days before expiry is at least 1",
                )),
            },
            _ => Err(Error::invalid(
                Field::PolicyLifetimeActionsTrigger,
                "a trigger is either a percentage of the lifetime or a number of days before expiry",
            )),
        }
    }

    /// Checks the trigger against the validity of the certificate.
    ///
    /// # Errors
    /// `Invalid` naming `policy.lifetime_actions.days_before_expiry`.
    pub(super) fn check(self, validity: ValidityMonths) -> Result<()> {
        let most = validity.get().saturating_mul(DAYS_PER_MONTH);
        match self {
            Self::DaysBeforeExpiry(days) if days > most => Err(Error::invalid(
                Field::PolicyLifetimeActionsDaysBeforeExpiry,
                format!(
                    "for a certificate of {} months it is 1 to {most} days before expiry",
                    validity.get()
                ),
            )),
            Self::DaysBeforeExpiry(_) | Self::LifetimePercentage(_) => Ok(()),
        }
    }

    /// Returns when the action of a certificate with this validity is performed.
    pub fn due_at(self, validity: Validity) -> Timestamp {
        match self {
            Self::LifetimePercentage(percentage) => validity.percentage(percentage),
            Self::DaysBeforeExpiry(days) => {
                validity.not_after.minus(SignedDuration::from_hours(24 * i64::from(days)))
            }
        }
    }
}

impl LifetimeAction {
    /// Returns the action of a policy without one, as recorded: at 80 % of the lifetime.
    pub const fn default_for(action: ActionType) -> Self {
        Self { trigger: Trigger::LifetimePercentage(DEFAULT_PERCENTAGE), action }
    }

    /// Returns the only action of a list; `None` for an empty list.
    ///
    /// # Errors
    /// `Invalid` naming `policy.lifetime_actions` if there are several.
    pub fn only(actions: &[Self]) -> Result<Option<Self>> {
        match actions {
            [] => Ok(None),
            [action] => Ok(Some(*action)),
            _ => {
                Err(Error::invalid(Field::PolicyLifetimeActions, "a policy has at most one lifetime action"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year() -> Validity {
        let [not_before, not_after] = ["2026-01-01", "2027-01-01"].map(|date| date.parse().unwrap());
        Validity { not_before, not_after }
    }

    #[test]
    fn triggers_are_dates_of_the_validity_period() {
        for (trigger, at) in [
            (Trigger::LifetimePercentage(80), "2026-10-20T00:00:00Z"),
            (Trigger::LifetimePercentage(50), "2026-07-02T12:00:00Z"),
            (Trigger::DaysBeforeExpiry(90), "2026-10-03T00:00:00Z"),
            (Trigger::DaysBeforeExpiry(1), "2026-12-31T00:00:00Z"),
        ] {
            assert_eq!(trigger.due_at(year()).to_string(), at, "{trigger:?}");
        }
        let never = Validity { not_before: year().not_before, not_after: crate::key_date::KeyDate::MAX };
        assert!(
            Trigger::LifetimePercentage(99).due_at(never) > Trigger::LifetimePercentage(98).due_at(never)
        );
        assert_eq!(Trigger::DaysBeforeExpiry(u32::MAX).due_at(never), Timestamp::MIN);
    }

    #[test]
    fn rejects_triggers_outside_documented_limits() {
        let twelve = ValidityMonths::DEFAULT;
        for (percentage, days, field) in [
            (Some(0), None, "policy.lifetime_actions.lifetime_percentage"),
            (Some(100), None, "policy.lifetime_actions.lifetime_percentage"),
            (Some(-1), None, "policy.lifetime_actions.lifetime_percentage"),
            (None, Some(0), "policy.lifetime_actions.days_before_expiry"),
            (None, Some(i64::MAX), "policy.lifetime_actions.days_before_expiry"),
            (None, Some(325), "policy.lifetime_actions.days_before_expiry"),
            (Some(80), Some(3), "policy.lifetime_actions.trigger"),
            (None, None, "policy.lifetime_actions.trigger"),
        ] {
            let error = Trigger::new(percentage, days).and_then(|trigger| trigger.check(twelve)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{field}: ")), "{error}");
        }
        for (percentage, days) in [(Some(1), None), (Some(99), None), (None, Some(1)), (None, Some(324))] {
            let trigger = Trigger::new(percentage, days).unwrap();
            trigger.check(twelve).unwrap();
        }
        let action = LifetimeAction::default_for(ActionType::AutoRenew);
        assert_eq!(LifetimeAction::only(&[action]), Ok(Some(action)));
        assert!(LifetimeAction::only(&[action; 2]).is_err());
        assert!("renew".parse::<ActionType>().is_err() && "autorenew".parse::<ActionType>().is_ok());
    }
}
