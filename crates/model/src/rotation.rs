//! Rotation policies: when the service rotates a key automatically, and when new versions expire.

use serde::{Deserialize, Serialize};

use super::error::shorten;
use super::key::KeyVersion;
use super::key_date::KeyDate;
use super::period::LifetimePeriod;
use super::{Error, Field, Result, Timestamp};

/// The minimum days between automatic rotations (Managed HSM documentation, "Configure key autorotation": not more
/// frequently than once every 28 days).
const MIN_DAYS: u32 = 28;

/// When a key is rotated automatically. A policy has at most one such action; Managed HSM does not support `notify`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RotationTrigger {
    /// This period after the creation of the current version.
    AfterCreation(LifetimePeriod),
    /// This period before the expiry of the current version.
    BeforeExpiry(LifetimePeriod),
}

/// The rules of a rotation policy, within Azure's limits: automatic rotations are at least 28 days apart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RotationRules {
    expiry_time: Option<LifetimePeriod>,
    trigger: Option<RotationTrigger>,
}

/// The rotation policy of a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RotationPolicy {
    /// The rules.
    pub rules: RotationRules,
    /// When the policy was first set.
    pub created: Timestamp,
    /// When the policy was last replaced.
    pub updated: Timestamp,
}

/// Checks the types of a policy's lifetime actions: at most one `rotate`, ignoring case. `notify` is rejected before
/// any other error, because clients send the default policy of Key Vault's vaults, which contains it.
///
/// # Errors
/// `Invalid` naming `lifetime_actions.action`, or `lifetime_actions` if there are several.
pub fn check_actions(types: &[&str]) -> Result<()> {
    let wrong = |why: String| Err(Error::invalid(Field::LifetimeActionsAction, why));
    if types.iter().any(|action| action.eq_ignore_ascii_case("notify")) {
        return wrong("Managed HSM does not notify; the only action is rotate".to_owned());
    }
    if types.len() > 1 {
        return Err(Error::invalid(Field::LifetimeActions, "a policy rotates a key in one way at most"));
    }
    match types.iter().find(|action| !action.eq_ignore_ascii_case("rotate")) {
        None => Ok(()),
        Some(other) => {
            wrong(format!("{:?} is not an action of Managed HSM; the only one is rotate", shorten(other)))
        }
    }
}

impl RotationRules {
    /// Returns the rules of a policy; `None` for an empty policy, which removes the key's policy.
    ///
    /// # Errors
    /// `Invalid` naming the field: `expiry_time`, `lifetime_actions.time_after_create`,
    /// `lifetime_actions.time_before_expiry`.
    pub fn new(
        expiry_time: Option<LifetimePeriod>,
        trigger: Option<RotationTrigger>,
    ) -> Result<Option<Self>> {
        if let Some(expiry) = &expiry_time
            && expiry.days().0 < MIN_DAYS
        {
            return Err(Error::invalid(
                Field::ExpiryTime,
                format!("a key version lives for at least {MIN_DAYS} days, and {expiry} can be less"),
            ));
        }
        match (&trigger, &expiry_time) {
            (Some(RotationTrigger::AfterCreation(after)), _) if after.days().0 < MIN_DAYS => {
                return Err(Error::invalid(
                    Field::LifetimeActionsTimeAfterCreate,
                    format!("a key is rotated at most every {MIN_DAYS} days, and {after} can be less"),
                ));
            }
            (Some(RotationTrigger::BeforeExpiry(_)), None) => {
                return Err(Error::invalid(
                    Field::ExpiryTime,
                    "rotation before expiry requires an expiry time for new versions",
                ));
            }
            (Some(RotationTrigger::BeforeExpiry(before)), Some(expiry))
                if expiry.days().0 < before.days().1.saturating_add(MIN_DAYS) =>
            {
                return Err(Error::invalid(
                    Field::LifetimeActionsTimeBeforeExpiry,
                    format!(
                        "a key is rotated at most every {MIN_DAYS} days, and between making a version that \
                         lives for {expiry} and {before} before its expiry there can be less"
                    ),
                ));
            }
            (None, None) => return Ok(None),
            _ => {}
        }
        Ok(Some(Self { expiry_time, trigger }))
    }

    /// Returns the lifetime of rotated versions; `None` if they do not expire.
    pub const fn expiry_time(&self) -> Option<&LifetimePeriod> {
        self.expiry_time.as_ref()
    }

    /// Returns when the key is rotated automatically; `None` if only on demand.
    pub const fn trigger(&self) -> Option<&RotationTrigger> {
        self.trigger.as_ref()
    }

    /// Returns the expiry of a version created by rotation at `now`.
    ///
    /// # Errors
    /// `Invalid` if it is beyond the calendar.
    pub fn expires(&self, now: Timestamp) -> Result<Option<KeyDate>> {
        let beyond = || Error::invalid(Field::ExpiryTime, "the new version would expire beyond the calendar");
        let after = |expiry: &LifetimePeriod| expiry.after(now).map(KeyDate::from).ok_or_else(beyond);
        self.expiry_time.as_ref().map(after).transpose()
    }
}

impl RotationPolicy {
    /// Returns when a key with this current version is rotated automatically, at the earliest when the policy was last
    /// replaced. `None` if the policy rotates before expiry and the version does not expire.
    pub(crate) fn rotates_at(&self, current: &KeyVersion) -> Option<Timestamp> {
        let at = match self.rules.trigger()? {
            RotationTrigger::AfterCreation(after) => after.after(current.attributes.created),
            RotationTrigger::BeforeExpiry(before) => before.before(current.attributes.expires?),
        };
        at.map(|at| at.max(self.updated))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period(text: &str) -> Option<LifetimePeriod> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    fn rules(expiry: &str, after: &str, before: &str) -> Result<Option<RotationRules>> {
        let after = period(after).map(RotationTrigger::AfterCreation);
        RotationRules::new(period(expiry), after.or(period(before).map(RotationTrigger::BeforeExpiry)))
    }

    #[test]
    fn enforces_azure_limits_and_names_the_field() {
        assert_eq!(rules("", "", ""), Ok(None));
        for (expiry, after, before) in [
            ("P28D", "", ""),
            ("", "P28D", ""),
            ("", "P1M", ""),
            ("P1M", "P28D", ""),
            ("P2Y", "P18M", ""),
            ("P1Y", "", "P28D"),
            ("P56D", "", "P28D"),
            ("P2M", "", "P1M"),
            ("P1Y", "", "P11M"),
            ("P60D", "", "P30D"),
            ("P1Y", "", "P1D"),
        ] {
            assert!(rules(expiry, after, before).unwrap().is_some(), "{expiry} {after} {before}");
        }
        for (expiry, after, before, field) in [
            ("P27D", "", "", "expiry_time"),
            ("P27D", "P28D", "", "expiry_time"),
            ("", "P27D", "", "lifetime_actions.time_after_create"),
            ("P1Y", "P1D", "", "lifetime_actions.time_after_create"),
            ("", "", "P30D", "expiry_time"),
            ("P55D", "", "P28D", "lifetime_actions.time_before_expiry"),
            ("P56D", "", "P29D", "lifetime_actions.time_before_expiry"),
            ("P28D", "", "P1D", "lifetime_actions.time_before_expiry"),
            ("P1Y", "", "P1Y", "lifetime_actions.time_before_expiry"),
            // Two months can have 59 days, and one 31.
            ("P58D", "", "P1M", "lifetime_actions.time_before_expiry"),
            ("P2M", "", "P32D", "lifetime_actions.time_before_expiry"),
        ] {
            match rules(expiry, after, before) {
                Err(Error::Invalid { field: named, .. }) => {
                    assert_eq!(named.path(), field, "{expiry} {after} {before}");
                }
                other => panic!("{expiry} {after} {before}: {other:?}"),
            }
        }
    }

    fn any_rules() -> impl Strategy<Value = RotationRules> {
        let text = (0..30_u32, 0..400_u32).prop_map(|(months, days)| format!("P{months}M{}D", days + 1));
        (text.clone(), text, any::<bool>()).prop_filter_map("Azure's limits", |(expiry, time, after)| {
            let (after, before) = if after { (&*time, "") } else { ("", &*time) };
            rules(&expiry, after, before).ok().flatten()
        })
    }

    proptest! {
        /// Automatic rotation never runs more often, for any policy and start date.
        #[test]
        fn automatic_rotations_are_28_days_apart(rules in any_rules(), second in 0_i64..2_000_000_000) {
            let created = Timestamp::from_second(second).unwrap();
            let policy = RotationPolicy { rules, created, updated: created };
            let mut version = crate::due::tests::version(created);
            version.attributes.expires = policy.rules.expires(created).unwrap();
            let next = policy.rotates_at(&version).unwrap();
            prop_assert!(next.as_second() - second >= 28 * 86_400, "{next} is too soon after {created}");
        }
    }
}
