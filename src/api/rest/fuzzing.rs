//! Runs all request parsers of the data plane.

use http::request::Parts;

use super::super::azure::HostNames;
use super::super::azure::query::Query;
use super::call::RequestInput;
use super::endpoint::Endpoint;
use super::routes;
use crate::model::container_id::ContainerKind;

/// Parses a request as each operation would. The last segments of the path are the names.
pub(in super::super) fn read(names: &HostNames, parts: &Parts, body: &[u8]) {
    let path = parts.uri.path();
    let endpoint = Endpoint::of(names, parts, |_| None);
    let query = Query::of(&parts.uri);
    let (_, _, _) = (query.check_api_version(true), query.api_version(), query.filter());
    for kind in [ContainerKind::ManagedHsm, ContainerKind::Vault] {
        let _ = routes::find(kind, &parts.method, path);
        let query = Query::of(&parts.uri);
        routes::table(kind).probe(RequestInput::sent(&endpoint, query, body), path);
    }
}
