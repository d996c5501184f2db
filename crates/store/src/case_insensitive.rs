//! Names as case-insensitive (ASCII) map keys.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;

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

/// The name of an object as a case-insensitive map key. Names share their text, so it is not in memory twice.
pub(super) struct CaseInsensitiveName<N>(pub(super) N);

/// The borrowed form of such a map key, for lookups with any string.
pub(super) trait CaseInsensitive {
    /// The name in its original case.
    fn text(&self) -> &str;
}

impl<N: AsRef<str>> CaseInsensitive for CaseInsensitiveName<N> {
    fn text(&self) -> &str {
        self.0.as_ref()
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

impl<'a, N: AsRef<str> + 'a> Borrow<dyn CaseInsensitive + 'a> for CaseInsensitiveName<N> {
    fn borrow(&self) -> &(dyn CaseInsensitive + 'a) {
        self
    }
}

impl<N: AsRef<str>> Ord for CaseInsensitiveName<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self as &dyn CaseInsensitive).cmp(other as &dyn CaseInsensitive)
    }
}

impl<N: AsRef<str>> PartialOrd for CaseInsensitiveName<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<N: AsRef<str>> PartialEq for CaseInsensitiveName<N> {
    fn eq(&self, other: &Self) -> bool {
        self as &dyn CaseInsensitive == other as &dyn CaseInsensitive
    }
}

impl<N: AsRef<str>> Eq for CaseInsensitiveName<N> {}
