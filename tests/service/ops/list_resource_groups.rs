//! Listing resource groups.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{create_group, group};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::Server;

fn request(parent: &str) -> pb::ListResourceGroupsRequest {
    pb::ListResourceGroupsRequest { parent: parent.to_owned() }
}

#[tokio::test]
async fn lists_by_name() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    for name in ["zebra", "Apple", "mango"] {
        create_group(&mut owner, name).await;
    }
    let mut reader = server.client("reader").await;
    let answer = reader.resources.list_resource_groups(request(SUBSCRIPTION)).await;
    assert_audited(&server, metadata(&answer), "ResourceGroupList", "OK", &format!("/{SUBSCRIPTION}"));
    let groups = answer.unwrap().into_inner().resource_groups;
    let names: Vec<_> = groups.into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["Apple", "dev", "mango", "zebra"].map(group));
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let missing = reader.resources.list_resource_groups(request(&format!("subscriptions/{}", guid(1)))).await;
    assert_grpc_error(missing, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    assert_bad_parameter(reader.resources.list_resource_groups(request("subscriptions/dev")).await, "parent");
    let mut nobody = server.client("nobody").await;
    assert_not_granted(nobody.resources.list_resource_groups(request(SUBSCRIPTION)).await);
}
