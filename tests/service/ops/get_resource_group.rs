//! Reading a resource group.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{get_group, group};
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Server, error_metadata};

#[tokio::test]
async fn seeded_group_is_read_case_insensitively() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let request = pb::GetResourceGroupRequest { name: group("DEV") };
    let answer = reader.resources.get_resource_group(request).await;
    assert_audited(&server, metadata(&answer), "ResourceGroupGet", "OK", &format!("/{}", group("DEV")));
    let read = answer.unwrap().into_inner();
    assert_eq!((read.name.as_str(), read.location.as_str()), (group("dev").as_str(), "localhost"));
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let server = Server::start();
    let (mut reader, mut nobody) = (server.client("reader").await, server.client("nobody").await);
    let status =
        assert_grpc_error(get_group(&mut reader, "none").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    assert_eq!(error_metadata(&status, "resource"), group("none"));
    for name in ["", "a.", "a b"] {
        assert_bad_parameter(get_group(&mut reader, name).await, "name");
    }
    // Without permission, existing and unknown groups get the same error.
    for name in ["dev", "none"] {
        assert_not_granted(get_group(&mut nobody, name).await);
    }
}
