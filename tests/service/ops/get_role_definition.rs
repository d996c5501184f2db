//! Reading a role definition.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    CRYPTO_USER, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted,
    definition_name, definition_request, guid, metadata,
};
use crate::support::Server;

fn request(name: &str) -> pb::GetRoleDefinitionRequest {
    pb::GetRoleDefinitionRequest { name: name.to_owned() }
}

#[tokio::test]
async fn returns_built_in_and_custom_roles() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = definition_name(CRYPTO_USER);
    let answer = dev.access.get_role_definition(request(&name)).await;
    assert_audited(&server, metadata(&answer), "RoleDefinitionGet", "OK", &name);
    let role = answer.unwrap().into_inner();
    assert_eq!(
        (role.name.as_str(), role.role_name.as_str(), role.r#type.as_str()),
        (name.as_str(), "Managed HSM Crypto User", "AKVBuiltInRole")
    );
    let uppercase = format!("hsms/LOCAL/roleDefinitions/{}", CRYPTO_USER.to_uppercase());
    assert_eq!(dev.access.get_role_definition(request(&uppercase)).await.unwrap().into_inner(), role);

    let made =
        dev.access.put_role_definition(definition_request(&guid(1), &["keys/*"], &["keys/delete"])).await;
    let made = made.unwrap().into_inner();
    assert_eq!(dev.access.get_role_definition(request(&made.name)).await.unwrap().into_inner(), made);
}

#[tokio::test]
async fn rejects_unknown_and_invalid_names() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let unknown = dev.access.get_role_definition(request(&definition_name(&guid(1)))).await;
    assert_grpc_error(unknown, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    for name in
        ["", CRYPTO_USER, &definition_name("crypto-user"), &format!("{}/x", definition_name(CRYPTO_USER))]
    {
        assert_bad_parameter(dev.access.get_role_definition(request(name)).await, "name");
    }
    // Without permission, existing and unknown roles get the same error.
    for id in [CRYPTO_USER, &guid(1)] {
        assert_not_granted(nobody.access.get_role_definition(request(&definition_name(id))).await);
    }
}
