//! Case-insensitive (ASCII) map keys that share the allocation of their name.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;

use crate::model::name::KeyName;

/// The name in ASCII lower case. Borrows if it is lower case already, as most names are.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// A key name as a case-insensitive map key; shares its allocation with the key.
pub(super) struct ByName(pub(super) KeyName);

/// The borrowed form of such a map key, for lookups with any string.
pub(super) trait Folded {
    /// The name in its original case.
    fn text(&self) -> &str;
}

impl Folded for ByName {
    fn text(&self) -> &str {
        self.0.as_str()
    }
}

impl Folded for &str {
    fn text(&self) -> &str {
        self
    }
}

impl Ord for dyn Folded + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        let fold = |text: &u8| text.to_ascii_lowercase();
        self.text().as_bytes().iter().map(fold).cmp(other.text().as_bytes().iter().map(fold))
    }
}

impl PartialOrd for dyn Folded + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn Folded + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.text().eq_ignore_ascii_case(other.text())
    }
}

impl Eq for dyn Folded + '_ {}

impl<'a> Borrow<dyn Folded + 'a> for ByName {
    fn borrow(&self) -> &(dyn Folded + 'a) {
        self
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        (self as &dyn Folded).cmp(other as &dyn Folded)
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self as &dyn Folded == other as &dyn Folded
    }
}

impl Eq for ByName {}
