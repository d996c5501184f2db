//! What holds managed HSMs: subscriptions, tenants, resource groups, locations.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::call::Asked;
use super::super::route::GroupOf;
use super::super::site::Site;
use super::hsms::{Hsm, shown};
use super::{List, decoded, paged};
use crate::model::location::Location;
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::{Error, Result};
use crate::ops::Page;
use crate::ops::hsms::HsmBundle;
use crate::ops::resources::{
    CreateResourceGroup, DeleteResourceGroup, GetResourceGroup, GetSubscription, ListLocations,
    ListResourceGroups, ListSubscriptions, Made,
};

pub(in super::super) const fn list_subscriptions(_: &Asked<'_>) -> Result<ListSubscriptions> {
    Ok(ListSubscriptions)
}

pub(in super::super) fn get_subscription(_: &Asked<'_>, id: &str) -> Result<GetSubscription> {
    Ok(GetSubscription { subscription: id.parse()? })
}

pub(in super::super) fn list_locations(_: &Asked<'_>, id: &str) -> Result<ListLocations> {
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupRequest {
    location: Option<String>,
}

// assumption: resource groups have no tags here; those that a client sends are passed over.
pub(in super::super) fn put_group(asked: &Asked<'_>, of: GroupOf<'_>) -> Result<CreateResourceGroup> {
    let (subscription, name) = group(of)?;
    let location = asked.body::<GroupRequest>()?.location;
    let location = location.ok_or_else(|| Error::invalid("location", "this is missing"))?;
    Ok(CreateResourceGroup { subscription, name, location, existing_will_do: true })
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
    properties: Value,
}

fn shown_group(group: &ResourceGroup) -> ShownGroup {
    ShownGroup {
        id: group.scope().to_string(),
        name: group.name.to_string(),
        r#type: "Microsoft.Resources/resourceGroups",
        location: group.location.clone(),
        properties: json!({"provisioningState": "Succeeded"}),
    }
}

pub(in super::super) fn got_group(_: &Site, group: Arc<ResourceGroup>) -> ShownGroup {
    shown_group(&group)
}

/// A group that was wanted, and whether it is new.
pub(in super::super) fn made_group(_: &Site, made: Made) -> (ShownGroup, bool) {
    (shown_group(&made.group), made.new)
}

pub(in super::super) fn groups(_: &Site, all: Vec<Arc<ResourceGroup>>) -> List<ShownGroup> {
    List::all(all.iter().map(|group| shown_group(group)))
}

/// The resources there are: managed HSMs. A filter that names other types leaves none.
pub(in super::super) fn resources(site: &Site, page: Page<HsmBundle>, filter: Option<&str>) -> List<Hsm> {
    let filter = filter.map(str::to_ascii_lowercase);
    // assumption: of filters, the type that they name is looked at; clients send no other.
    let excludes =
        filter.is_some_and(|filter| filter.contains("resourcetype") && !filter.contains("managedhsms"));
    if excludes { List::all([]) } else { paged(site, page, shown) }
}
