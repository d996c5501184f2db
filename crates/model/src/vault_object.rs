//! The objects of vaults: their kinds, and the scopes inside a vault at which actions are authorized.

use std::fmt;
use std::str::FromStr;

use super::field::{Field, InvalidValue};
use super::name::{KeyName, ObjectName};

/// The kinds of object that a vault holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObjectKind {
    /// A key.
    Key,
    /// A secret.
    Secret,
    /// A certificate.
    Certificate,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Key, Self::Secret, Self::Certificate];

    /// Returns the segment of paths that precedes the name of an object, which access policies and refusals use, too.
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Key => "keys",
            Self::Secret => "secrets",
            Self::Certificate => "certificates",
        }
    }

    /// Returns the kind whose [`collection`](Self::collection) this is; case is ignored.
    pub fn of_collection(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.collection().eq_ignore_ascii_case(text))
    }
}

/// A scope inside a vault: the vault, or one object with all versions, live or soft-deleted.
///
/// `Display` writes its path in the vault: `/`, or for example `/secrets/database`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ObjectScope {
    /// The vault with all objects.
    Vault,
    /// One object.
    Object(ObjectKind, ObjectName),
}

impl fmt::Display for ObjectScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault => f.write_str("/"),
            Self::Object(kind, name) => write!(f, "/{}/{name}", kind.collection()),
        }
    }
}

impl FromStr for ObjectScope {
    type Err = InvalidValue;

    /// Parses the path of an object in its vault. The empty text and `/` are the vault.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let path = text.strip_prefix('/').unwrap_or(text);
        if path.is_empty() {
            return Ok(Self::Vault);
        }
        let object = path.split_once('/').and_then(|(collection, name)| {
            Some(Self::Object(ObjectKind::of_collection(collection)?, name.parse().ok()?))
        });
        object.ok_or_else(|| {
            InvalidValue::new(
                Field::Object,
                "an object of a vault is keys/{name}, secrets/{name} or certificates/{name}",
            )
        })
    }
}

impl From<&KeyName> for ObjectScope {
    fn from(key: &KeyName) -> Self {
        Self::Object(ObjectKind::Key, key.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_paths_of_objects_and_of_the_vault() {
        for text in ["/", "/secrets/a", "/keys/a-1", "/certificates/A"] {
            assert_eq!(text.parse::<ObjectScope>().unwrap().to_string(), text);
        }
        assert_eq!("".parse::<ObjectScope>().unwrap(), ObjectScope::Vault);
        assert_eq!("SECRETS/a".parse::<ObjectScope>().unwrap().to_string(), "/secrets/a");
        for bad in ["secrets", "secrets/", "storage/a", "secrets/a/b", "secrets/a_b", "//secrets/a"] {
            assert!(bad.parse::<ObjectScope>().is_err(), "{bad}");
        }
    }
}
