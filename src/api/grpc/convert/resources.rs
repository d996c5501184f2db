//! `resource.proto`.

use std::sync::Arc;

use super::super::pb;
use super::{part, segments};
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::{Error, Result};
use crate::ops::resources::{GetSubscription, ListSubscriptions};

/// Reads `subscriptions/{guid}`.
fn subscription(field: &'static str, name: &str) -> Result<SubscriptionId> {
    let [id] = segments(field, name, "subscriptions/{}")?;
    part(field, id)
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
        Ok(Self { subscription: subscription("name", &request.name)? })
    }
}

impl From<&Subscription> for pb::Subscription {
    fn from(subscription: &Subscription) -> Self {
        Self {
            name: format!("subscriptions/{}", subscription.id),
            display_name: subscription.name.clone(),
            tenant_id: subscription.tenant.to_string(),
            undeletable: subscription.undeletable,
        }
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
