//! Listing role definitions.

use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    HSM, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, definition_name,
    definition_request, guid, metadata,
};
use crate::support::Server;

fn request(parent: &str) -> pb::ListRoleDefinitionsRequest {
    pb::ListRoleDefinitionsRequest { parent: parent.to_owned() }
}

/// Returns a definition in the JSON shape of the recorded response.
fn as_recorded(role: &pb::RoleDefinition) -> Value {
    let permission = |block: &pb::Permission| {
        json!({
            "actions": block.actions,
            "notActions": block.not_actions,
            "dataActions": block.data_actions,
            "notDataActions": block.not_data_actions,
        })
    };
    json!({
        "id": role.name.replace(HSM, "Microsoft.KeyVault/providers/Microsoft.Authorization"),
        "name": role.name.rsplit('/').next().unwrap(),
        "properties": {
            "assignableScopes": role.assignable_scopes,
            "description": role.description,
            "permissions": role.permissions.iter().map(permission).collect::<Vec<_>>(),
            "roleName": role.role_name,
            "type": role.r#type,
        },
        "type": "Microsoft.Authorization/roleDefinitions",
    })
}

#[tokio::test]
async fn lists_built_in_roles_before_custom_roles() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let answer = dev.access.list_role_definitions(request(HSM)).await;
    assert_audited(&server, metadata(&answer), "RoleDefinitionList", "OK", HSM);
    let listed = answer.unwrap().into_inner().role_definitions;
    let recorded: Value = serde_json::from_str(include_str!("../../../hsm-config/roles.json")).unwrap();
    assert_eq!(listed.iter().map(as_recorded).collect::<Vec<_>>(), *recorded["value"].as_array().unwrap());

    // In the order of creation, not of ids; replacing a role does not change its position.
    for number in [2, 1, 2] {
        dev.access.put_role_definition(definition_request(&guid(number), &["keys/*"], &[])).await.unwrap();
    }
    let listed = dev.access.list_role_definitions(request("hsms/LOCAL")).await.unwrap().into_inner();
    let names: Vec<_> = listed.role_definitions[10..].iter().map(|role| role.name.clone()).collect();
    assert_eq!(names, [definition_name(&guid(2)), definition_name(&guid(1))]);
    assert!(listed.role_definitions[10..].iter().all(|role| role.r#type == "CustomRole"));
}

#[tokio::test]
async fn rejects_missing_permission_and_invalid_parents() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let answer = nobody.access.list_role_definitions(request(HSM)).await;
    assert_audited(&server, metadata(&answer), "RoleDefinitionList", "ACTION_NOT_GRANTED", HSM);
    assert_not_granted(answer);
    let elsewhere = dev.access.list_role_definitions(request("hsms/elsewhere")).await;
    assert_grpc_error(elsewhere, Code::NotFound, "HSM_NOT_FOUND");
    for parent in ["", "local", "hsms/local/", "hsms/local/keys"] {
        assert_bad_parameter(dev.access.list_role_definitions(request(parent)).await, "parent");
    }
}
