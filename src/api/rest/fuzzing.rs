//! Runs all request parsers of the data plane.

use http::request::Parts;

use super::super::azure::HostNames;
use super::super::azure::query::Query;
use super::call::RequestInput;
use super::endpoint::Endpoint;
use super::route::{KeyVersionRef, Route, RouteScope};
use super::wire::{access, crypto, keys, rotation, settings};

/// Parses a request as each operation would. The last segment of the path is the name.
pub(in super::super) fn read(names: &HostNames, parts: &Parts, body: &[u8]) {
    let path = parts.uri.path();
    let _ = Route::of(&parts.method, path);
    let endpoint = Endpoint::of(names, parts, |_| None);
    let query = Query::of(&parts.uri);
    let (_, _, _) = (query.check_api_version(true), query.api_version(), query.filter());
    let input = RequestInput::sent(&endpoint, query, body);
    let name = path.rsplit('/').next().unwrap_or_default();
    let version = KeyVersionRef { key: name, version: Some(name) };
    let _ = keys::list(&input);
    let _ = keys::create(&input, name);
    let _ = keys::import(&input, name);
    let _ = keys::get(&input, version);
    let _ = keys::update(&input, version);
    let _ = rotation::put(&input, name);
    let _ = crypto::sign(&input, version);
    let _ = crypto::verify(&input, version);
    let _ = crypto::encrypt(&input, version);
    let _ = crypto::decrypt(&input, version);
    let _ = crypto::wrap(&input, version);
    let _ = crypto::unwrap(&input, version);
    let _ = crypto::random(&input);
    let _ = super::super::azure::filter::Filter::of_definitions(input.query.filter());
    let _ = settings::update(&input, name);
    let _ = access::put_definition(&input, RouteScope::Key(name), name);
    let _ = access::list_assignments(&input, RouteScope::Key(name));
    let _ = access::create_assignment(&input, RouteScope::Key(name), name);
}
