//! What holds managed HSMs: subscriptions, tenants, resource groups, locations.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::super::azure::body::base64url;
use super::super::super::azure::filter::{Filter, Shown as Compared};
use super::super::super::azure::tags::SentTags;
use super::super::call::Asked;
use super::super::route::GroupOf;
use super::super::site::Site;
use super::{List, decoded, unfiltered};
use crate::model::key::Tags;
use crate::model::location::Location;
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::{Error, Result};
use crate::ops::resources::{
    CreateResourceGroup, DeleteResourceGroup, GetResourceGroup, GetResourceGroupDeletion, GetSubscription,
    ListLocations, ListResourceGroups, ListSubscriptions, Made, UpdateResourceGroup,
};

/// The type of resource groups.
const GROUP: &str = "Microsoft.Resources/resourceGroups";
/// What the id of the deletion of a group begins with; its name follows, as base64url.
const DELETION: &str = "RESOURCEGROUPDELETIONJOB-";

pub(in super::super) fn list_subscriptions(asked: &Asked<'_>) -> Result<ListSubscriptions> {
    unfiltered(asked)?;
    Ok(ListSubscriptions)
}

pub(in super::super) fn get_subscription(_: &Asked<'_>, id: &str) -> Result<GetSubscription> {
    Ok(GetSubscription { subscription: id.parse()? })
}

pub(in super::super) fn list_locations(asked: &Asked<'_>, id: &str) -> Result<ListLocations> {
    unfiltered(asked)?;
    Ok(ListLocations { subscription: id.parse()? })
}

pub(in super::super) fn list_groups(_: &Asked<'_>, id: &str) -> Result<ListResourceGroups> {
    Ok(ListResourceGroups { subscription: id.parse()? })
}

fn group(of: GroupOf<'_>) -> Result<(SubscriptionId, ResourceGroupName)> {
    Ok((of.subscription.parse()?, decoded(of.group).parse()?))
}

pub(in super::super) fn get_group(_: &Asked<'_>, of: GroupOf<'_>) -> Result<GetResourceGroup> {
    let (subscription, name) = group(of)?;
    Ok(GetResourceGroup { subscription, name })
}

pub(in super::super) fn delete_group(_: &Asked<'_>, of: GroupOf<'_>) -> Result<DeleteResourceGroup> {
    let (subscription, name) = group(of)?;
    Ok(DeleteResourceGroup { subscription, name })
}

/// The outcome of the deletion of a group that [`deletion_of`] named.
pub(in super::super) fn deletion(
    _: &Asked<'_>,
    subscription: &str,
    id: &str,
) -> Result<GetResourceGroupDeletion> {
    let name = id.get(..DELETION.len()).filter(|start| start.eq_ignore_ascii_case(DELETION));
    let name = name.and_then(|_| URL_SAFE_NO_PAD.decode(&id[DELETION.len()..]).ok());
    let name = name.and_then(|name| String::from_utf8(name).ok()).ok_or(Error::RouteNotFound)?;
    Ok(GetResourceGroupDeletion { subscription: subscription.parse()?, name: name.parse()? })
}

/// Where the outcome of the deletion of a group is told.
pub(in super::super) fn deletion_of(site: &Site, group: &ResourceGroup, version: &str) -> String {
    let ResourceGroup { subscription, name, .. } = group;
    let name = base64url(name.as_str().as_bytes());
    format!(
        "{}/subscriptions/{subscription}/operationresults/{DELETION}{name}?api-version={version}",
        site.base
    )
}

/// What a list of groups can be filtered by.
pub(in super::super) fn filter(asked: &Asked<'_>) -> Result<Filter> {
    Filter::of_resources(asked.query.filter(), &["name", "location", "tagname", "tagvalue"])
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupRequest {
    location: Option<String>,
    tags: Option<SentTags>,
}

/// `PUT` says all there will be: tags that are not sent are taken away.
pub(in super::super) fn put_group(asked: &Asked<'_>, of: GroupOf<'_>) -> Result<CreateResourceGroup> {
    let (subscription, name) = group(of)?;
    let GroupRequest { location, tags } = asked.body()?;
    let location = location.ok_or_else(|| Error::invalid("location", "this is missing"))?;
    let tags = tags.unwrap_or_default().into();
    Ok(CreateResourceGroup { subscription, name, location, tags, existing_will_do: true })
}

/// `PATCH`: what is not sent stays.
pub(in super::super) fn update_group(asked: &Asked<'_>, of: GroupOf<'_>) -> Result<UpdateResourceGroup> {
    let (subscription, name) = group(of)?;
    Ok(UpdateResourceGroup { subscription, name, tags: asked.body::<GroupRequest>()?.tags.map(Tags::from) })
}

/// A subscription.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ShownSubscription {
    id: String,
    authorization_source: &'static str,
    managed_by_tenants: [(); 0],
    subscription_id: SubscriptionId,
    tenant_id: Uuid,
    display_name: String,
    state: &'static str,
    subscription_policies: Value,
}

pub(in super::super) fn subscription(_: &Site, subscription: Arc<Subscription>) -> ShownSubscription {
    ShownSubscription {
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

pub(in super::super) fn subscriptions(site: &Site, all: Vec<Arc<Subscription>>) -> List<ShownSubscription> {
    List::all(all.into_iter().map(|one| subscription(site, one)))
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

/// The tenants of the caller's subscriptions.
pub(in super::super) fn tenants(_: &Site, all: Vec<Arc<Subscription>>) -> List<Tenant> {
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
pub(in super::super) struct ShownLocation {
    id: String,
    name: String,
    r#type: &'static str,
    display_name: String,
    regional_display_name: String,
    metadata: Value,
}

pub(in super::super) fn locations(
    _: &Site,
    (subscription, all): (SubscriptionId, Vec<Location>),
) -> List<ShownLocation> {
    List::all(all.into_iter().map(|Location { name, display_name }| ShownLocation {
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
pub(in super::super) struct ShownGroup {
    id: String,
    name: String,
    r#type: &'static str,
    location: String,
    tags: Tags,
    properties: Value,
}

fn shown_group(group: &ResourceGroup) -> ShownGroup {
    ShownGroup {
        id: group.scope().to_string(),
        name: group.name.to_string(),
        r#type: GROUP,
        location: group.location.clone(),
        tags: group.tags.clone(),
        properties: json!({"provisioningState": "Succeeded"}),
    }
}

pub(in super::super) fn got_group(_: &Site, group: Arc<ResourceGroup>) -> ShownGroup {
    shown_group(&group)
}

pub(in super::super) fn updated_group(_: &Site, group: ResourceGroup) -> ShownGroup {
    shown_group(&group)
}

/// A group that was wanted, and whether it is new.
pub(in super::super) fn made_group(_: &Site, made: Made) -> (ShownGroup, bool) {
    (shown_group(&made.group), made.new)
}

/// Those that a filter admits.
pub(in super::super) fn groups(all: Vec<Arc<ResourceGroup>>, filter: &Filter) -> List<ShownGroup> {
    let is_meant = |group: &&Arc<ResourceGroup>| {
        filter.admits(&Compared {
            name: group.name.as_str(),
            location: &group.location,
            resource_group: group.name.as_str(),
            resource_type: GROUP,
            tags: &group.tags,
        })
    };
    List::all(all.iter().filter(is_meant).map(|group| shown_group(group)))
}
