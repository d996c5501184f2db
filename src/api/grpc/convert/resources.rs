//! Converts the messages of `resource.proto`.

use std::sync::Arc;

use super::super::pb;
use super::{parse_field, segments, wire_instant};
use crate::model::location::Location;
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::{Error, Field, Result};
use crate::ops::resources::{
    CreateResourceGroup, CreatedGroup, DeleteResourceGroup, GetResourceGroup, GetSubscription, ListLocations,
    ListResourceGroups, ListSubscriptions, UpdateResourceGroup, UpdateSubscription,
};

/// Parses `subscriptions/{guid}`.
pub(super) fn subscription(field: Field, name: &str) -> Result<SubscriptionId> {
    let [id] = segments(field, name, "subscriptions/{}")?;
    parse_field(field, id)
}

/// Parses `subscriptions/{guid}/resourceGroups/{name}`.
pub(super) fn group(field: Field, name: &str) -> Result<(SubscriptionId, ResourceGroupName)> {
    let [subscription, group] = segments(field, name, "subscriptions/{}/resourceGroups/{}")?;
    Ok((parse_field(field, subscription)?, parse_field(field, group)?))
}

/// Converts requests whose only field is a subscription as their parent.
macro_rules! of_subscription {
    ($($request:ident => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                Ok(Self { subscription: subscription(Field::Parent, &request.parent)? })
            }
        })+
    };
}

of_subscription! {
    ListResourceGroupsRequest => ListResourceGroups,
    ListLocationsRequest => ListLocations,
}

/// Converts requests whose only field is the name of a resource group.
macro_rules! named_by_group {
    ($($request:ident => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let (subscription, name) = group(Field::Name, &request.name)?;
                Ok(Self { subscription, name })
            }
        })+
    };
}

named_by_group! {
    GetResourceGroupRequest => GetResourceGroup,
    DeleteResourceGroupRequest => DeleteResourceGroup,
}

impl TryFrom<pb::UpdateSubscriptionRequest> for UpdateSubscription {
    type Error = Error;

    fn try_from(request: pb::UpdateSubscriptionRequest) -> Result<Self> {
        let subscription = subscription(Field::Name, &request.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() || mask.iter().any(|path| path != "undeletable") {
            return Err(Error::invalid(Field::UpdateMask, "the update mask must name only undeletable"));
        }
        Ok(Self { subscription, undeletable: request.undeletable })
    }
}

impl TryFrom<pb::CreateResourceGroupRequest> for CreateResourceGroup {
    type Error = Error;

    fn try_from(request: pb::CreateResourceGroupRequest) -> Result<Self> {
        Ok(Self {
            subscription: subscription(Field::Parent, &request.parent)?,
            name: parse_field(Field::ResourceGroupId, &request.resource_group_id)?,
            location: request.location,
            tags: request.tags.into_iter().collect(),
            allow_existing: false,
        })
    }
}

impl TryFrom<pb::UpdateResourceGroupRequest> for UpdateResourceGroup {
    type Error = Error;

    fn try_from(request: pb::UpdateResourceGroupRequest) -> Result<Self> {
        let (subscription, name) = group(Field::Name, &request.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() || mask.iter().any(|path| path != "tags") {
            return Err(Error::invalid(Field::UpdateMask, "the update mask must name only tags"));
        }
        Ok(Self { subscription, name, tags: Some(request.tags.into_iter().collect()) })
    }
}

impl TryFrom<pb::ListSubscriptionsRequest> for ListSubscriptions {
    type Error = Error;

    fn try_from(_: pb::ListSubscriptionsRequest) -> Result<Self> {
        Ok(Self)
    }
}

impl TryFrom<pb::GetSubscriptionRequest> for GetSubscription {
    type Error = Error;

    fn try_from(request: pb::GetSubscriptionRequest) -> Result<Self> {
        Ok(Self { subscription: subscription(Field::Name, &request.name)? })
    }
}

impl From<&Subscription> for pb::Subscription {
    fn from(subscription: &Subscription) -> Self {
        Self {
            name: format!("subscriptions/{}", subscription.id),
            display_name: subscription.name.clone(),
            tenant_id: subscription.tenant.to_string(),
            undeletable: subscription.protected,
        }
    }
}

impl From<Subscription> for pb::Subscription {
    fn from(subscription: Subscription) -> Self {
        Self::from(&subscription)
    }
}

impl From<Arc<Subscription>> for pb::Subscription {
    fn from(subscription: Arc<Subscription>) -> Self {
        Self::from(&*subscription)
    }
}

impl From<Vec<Arc<Subscription>>> for pb::ListSubscriptionsResponse {
    fn from(subscriptions: Vec<Arc<Subscription>>) -> Self {
        Self { subscriptions: subscriptions.into_iter().map(Into::into).collect() }
    }
}

impl From<&ResourceGroup> for pb::ResourceGroup {
    fn from(group: &ResourceGroup) -> Self {
        Self {
            name: format!("subscriptions/{}/resourceGroups/{}", group.subscription, group.name),
            location: group.location.clone(),
            created: Some(wire_instant(group.created)),
            tags: group.tags.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

impl From<ResourceGroup> for pb::ResourceGroup {
    fn from(group: ResourceGroup) -> Self {
        Self::from(&group)
    }
}

impl From<CreatedGroup> for pb::ResourceGroup {
    fn from(CreatedGroup { group, .. }: CreatedGroup) -> Self {
        Self::from(&group)
    }
}

impl From<Arc<ResourceGroup>> for pb::ResourceGroup {
    fn from(group: Arc<ResourceGroup>) -> Self {
        Self::from(&*group)
    }
}

impl From<Vec<Arc<ResourceGroup>>> for pb::ListResourceGroupsResponse {
    fn from(groups: Vec<Arc<ResourceGroup>>) -> Self {
        Self { resource_groups: groups.into_iter().map(Into::into).collect() }
    }
}

impl From<(SubscriptionId, Vec<Location>)> for pb::ListLocationsResponse {
    fn from((subscription, locations): (SubscriptionId, Vec<Location>)) -> Self {
        let location = |location: Location| pb::Location {
            name: format!("subscriptions/{subscription}/locations/{}", location.name),
            display_name: location.display_name,
        };
        Self { locations: locations.into_iter().map(location).collect() }
    }
}
