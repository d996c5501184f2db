//! Every reader of Azure Resource Manager's requests.

use http::request::Parts;

use super::super::azure::Names;
use super::super::azure::path::normal;
use super::super::azure::query::Query;
use super::call::Asked;
use super::route::{DeletedOf, GroupOf, HsmOf, Route};
use super::site::Site;
use super::wire::{authorization, cloud, deleted, hsms, resources};

/// Reads the request as each operation would. Names in its path are its segments, from the end.
pub(in super::super) fn read(names: &Names, parts: &Parts, body: &[u8]) {
    let path = &*normal(parts.uri.path());
    let _ = Route::of(&parts.method, path);
    let site = Site::of(names, parts);
    let _ = cloud::metadata(&site, &Query::of(&parts.uri));
    let asked = Asked::sent(&site, Query::of(&parts.uri), body);
    let mut segments = path.rsplit('/');
    let mut next = || segments.next().unwrap_or_default();
    let (name, group, subscription) = (next(), next(), next());
    let hsm = HsmOf { subscription, group, name };
    let of_group = GroupOf { subscription, group };
    let _ = hsms::is_recovery(&asked);
    let _ = hsms::create(&asked, hsm);
    let _ = hsms::recover(&asked, hsm);
    let _ = hsms::update(&asked, hsm, true);
    let _ = hsms::list(&asked, subscription, Some(group));
    let _ = hsms::check_name(&asked, subscription);
    let _ = hsms::operation_result(&asked, subscription, name);
    let _ = deleted::get(&asked, DeletedOf { subscription, location: group, name });
    let _ = resources::put_group(&asked, of_group);
    let _ = resources::update_group(&asked, of_group);
    let _ = resources::deletion(&asked, subscription, name);
    let (_, _) = (resources::filter(&asked), hsms::filter(&asked));
    let _ = authorization::list_assignments(&asked, path);
    let _ = authorization::put_assignment(&asked, path, name);
}
