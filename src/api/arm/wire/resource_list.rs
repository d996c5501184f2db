//! The list of resources of all types: managed HSMs and vaults, without their properties.
//!
//! Source: "Resources - List" of Azure Resource Manager, and lists of vaults recorded from clients.

use http::StatusCode;
use serde::Serialize;

use super::super::super::azure::filter::{Candidate, Filter};
use super::super::super::azure::response::CallResponse;
use super::super::call::{Call, RequestInput};
use super::super::endpoint::Endpoint;
use super::{hsms, page, paged, vaults};
use crate::model::arm_rbac::ControlScope;
use crate::model::key::Tags;
use crate::model::resource::ResourceGroupName;
use crate::model::{Error, Result};
use crate::ops::Page;

/// Begins the page tokens of vaults, which follow the managed HSMs. Names begin with a letter.
const VAULTS_BEGIN: &str = "1-";

/// A resource without its properties.
#[derive(Serialize)]
struct Item {
    id: String,
    name: String,
    r#type: &'static str,
    location: String,
    tags: Tags,
}

impl Item {
    /// Shows a resource of this scope, name and location; `None` if it does not match the filter.
    fn matching(
        (kind, scope): (&'static str, &ControlScope),
        (name, location): (&str, &str),
        (resource_group, tags): (&ResourceGroupName, &Tags),
        filter: &Filter,
    ) -> Option<Self> {
        let resource_group = resource_group.as_str();
        let is_match =
            filter.matches(&Candidate { name, location, resource_group, resource_type: kind, tags });
        is_match.then(|| Self {
            id: scope.to_string(),
            name: name.to_owned(),
            r#type: kind,
            location: location.to_owned(),
            tags: tags.clone(),
        })
    }
}

/// What a request wants of the list.
struct Wanted {
    /// The conditions; an invalid filter is the error of the first operation.
    filter: Result<Filter>,
    /// The largest number of items.
    size: usize,
    /// Where the page of vaults begins; `None` if managed HSMs may be missing before.
    vaults_after: Option<String>,
}

impl Wanted {
    fn of(input: &RequestInput<'_>) -> Self {
        let request = page(input).ok();
        let after = request.as_ref().and_then(|page| page.after.as_deref()?.strip_prefix(VAULTS_BEGIN));
        Self {
            filter: hsms::filter(input),
            size: request.as_ref().map_or(1, |page| page.size),
            vaults_after: after.map(str::to_owned),
        }
    }
}

/// Responds with a page of the list. A type that the filter excludes is not asked for; one that the caller may not read is left
/// out, unless there is no other.
pub(in super::super) async fn respond(call: Call<'_>) -> Result<CallResponse> {
    let Wanted { filter: parsed, size, vaults_after } = Wanted::of(call.input());
    let filter = parsed.clone().unwrap_or_default();
    let has_vaults = vaults_after.is_some() || filter.allows_type(vaults::TYPE);
    let has_hsms = vaults_after.is_none() && (filter.allows_type(hsms::TYPE) || !has_vaults);
    let (mut items, mut room, mut refusal) = (Vec::new(), size, None);
    if has_hsms {
        let read = |input: &RequestInput<'_>| parsed.clone().and_then(|_| hsms::list(input));
        match call.send_part(true, read, |_, page| page).await {
            Ok(Page { items: found, next }) => {
                room = room.saturating_sub(found.len());
                items.extend(found.iter().filter_map(|bundle| {
                    let hsm = &bundle.resource;
                    let (name, location) = (hsm.name.as_str(), hsm.location.as_str());
                    let of = (&hsm.resource_group, &hsm.tags);
                    Item::matching((hsms::TYPE, &hsm.scope()), (name, location), of, &filter)
                }));
                if next.is_some() || !has_vaults {
                    return response(call.input().endpoint, items, next);
                }
                if room == 0 {
                    return response(call.input().endpoint, items, Some(VAULTS_BEGIN.to_owned()));
                }
            }
            Err(error @ Error::Forbidden { .. }) if has_vaults => refusal = Some(error),
            Err(error) => return Err(error),
        }
    }
    let read = |input: &RequestInput<'_>| {
        let mut list = parsed.clone().and_then(|_| vaults::list(input))?;
        list.page.after = vaults_after.filter(|name| !name.is_empty());
        list.page.size = room;
        Ok(list)
    };
    let next = match call.send_part(true, read, |_, page| page).await {
        Ok(Page { items: found, next }) => {
            items.extend(found.iter().filter_map(|bundle| {
                let vault = &bundle.resource;
                let (name, location) = (vault.name.as_str(), vault.location.as_str());
                let of = (&vault.resource_group, &vault.tags);
                Item::matching((vaults::TYPE, &vault.scope()), (name, location), of, &filter)
            }));
            next
        }
        // The managed HSMs are the whole list.
        Err(Error::Forbidden { .. }) if has_hsms && refusal.is_none() => None,
        Err(error) => return Err(refusal.unwrap_or(error)),
    };
    response(call.input().endpoint, items, next.map(|next| format!("{VAULTS_BEGIN}{next}")))
}

fn response(endpoint: &Endpoint, items: Vec<Item>, next: Option<String>) -> Result<CallResponse> {
    CallResponse::json(StatusCode::OK, &paged(endpoint, Page { items, next }, |_, item| item))
}
