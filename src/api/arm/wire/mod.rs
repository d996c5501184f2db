//! Converts request bodies to operations and replies to JSON. The domain parses names.

pub(super) mod authorization;
pub(super) mod availability;
pub(super) mod cloud;
pub(super) mod deleted;
pub(super) mod hsms;
mod network;
pub(super) mod resource_list;
pub(super) mod resources;
pub(super) mod vault_keys;
pub(super) mod vault_responses;
pub(super) mod vault_secrets;
pub(super) mod vaults;

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::super::azure::filter::Filter;
use super::call::RequestInput;
use super::endpoint::Endpoint;
use crate::model::resource::SubscriptionId;
use crate::model::{Field, Result, Timestamp};
use crate::ops::{Page, PageRequest};

/// The default and the largest page size.
const MAX_PAGE_SIZE: usize = 1000;

/// A list, or a page of one. The last page has no `nextLink`.
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

/// Returns the requested page of a list.
/// Returns the subscription in the path.
fn subscription(input: &RequestInput<'_>) -> Result<SubscriptionId> {
    Ok(input.argument("subscription").parse()?)
}

fn page(input: &RequestInput<'_>) -> Result<PageRequest> {
    input.query.page(Field::Top, MAX_PAGE_SIZE)
}

/// Rejects a filter, for lists that do not support one.
fn unfiltered(input: &RequestInput<'_>) -> Result<()> {
    Filter::reject(input.query.filter())
}

/// Returns a page with the link to the next one.
fn paged<I, T>(endpoint: &Endpoint, page: Page<I>, show: impl Fn(&Endpoint, I) -> T) -> List<T> {
    let next_link = page.next.map(|next| format!("{}&$skiptoken={next}", endpoint.request_url));
    List { value: page.items.into_iter().map(|item| show(endpoint, item)).collect(), next_link }
}

/// Percent-decodes a segment of a path: clients encode spaces in the names of locations.
fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// Formats an instant in whole seconds, as Azure Resource Manager does for deleted resources.
fn seconds(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
