//! Pagination of lists.

use crate::model::{Error, Field, Result};

/// The requested page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// The maximum number of items.
    pub size: usize,
    /// The token of the item after which the page begins; `None` for the first page.
    pub after: Option<String>,
}

impl PageRequest {
    /// Parses a page request. A size of 0 means `default`; a size above `most` means `most`
    /// (<https://google.aip.dev/158>).
    ///
    /// # Errors
    /// `Invalid` if the size is negative or the token is malformed.
    pub fn parse(size: i32, token: &str, default: usize, most: usize) -> Result<Self> {
        let size = match usize::try_from(size) {
            Ok(0) => default,
            Ok(size) => size.min(most),
            Err(_) => return Err(Error::invalid(Field::PageSize, "the page size must not be negative")),
        };
        let is_well_formed =
            |token: &str| token.len() <= 127 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_well_formed(token) {
            return Err(Error::invalid(Field::PageToken, "this page token was not made by this list"));
        }
        Ok(Self { size, after: (!token.is_empty()).then(|| token.to_owned()) })
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The token of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Creates a page from at most `size + 1` items: an item beyond `size` means that there is another page.
    pub fn cut(mut items: Vec<T>, size: usize, token: impl Fn(&T) -> String) -> Self {
        let more = items.len() > size;
        items.truncate(size);
        let next = if more { items.last().map(token) } else { None };
        Self { items, next }
    }

    /// Creates a page from the versions of an object, oldest first. The page token is the number of versions before the page.
    ///
    /// # Errors
    /// `Invalid` if the token is not a number.
    pub fn of_versions(versions: impl Iterator<Item = T>, page: &PageRequest) -> Result<Self> {
        let other = || Error::invalid(Field::PageToken, "this page token was not made by this list");
        let before: usize = match &page.after {
            None => 0,
            Some(token) => token.parse().map_err(|_| other())?,
        };
        let items = versions.skip(before).take(page.size + 1).collect();
        // Used only if that many versions exist; a token beyond the number of versions returns an empty page.
        let next = before.saturating_add(page.size).to_string();
        Ok(Self::cut(items, page.size, |_| next.clone()))
    }

    /// Creates a page from a complete list that is ordered by the tokens of its items.
    pub fn of(mut items: Vec<T>, page: &PageRequest, token: impl Fn(&T) -> String) -> Self {
        if let Some(after) = &page.after {
            items.retain(|item| token(item) > *after);
        }
        Self::cut(items, page.size, token)
    }
}
