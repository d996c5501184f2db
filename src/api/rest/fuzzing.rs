//! Runs all request parsers of the data plane.

use http::request::Parts;

use super::super::azure::Names;
use super::super::azure::path::normal;
use super::super::azure::query::Query;
use super::call::Asked;
use super::route::{At, Route, VersionOf};
use super::site::Site;
use super::wire::{access, crypto, keys, rotation, settings};

/// Parses a request as each operation would. The last segment of the path is the name.
pub(in super::super) fn read(names: &Names, parts: &Parts, body: &[u8]) {
    let path = &*normal(parts.uri.path());
    let _ = Route::of(&parts.method, path);
    let endpoint = Site::of(names, parts, |_| None);
    let query = Query::of(&parts.uri);
    let (_, _, _) = (query.check(true), query.api_version(), query.filter());
    let input = Asked::sent(&endpoint, query, body);
    let name = path.rsplit('/').next().unwrap_or_default();
    let version = VersionOf { key: name, version: Some(name) };
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
    let _ = access::put_definition(&input, name);
    let _ = access::list_assignments(&input, At::Key(name));
    let _ = access::create_assignment(&input, At::Key(name), name);
}
