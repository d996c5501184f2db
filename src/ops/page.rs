//! Pages of lists.

use crate::model::{Error, Result};

/// Which page of a list is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// How many items at most.
    pub size: usize,
    /// The item after which the page begins; `None` for the first page.
    pub after: Option<String>,
}

impl PageRequest {
    /// Reads a page request; a size of 0 means `default`, a larger one than `most` means `most`
    /// (<https://google.aip.dev/158>).
    ///
    /// # Errors
    /// `Invalid` where the size is negative or the token is none of ours.
    pub fn parse(size: i32, token: &str, default: usize, most: usize) -> Result<Self> {
        let size = match usize::try_from(size) {
            Ok(0) => default,
            Ok(size) => size.min(most),
            Err(_) => return Err(Error::invalid("page_size", "the page size is not negative")),
        };
        let known =
            |token: &str| token.len() <= 127 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !known(token) {
            return Err(Error::invalid("page_token", "this page token was not made by this list"));
        }
        Ok(Self { size, after: (!token.is_empty()).then(|| token.to_owned()) })
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a page from one item more than it holds: that item tells that there is another page.
    pub fn cut(mut items: Vec<T>, size: usize, token: impl Fn(&T) -> String) -> Self {
        let more = items.len() > size;
        items.truncate(size);
        let next = if more { items.last().map(token) } else { None };
        Self { items, next }
    }

    /// Cuts a page from a whole list that is ordered by the items' tokens.
    pub fn of(mut items: Vec<T>, page: &PageRequest, token: impl Fn(&T) -> String) -> Self {
        if let Some(after) = &page.after {
            items.retain(|item| token(item) > *after);
        }
        Self::cut(items, page.size, token)
    }

    /// The same page of something made from its items.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(make).collect(), next: self.next }
    }
}
