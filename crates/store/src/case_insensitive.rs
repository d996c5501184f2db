//! Case-insensitive (ASCII) map keys that share the allocation of their name.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::sync::Arc;

/// The name in ASCII lower case. Borrows if it is lower case already, as most names are.
pub(super) fn to_lowercase(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// The stored identifier of a container and the name of an object in it, both in lower case.
pub(super) type LowercaseObjectId = (String, String);

/// The name of an object as a case-insensitive map key; shares its allocation with the object.
pub(super) struct CaseInsensitiveName(pub(super) Arc<str>);

/// The borrowed form of such a map key, for lookups with any string.
pub(super) trait CaseInsensitive {
    /// The name in its original case.
    fn text(&self) -> &str;
}

impl CaseInsensitive for CaseInsensitiveName {
    fn text(&self) -> &str {
        &self.0
    }
}

impl CaseInsensitive for &str {
    fn text(&self) -> &str {
        self
    }
}

impl Ord for dyn CaseInsensitive + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        let fold = |text: &u8| text.to_ascii_lowercase();
        self.text().as_bytes().iter().map(fold).cmp(other.text().as_bytes().iter().map(fold))
    }
}

impl PartialOrd for dyn CaseInsensitive + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn CaseInsensitive + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.text().eq_ignore_ascii_case(other.text())
    }
}

impl Eq for dyn CaseInsensitive + '_ {}

impl<'a> Borrow<dyn CaseInsensitive + 'a> for CaseInsensitiveName {
    fn borrow(&self) -> &(dyn CaseInsensitive + 'a) {
        self
    }
}

impl Ord for CaseInsensitiveName {
    fn cmp(&self, other: &Self) -> Ordering {
        (self as &dyn CaseInsensitive).cmp(other as &dyn CaseInsensitive)
    }
}

impl PartialOrd for CaseInsensitiveName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for CaseInsensitiveName {
    fn eq(&self, other: &Self) -> bool {
        self as &dyn CaseInsensitive == other as &dyn CaseInsensitive
    }
}

impl Eq for CaseInsensitiveName {}
