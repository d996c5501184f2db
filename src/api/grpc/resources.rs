//! `strongroom.v1.ResourceService`: one line per operation.

use tonic::{Request, Response, Status};

use super::Services;
use super::pb::{self, resource_service_server::ResourceService};
use crate::ops::resources;

#[tonic::async_trait]
impl ResourceService for Services {
    async fn list_subscriptions(
        &self,
        request: Request<pb::ListSubscriptionsRequest>,
    ) -> Result<Response<pb::ListSubscriptionsResponse>, Status> {
        self.answer::<_, resources::ListSubscriptions, _>(
            "/strongroom.v1.ResourceService/ListSubscriptions",
            request,
        )
        .await
    }

    async fn get_subscription(
        &self,
        request: Request<pb::GetSubscriptionRequest>,
    ) -> Result<Response<pb::Subscription>, Status> {
        self.answer::<_, resources::GetSubscription, _>(
            "/strongroom.v1.ResourceService/GetSubscription",
            request,
        )
        .await
    }
}
