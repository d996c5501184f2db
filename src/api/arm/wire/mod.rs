//! Requests to operations, replies to JSON. Reading names is the domain's own.

pub(super) mod authorization;
pub(super) mod cloud;
pub(super) mod deleted;
pub(super) mod hsms;
pub(super) mod resources;

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::super::azure::filter::Filter;
use super::call::Asked;
use super::site::Site;
use crate::model::{Result, Timestamp};
use crate::ops::{Page, PageRequest};

/// Items of a page at most, and unless the request says less.
const PAGE: usize = 1000;

/// A list, or a page of one. There is no `nextLink` on the last.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<T> {
    value: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
}

impl<T> List<T> {
    fn all(value: impl IntoIterator<Item = T>) -> Self {
        Self { value: value.into_iter().collect(), next_link: None }
    }
}

/// Which page a request wants.
fn page(asked: &Asked<'_>) -> Result<PageRequest> {
    asked.query.page("$top", PAGE)
}

/// Refuses a filter, for lists that have none.
fn unfiltered(asked: &Asked<'_>) -> Result<()> {
    Filter::none(asked.query.filter())
}

/// A page with the link to the next one.
fn paged<I, T>(site: &Site, page: Page<I>, show: impl Fn(&Site, I) -> T) -> List<T> {
    let next_link = page.next.map(|next| format!("{}&$skiptoken={next}", site.here));
    List { value: page.items.into_iter().map(|item| show(site, item)).collect(), next_link }
}

/// A segment of a path as it is meant: clients escape blanks in the names of locations.
fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// An instant in whole seconds, as Azure Resource Manager writes the dates of what is deleted.
fn seconds(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
