//! Reading a resource group.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::ask::{get_group, group};
use crate::roles::ask::{assert_recorded, bad, fails, metadata, not_granted};
use crate::support::{Server, fact};

#[tokio::test]
async fn seeded_group_is_read_case_insensitively() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let request = pb::GetResourceGroupRequest { name: group("DEV") };
    let answer = reader.resources.get_resource_group(request).await;
    assert_recorded(&server, metadata(&answer), "ResourceGroupGet", "OK", &format!("/{}", group("DEV")));
    let read = answer.unwrap().into_inner();
    assert_eq!((read.name.as_str(), read.location.as_str()), (group("dev").as_str(), "localhost"));
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let server = Server::start();
    let (mut reader, mut nobody) = (server.client("reader").await, server.client("nobody").await);
    let status = fails(get_group(&mut reader, "none").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    assert_eq!(fact(&status, "resource"), group("none"));
    for name in ["", "a.", "a b"] {
        bad(get_group(&mut reader, name).await, "name");
    }
    // Without permission, existing and unknown groups get the same error.
    for name in ["dev", "none"] {
        not_granted(get_group(&mut nobody, name).await);
    }
}
