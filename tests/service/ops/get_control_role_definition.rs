//! Reading an ARM role definition (control plane).

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::group;
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::Server;

const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";

fn request(scope: &str, id: &str) -> pb::GetControlRoleDefinitionRequest {
    pb::GetControlRoleDefinitionRequest { name: format!("{scope}/roleDefinitions/{id}") }
}

#[tokio::test]
async fn returns_actions_and_not_actions() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let answer = reader.authorization.get_control_role_definition(request(&group("dev"), CONTRIBUTOR)).await;
    let target = format!("/{}", group("dev"));
    assert_audited(&server, metadata(&answer), "ControlRoleDefinitionGet", "OK", &target);
    let role = answer.unwrap().into_inner();
    assert_eq!(role.name, request(&group("dev"), CONTRIBUTOR).name);
    let [block] = role.permissions.as_slice() else { panic!("{role:?}") };
    assert_eq!(block.actions, ["*"]);
    assert!(block.not_actions.contains(&"Microsoft.Authorization/*/Write".to_owned()), "{block:?}");
}

#[tokio::test]
async fn rejects_unknown_roles_and_missing_permission() {
    let server = Server::start();
    let (mut reader, mut nobody) = (server.client("reader").await, server.client("nobody").await);
    let unknown = reader.authorization.get_control_role_definition(request(SUBSCRIPTION, &guid(1))).await;
    assert_grpc_error(unknown, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    // A role of local RBAC is not an ARM role.
    let local = "a290e904-7015-4bba-90c8-60543313cdb4";
    let local = reader.authorization.get_control_role_definition(request(SUBSCRIPTION, local)).await;
    assert_grpc_error(local, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    assert_bad_parameter(
        reader.authorization.get_control_role_definition(request(SUBSCRIPTION, "owner")).await,
        "name",
    );
    assert_bad_parameter(
        reader.authorization.get_control_role_definition(request("hsms/local", CONTRIBUTOR)).await,
        "name",
    );
    for id in [CONTRIBUTOR, &guid(1)] {
        assert_not_granted(nobody.authorization.get_control_role_definition(request(SUBSCRIPTION, id)).await);
    }
}
