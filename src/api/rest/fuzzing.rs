//! Every reader of the data plane's requests.

use http::request::Parts;

use super::super::azure::Names;
use super::super::azure::path::normal;
use super::super::azure::query::Query;
use super::call::Asked;
use super::route::{At, Route, VersionOf};
use super::site::Site;
use super::wire::{access, crypto, keys, rotation, settings};

/// Reads the request as each operation would. The name in its path is the last segment.
pub(in super::super) fn read(names: &Names, parts: &Parts, body: &[u8]) {
    let path = &*normal(parts.uri.path());
    let _ = Route::of(&parts.method, path);
    let site = Site::of(names, parts, |_| None);
    let query = Query::of(&parts.uri);
    let (_, _, _) = (query.check(true), query.api_version(), query.filter());
    let asked = Asked::sent(&site, query, body);
    let name = path.rsplit('/').next().unwrap_or_default();
    let version = VersionOf { key: name, version: Some(name) };
    let _ = keys::list(&asked);
    let _ = keys::create(&asked, name);
    let _ = keys::import(&asked, name);
    let _ = keys::get(&asked, version);
    let _ = keys::update(&asked, version);
    let _ = rotation::put(&asked, name);
    let _ = crypto::sign(&asked, version);
    let _ = crypto::verify(&asked, version);
    let _ = crypto::encrypt(&asked, version);
    let _ = crypto::decrypt(&asked, version);
    let _ = crypto::wrap(&asked, version);
    let _ = crypto::unwrap(&asked, version);
    let _ = crypto::random(&asked);
    let _ = super::super::azure::filter::Filter::of_definitions(asked.query.filter());
    let _ = settings::update(&asked, name);
    let _ = access::put_definition(&asked, name);
    let _ = access::list_assignments(&asked, At::Key(name));
    let _ = access::create_assignment(&asked, At::Key(name), name);
}
