//! Pages of lists as vaults send them.

use serde::Serialize;

use super::super::endpoint::Endpoint;
use crate::ops::Page;

/// A page of a list. On the last page, the link is `null`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct VaultList<T> {
    value: Vec<T>,
    next_link: Option<String>,
}

/// Returns a page with the link to the next one, which names the port and the `api-version` of the request, as recorded. Every
/// page but the last is full, so its length is the page size.
pub(super) fn list<T, S>(
    endpoint: &Endpoint,
    path: &str,
    page: &Page<T>,
    show: impl Fn(&T) -> S,
) -> VaultList<S> {
    list_with(endpoint, (path, ""), page, show)
}

/// As [`list`]; the link to the next page also has further members of the query, each with a leading `&`.
pub(super) fn list_with<T, S>(
    endpoint: &Endpoint,
    (path, members): (&str, &str),
    page: &Page<T>,
    show: impl Fn(&T) -> S,
) -> VaultList<S> {
    let (size, version) = (page.items.len(), &endpoint.api_version);
    let base = endpoint.base_with_port();
    let next = |token: &String| {
        format!("{base}/{path}?api-version={version}&$skiptoken={token}&maxresults={size}{members}")
    };
    VaultList { next_link: page.next.as_ref().map(next), value: page.items.iter().map(show).collect() }
}
