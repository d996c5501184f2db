//! Implements `strongroom.v1.ResourceService`: each method runs one operation.

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

    async fn update_subscription(
        &self,
        request: Request<pb::UpdateSubscriptionRequest>,
    ) -> Result<Response<pb::Subscription>, Status> {
        self.answer::<_, resources::UpdateSubscription, _>(
            "/strongroom.v1.ResourceService/UpdateSubscription",
            request,
        )
        .await
    }

    async fn create_resource_group(
        &self,
        request: Request<pb::CreateResourceGroupRequest>,
    ) -> Result<Response<pb::ResourceGroup>, Status> {
        self.answer::<_, resources::CreateResourceGroup, _>(
            "/strongroom.v1.ResourceService/CreateResourceGroup",
            request,
        )
        .await
    }

    async fn get_resource_group(
        &self,
        request: Request<pb::GetResourceGroupRequest>,
    ) -> Result<Response<pb::ResourceGroup>, Status> {
        self.answer::<_, resources::GetResourceGroup, _>(
            "/strongroom.v1.ResourceService/GetResourceGroup",
            request,
        )
        .await
    }

    async fn list_resource_groups(
        &self,
        request: Request<pb::ListResourceGroupsRequest>,
    ) -> Result<Response<pb::ListResourceGroupsResponse>, Status> {
        self.answer::<_, resources::ListResourceGroups, _>(
            "/strongroom.v1.ResourceService/ListResourceGroups",
            request,
        )
        .await
    }

    async fn update_resource_group(
        &self,
        request: Request<pb::UpdateResourceGroupRequest>,
    ) -> Result<Response<pb::ResourceGroup>, Status> {
        self.answer::<_, resources::UpdateResourceGroup, _>(
            "/strongroom.v1.ResourceService/UpdateResourceGroup",
            request,
        )
        .await
    }

    async fn delete_resource_group(
        &self,
        request: Request<pb::DeleteResourceGroupRequest>,
    ) -> Result<Response<pb::ResourceGroup>, Status> {
        self.answer::<_, resources::DeleteResourceGroup, _>(
            "/strongroom.v1.ResourceService/DeleteResourceGroup",
            request,
        )
        .await
    }

    async fn list_locations(
        &self,
        request: Request<pb::ListLocationsRequest>,
    ) -> Result<Response<pb::ListLocationsResponse>, Status> {
        self.answer::<_, resources::ListLocations, _>("/strongroom.v1.ResourceService/ListLocations", request)
            .await
    }
}
