//! Creating a resource group.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{create_group, get_group, group, group_request};
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::Server;

#[tokio::test]
async fn created_group_survives_a_restart() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    let request =
        pb::CreateResourceGroupRequest { location: "West Europe".to_owned(), ..group_request("Team-1") };
    let answer = owner.resources.create_resource_group(request).await;
    let target = format!("/{}", group("Team-1"));
    assert_audited(&server, metadata(&answer), "ResourceGroupCreate", "OK", &target);
    let made = answer.unwrap().into_inner();
    assert_eq!((made.name.as_str(), made.location.as_str()), (group("Team-1").as_str(), "westeurope"));
    assert!(made.created.is_some());
    server.restart();
    let mut owner = server.client("owner").await;
    assert_eq!(get_group(&mut owner, "team-1").await.unwrap(), made);
}

#[tokio::test]
async fn rejects_duplicate_names() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    create_group(&mut owner, "team").await;
    for name in ["team", "TEAM", "dev"] {
        let again = owner.resources.create_resource_group(group_request(name)).await;
        assert_grpc_error(again, Code::AlreadyExists, "RESOURCE_GROUP_EXISTS");
    }
    // Of two concurrent requests, one succeeds.
    let (mut one, mut two) = (owner.clone(), owner.clone());
    let (one, two) = tokio::join!(
        one.resources.create_resource_group(group_request("race")),
        two.resources.create_resource_group(group_request("race"))
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    for name in ["", "a.", "a b", "a/b", &"x".repeat(91)] {
        assert_bad_parameter(
            owner.resources.create_resource_group(group_request(name)).await,
            "resource_group_id",
        );
    }
    for location in ["", "atlantis", "west-europe"] {
        let request = pb::CreateResourceGroupRequest { location: location.to_owned(), ..group_request("x") };
        assert_bad_parameter(owner.resources.create_resource_group(request).await, "location");
    }
    let parent = format!("subscriptions/{}", guid(1));
    let missing = pb::CreateResourceGroupRequest { parent, ..group_request("x") };
    let missing = owner.resources.create_resource_group(missing).await;
    assert_grpc_error(missing, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    // Without permission, a taken name and a free one get the same error.
    for name in ["contributor", "reader", "administrator", "nobody"] {
        let mut caller = server.client(name).await;
        for wanted in ["dev", "new"] {
            assert_not_granted(caller.resources.create_resource_group(group_request(wanted)).await);
        }
    }
}
