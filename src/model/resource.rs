//! What holds managed HSMs on the control plane: subscriptions and resource groups, with their names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::control_plane::ControlScope;
use super::key::Tags;
use super::{Error, Result, Timestamp};

/// Names a subscription.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriptionId(pub Uuid);

impl FromStr for SubscriptionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| Error::invalid("subscription", "a subscription is named by its id, a GUID"))
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A subscription: what pays for resource groups and what is in them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// Identifies it.
    pub id: SubscriptionId,
    /// The name people read.
    pub name: String,
    /// The directory it trusts.
    pub tenant: Uuid,
    /// Whether it cannot be cancelled: then nobody purges what was deleted in it, only the service,
    /// when the time has come. Can be turned on, never off.
    #[serde(default)]
    pub undeletable: bool,
}

/// A resource group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResourceGroup {
    /// The subscription it belongs to.
    pub subscription: SubscriptionId,
    /// Its name, unique in the subscription without regard to case.
    pub name: ResourceGroupName,
    /// The region of its record; what it holds can be elsewhere.
    pub location: String,
    /// When it was made.
    pub created: Timestamp,
    /// The user's tags, within the limits of [`check_group_tags`].
    pub tags: Tags,
}

/// Whether tags keep the limits of resource groups: at most 50, names of 1 to 512 characters without `<>%&\\?/` that
/// differ in more than case, values of at most 256.
///
/// Source: "Use tags to organize your Azure resources", Limitations, on learn.microsoft.com.
///
/// # Errors
/// `Invalid` naming `tags`.
pub fn check_group_tags(tags: &Tags) -> Result<()> {
    let wrong = |why: &str| Err(Error::invalid("tags", why));
    if tags.len() > 50 {
        return wrong("a resource group has at most 50 tags");
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

impl ResourceGroup {
    /// Where it is on the control plane.
    pub fn scope(&self) -> ControlScope {
        ControlScope::ResourceGroup(self.subscription, self.name.clone())
    }
}

/// Names a resource group: 1-90 letters, digits, `_`, `-`, `.` and parentheses, not ending with a period.
///
/// Source: Azure's naming rules for `Microsoft.Resources/resourcegroups`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceGroupName(std::sync::Arc<str>);

impl ResourceGroupName {
    /// The text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which names are compared.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl Default for ResourceGroupName {
    /// `default`: the group of what was put in none.
    fn default() -> Self {
        Self("default".into())
    }
}

impl FromStr for ResourceGroupName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fits = |c: char| c.is_alphanumeric() || "_-.()".contains(c);
        if (1..=90).contains(&text.chars().count()) && text.chars().all(fits) && !text.ends_with('.') {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid(
                "resource_group",
                "a resource group's name has 1 to 90 letters, digits, '_', '-', '.' and parentheses, and does not end with a period",
            ))
        }
    }
}

impl TryFrom<String> for ResourceGroupName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
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
    fn tags_of_groups_keep_the_limits_of_azure() {
        let check = |tags: &[(&str, &str)]| {
            let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            check_group_tags(&tags.collect())
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
        assert!(check_group_tags(&many).is_err());
    }

    #[test]
    fn resource_groups_are_named_as_azure_names_them() {
        for good in ["a", "dev", "Team_1-(x).y", "größe", &"x".repeat(90)] {
            assert!(good.parse::<ResourceGroupName>().is_ok(), "{good}");
        }
        for bad in ["", "a.", "a b", "a/b", &"x".repeat(91)] {
            assert!(bad.parse::<ResourceGroupName>().is_err(), "{bad}");
        }
    }
}
