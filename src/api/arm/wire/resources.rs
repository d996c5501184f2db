//! Requests and responses of subscriptions, tenants, resource groups and locations.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::super::azure::body::base64url;
use super::super::super::azure::filter::{self, Filter};
use super::super::super::azure::response::CallResponse;
use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::{List, decoded, unfiltered};
use crate::model::key::Tags;
use crate::model::location::Location;
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::{Error, Field, Result};
use crate::ops::resources::{
    CreateResourceGroup, CreatedGroup, DeleteResourceGroup, GetResourceGroup, GetResourceGroupDeletion,
    GetSubscription, ListLocations, ListResourceGroups, ListSubscriptions, UpdateResourceGroup,
};

/// The resource type of resource groups.
const GROUP_TYPE: &str = "Microsoft.Resources/resourceGroups";
/// The prefix of the id of a resource group's deletion; the base64url of the name follows.
const DELETION_ID_PREFIX: &str = "RESOURCEGROUPDELETIONJOB-";

pub(in super::super) fn list_subscriptions(input: &RequestInput<'_>) -> Result<ListSubscriptions> {
    unfiltered(input)?;
    Ok(ListSubscriptions)
}

pub(in super::super) fn get_subscription(input: &RequestInput<'_>) -> Result<GetSubscription> {
    Ok(GetSubscription { subscription: super::subscription(input)? })
}

pub(in super::super) fn list_locations(input: &RequestInput<'_>) -> Result<ListLocations> {
    unfiltered(input)?;
    Ok(ListLocations { subscription: super::subscription(input)? })
}

pub(in super::super) fn list_groups(input: &RequestInput<'_>) -> Result<ListResourceGroups> {
    Ok(ListResourceGroups { subscription: super::subscription(input)? })
}

fn group(input: &RequestInput<'_>) -> Result<(SubscriptionId, ResourceGroupName)> {
    Ok((super::subscription(input)?, decoded(input.argument("group")).parse()?))
}

pub(in super::super) fn get_group(input: &RequestInput<'_>) -> Result<GetResourceGroup> {
    let (subscription, name) = group(input)?;
    Ok(GetResourceGroup { subscription, name })
}

pub(in super::super) fn delete_group(input: &RequestInput<'_>) -> Result<DeleteResourceGroup> {
    let (subscription, name) = group(input)?;
    Ok(DeleteResourceGroup { subscription, name })
}

/// Parses a request for the result of a resource group's deletion, whose URL is from `deletion_result_url`.
pub(in super::super) fn deletion(input: &RequestInput<'_>) -> Result<GetResourceGroupDeletion> {
    let id = input.argument("id");
    let name =
        id.get(..DELETION_ID_PREFIX.len()).filter(|start| start.eq_ignore_ascii_case(DELETION_ID_PREFIX));
    let name = name.and_then(|_| URL_SAFE_NO_PAD.decode(&id[DELETION_ID_PREFIX.len()..]).ok());
    let name = name.and_then(|name| String::from_utf8(name).ok()).ok_or(Error::RouteNotFound)?;
    Ok(GetResourceGroupDeletion { subscription: super::subscription(input)?, name: name.parse()? })
}

/// Returns the URL of the result of a resource group's deletion.
pub(in super::super) fn deletion_result_url(
    endpoint: &Endpoint,
    group: &Arc<ResourceGroup>,
    version: &str,
) -> String {
    let ResourceGroup { subscription, name, .. } = group.as_ref();
    let name = base64url(name.as_str().as_bytes());
    format!(
        "{}/subscriptions/{subscription}/operationresults/{DELETION_ID_PREFIX}{name}?api-version={version}",
        endpoint.base
    )
}

/// Parses the filter of a list of resource groups.
pub(in super::super) fn filter(input: &RequestInput<'_>) -> Result<Filter> {
    Filter::of_resources(input.query.filter(), &["name", "location", "tagname", "tagvalue"])
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupRequest {
    location: Option<String>,
    tags: Option<SentTags>,
}

/// Parses a `PUT`, which replaces all tags.
pub(in super::super) fn put_group(input: &RequestInput<'_>) -> Result<CreateResourceGroup> {
    let (subscription, name) = group(input)?;
    let GroupRequest { location, tags } = input.body()?;
    let location = location.ok_or_else(|| Error::invalid(Field::Location, "this is required"))?;
    let tags = tags.unwrap_or_default().into();
    Ok(CreateResourceGroup { subscription, name, location, tags, allow_existing: true })
}

/// Parses a `PATCH`, which does not change absent members.
pub(in super::super) fn update_group(input: &RequestInput<'_>) -> Result<UpdateResourceGroup> {
    let (subscription, name) = group(input)?;
    Ok(UpdateResourceGroup { subscription, name, tags: input.body::<GroupRequest>()?.tags.map(Tags::from) })
}

/// A subscription.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct SubscriptionResponse {
    id: String,
    authorization_source: &'static str,
    managed_by_tenants: [(); 0],
    subscription_id: SubscriptionId,
    tenant_id: Uuid,
    display_name: String,
    state: &'static str,
    subscription_policies: Value,
}

pub(in super::super) fn subscription(_: &Endpoint, subscription: Arc<Subscription>) -> SubscriptionResponse {
    SubscriptionResponse {
        id: format!("/subscriptions/{}", subscription.id),
        authorization_source: "RoleBased",
        managed_by_tenants: [],
        subscription_id: subscription.id,
        tenant_id: subscription.tenant,
        display_name: subscription.name.clone(),
        state: "Enabled",
        subscription_policies: json!({
            "locationPlacementId": "Internal_2014-09-01",
            "quotaId": "Internal_2014-09-01",
            "spendingLimit": "Off",
        }),
    }
}

pub(in super::super) fn subscriptions(
    endpoint: &Endpoint,
    all: Vec<Arc<Subscription>>,
) -> List<SubscriptionResponse> {
    List::all(all.into_iter().map(|one| subscription(endpoint, one)))
}

/// A tenant.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Tenant {
    id: String,
    tenant_id: Uuid,
    display_name: &'static str,
    tenant_category: &'static str,
}

/// Returns the tenants of the caller's subscriptions.
pub(in super::super) fn tenants(_: &Endpoint, all: Vec<Arc<Subscription>>) -> List<Tenant> {
    let tenants: BTreeSet<Uuid> = all.iter().map(|subscription| subscription.tenant).collect();
    List::all(tenants.into_iter().map(|tenant_id| Tenant {
        id: format!("/tenants/{tenant_id}"),
        tenant_id,
        display_name: "Strongroom",
        tenant_category: "Home",
    }))
}

/// A location.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct LocationResponse {
    id: String,
    name: String,
    r#type: &'static str,
    display_name: String,
    regional_display_name: String,
    metadata: Value,
}

pub(in super::super) fn locations(
    _: &Endpoint,
    (subscription, all): (SubscriptionId, Vec<Location>),
) -> List<LocationResponse> {
    List::all(all.into_iter().map(|Location { name, display_name, .. }| LocationResponse {
        id: format!("/subscriptions/{subscription}/locations/{name}"),
        name,
        r#type: "Region",
        regional_display_name: display_name.clone(),
        display_name,
        metadata: json!({"regionType": "Physical", "regionCategory": "Other"}),
    }))
}

/// A resource group.
#[derive(Serialize)]
pub(in super::super) struct GroupResponse {
    id: String,
    name: String,
    r#type: &'static str,
    location: String,
    tags: Tags,
    properties: Value,
}

fn response_of_group(group: &ResourceGroup) -> GroupResponse {
    GroupResponse {
        id: group.scope().to_string(),
        name: group.name.to_string(),
        r#type: GROUP_TYPE,
        location: group.location.clone(),
        tags: group.tags.clone(),
        properties: json!({"provisioningState": "Succeeded"}),
    }
}

pub(in super::super) fn got_group(_: &Endpoint, group: Arc<ResourceGroup>) -> GroupResponse {
    response_of_group(&group)
}

pub(in super::super) fn updated_group(_: &Endpoint, group: ResourceGroup) -> GroupResponse {
    response_of_group(&group)
}

/// Responds to a `PUT` of a resource group.
pub(in super::super) fn put_group_response(_: &Endpoint, made: CreatedGroup) -> Result<CallResponse> {
    let status = if made.new { StatusCode::CREATED } else { StatusCode::OK };
    CallResponse::json(status, &response_of_group(&made.group))
}

/// Returns the resource groups that match a filter.
pub(in super::super) fn groups(
    _: &Endpoint,
    all: Vec<Arc<ResourceGroup>>,
    filter: &Filter,
) -> List<GroupResponse> {
    let matches = |group: &&Arc<ResourceGroup>| {
        filter.matches(&filter::Candidate {
            name: group.name.as_str(),
            location: &group.location,
            resource_group: group.name.as_str(),
            resource_type: GROUP_TYPE,
            tags: &group.tags,
        })
    };
    List::all(all.iter().filter(matches).map(|group| response_of_group(group)))
}
