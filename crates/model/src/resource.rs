//! Subscriptions and resource groups, the containers of managed HSMs on the control plane, with their names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::field::{Field, InvalidValue};
use super::tags::Tags;

/// The id of a subscription.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriptionId(pub Uuid);

impl FromStr for SubscriptionId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| InvalidValue::new(Field::Subscription, "a subscription is named by its id, a GUID"))
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A subscription: the billing container of resource groups and their resources.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// Identifies it.
    pub id: SubscriptionId,
    /// The display name.
    pub name: String,
    /// The tenant it trusts.
    pub tenant: Uuid,
    /// Whether it is protected: it cannot be cancelled, and deleted resources in it are purged only at their scheduled
    /// purge date. Once set, it cannot be unset.
    #[serde(default, rename = "undeletable")]
    pub protected: bool,
}

/// A resource group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResourceGroup {
    /// The subscription it belongs to.
    pub subscription: SubscriptionId,
    /// Its name, unique in the subscription without regard to case.
    pub name: ResourceGroupName,
    /// The region of its metadata; its resources can be in other regions.
    pub location: String,
    /// When it was created.
    pub created: Timestamp,
    /// The user's tags, within the limits of [`check_resource_tags`].
    pub tags: Tags,
}

/// Checks the tag limits of resources and resource groups: at most 50, names of 1 to 512 characters without `<>%&\\?/` that
/// differ in more than case, values of at most 256.
///
/// Source: "Use tags to organize your Azure resources", Limitations, on learn.microsoft.com.
///
/// # Errors
/// `Invalid` naming `tags`.
pub fn check_resource_tags(tags: &Tags) -> Result<(), InvalidValue> {
    let wrong = |why: &str| Err(InvalidValue::new(Field::Tags, why));
    if tags.len() > 50 {
        return wrong("there are at most 50 tags");
    }
    let mut names = std::collections::BTreeSet::new();
    for (name, value) in tags {
        if !(1..=512).contains(&name.chars().count()) || value.chars().count() > 256 {
            return wrong("a tag name has 1 to 512 characters, a value at most 256");
        }
        if name.contains(['<', '>', '%', '&', '\\', '?', '/']) {
            return wrong("a tag name has none of the characters < > % & \\ ? /");
        }
        if !names.insert(name.to_lowercase()) {
            return wrong("names of tags differ in more than case");
        }
    }
    Ok(())
}

/// The name of a resource group: 1-90 letters, digits, `_`, `-`, `.` and parentheses, not ending with a period.
///
/// Source: Azure's naming rules for `Microsoft.Resources/resourcegroups`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceGroupName(std::sync::Arc<str>);

impl ResourceGroupName {
    /// Returns the name in its original spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the case-insensitive key for comparing names.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_lowercase()
    }
}

impl Default for ResourceGroupName {
    /// `default`, the resource group of resources created without one.
    fn default() -> Self {
        Self("default".into())
    }
}

impl FromStr for ResourceGroupName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let fits = |c: char| c.is_alphanumeric() || "_-.()".contains(c);
        if (1..=90).contains(&text.chars().count()) && text.chars().all(fits) && !text.ends_with('.') {
            Ok(Self(text.into()))
        } else {
            Err(InvalidValue::new(
                Field::ResourceGroup,
                "a resource group's name has 1 to 90 letters, digits, '_', '-', '.' and parentheses, and does not end with a period",
            ))
        }
    }
}

impl TryFrom<String> for ResourceGroupName {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<ResourceGroupName> for String {
    fn from(name: ResourceGroupName) -> Self {
        name.0.to_string()
    }
}

impl fmt::Display for ResourceGroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ResourceGroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enforces_tag_limits_of_resource_groups() {
        let check = |tags: &[(&str, &str)]| {
            let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            check_resource_tags(&tags.collect())
        };
        let (long, longer) = ("x".repeat(512), "x".repeat(513));
        let (value, large) = ("x".repeat(256), "x".repeat(257));
        for good in [
            &[][..],
            &[("a", "")],
            &[("team name", "b"), ("größe", "<>")],
            &[(long.as_str(), value.as_str())],
        ] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in [
            &[("", "a")][..],
            &[(longer.as_str(), "a")],
            &[("a", large.as_str())],
            &[("a/b", "a")],
            &[("a%", "a")],
            &[("a", "1"), ("A", "2")],
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        let many = (0..51).map(|number| (number.to_string(), String::new())).collect();
        assert!(check_resource_tags(&many).is_err());
    }

    #[test]
    fn enforces_naming_rules_of_resource_groups() {
        for good in ["a", "dev", "Team_1-(x).y", "größe", &"x".repeat(90)] {
            assert!(good.parse::<ResourceGroupName>().is_ok(), "{good}");
        }
        for bad in ["", "a.", "a b", "a/b", &"x".repeat(91)] {
            assert!(bad.parse::<ResourceGroupName>().is_err(), "{bad}");
        }
    }
}
