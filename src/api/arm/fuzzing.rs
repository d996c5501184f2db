//! Runs all request parsers of Azure Resource Manager.

use http::request::Parts;

use super::super::azure::HostNames;
use super::super::azure::query::Query;
use super::call::RequestInput;
use super::endpoint::Endpoint;
use super::routes::{self, ROUTES};
use super::wire::{cloud, hsms};

/// Parses a request as each operation would. The last segments of the path are the names.
pub(in super::super) fn read(names: &HostNames, parts: &Parts, body: &[u8]) {
    let path = parts.uri.path();
    let _ = routes::find(&parts.method, path);
    let endpoint = Endpoint::of(names, parts);
    let _ = cloud::metadata(&endpoint, &Query::of(&parts.uri));
    let input = RequestInput::sent(&endpoint, Query::of(&parts.uri), body);
    let _ = hsms::is_recovery(&input);
    ROUTES.probe(input, path);
}
