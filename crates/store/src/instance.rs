//! The instances of the service that share a database.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::database::{Database, SqlError, query};

/// The maximum number of characters of a name.
const LENGTH: usize = 63;

/// The name of an instance: 1 to 63 lower-case letters, digits and hyphens. By default `default`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct InstanceName(Arc<str>);

impl InstanceName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for InstanceName {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not the name of an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidInstanceName;

impl fmt::Display for InvalidInstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an instance has 1 to 63 lower-case letters, digits and hyphens")
    }
}

impl std::error::Error for InvalidInstanceName {}

impl FromStr for InstanceName {
    type Err = InvalidInstanceName;

    fn from_str(text: &str) -> Result<Self, InvalidInstanceName> {
        let is_allowed = |character: u8| matches!(character, b'a'..=b'z' | b'0'..=b'9' | b'-');
        match (1..=LENGTH).contains(&text.len()) && text.bytes().all(is_allowed) {
            true => Ok(Self(text.into())),
            false => Err(InvalidInstanceName),
        }
    }
}

/// Adds the instance, unless the database has it.
pub(super) async fn add(db: &mut Database, instance: &InstanceName) -> Result<(), SqlError> {
    let sql = "-- add_instance
        INSERT INTO instances (name, seq, chain) VALUES ($1, 0, '') ON CONFLICT DO NOTHING";
    query(sql).bind(instance.as_str()).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_lower_case_letters_digits_and_hyphens() {
        let longest = "a".repeat(LENGTH);
        for name in ["a", "east-1", "default", &longest] {
            assert_eq!(name.parse::<InstanceName>().unwrap().to_string(), name);
        }
        for name in ["", "East", "a b", "a.b", "a_b", "\u{e9}", &(longest + "a")] {
            assert_eq!(name.parse::<InstanceName>(), Err(InvalidInstanceName), "{name}");
        }
    }
}
