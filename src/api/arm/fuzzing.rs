//! Runs all request parsers of Azure Resource Manager.

use http::request::Parts;

use super::super::azure::HostNames;
use super::super::azure::query::Query;
use super::call::RequestInput;
use super::endpoint::Endpoint;
use super::route::{DeletedHsmRef, GroupRef, HsmRef, Route};
use super::wire::{authorization, cloud, deleted, hsms, resources};

/// Parses a request as each operation would. The last segments of the path are the names.
pub(in super::super) fn read(names: &HostNames, parts: &Parts, body: &[u8]) {
    let path = parts.uri.path();
    let _ = Route::of(&parts.method, path);
    let endpoint = Endpoint::of(names, parts);
    let _ = cloud::metadata(&endpoint, &Query::of(&parts.uri));
    let input = RequestInput::sent(&endpoint, Query::of(&parts.uri), body);
    let mut segments = path.rsplit('/');
    let mut next = || segments.next().unwrap_or_default();
    let (name, group, subscription) = (next(), next(), next());
    let hsm = HsmRef { subscription, group, name };
    let of_group = GroupRef { subscription, group };
    let _ = hsms::is_recovery(&input);
    let _ = hsms::create(&input, hsm);
    let _ = hsms::recover(&input, hsm);
    let _ = hsms::update(&input, hsm, true);
    let _ = hsms::list(&input, subscription, Some(group));
    let _ = hsms::check_name(&input, subscription);
    let _ = hsms::operation_result(&input, subscription, name);
    let _ = deleted::get(&input, DeletedHsmRef { subscription, location: group, name });
    let _ = resources::put_group(&input, of_group);
    let _ = resources::update_group(&input, of_group);
    let _ = resources::deletion(&input, subscription, name);
    let (_, _) = (resources::filter(&input), hsms::filter(&input));
    let _ = authorization::list_assignments(&input, path);
    let _ = authorization::put_assignment(&input, path, name);
}
