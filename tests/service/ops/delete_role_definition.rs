//! Deleting custom role definitions. `roles/custom.rs` tests the effect on their assignments.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    ADMINISTRATOR, CRYPTO_USER, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted,
    definition_name, definition_request, guid, metadata,
};
use crate::support::{Server, error_metadata};

fn request(name: &str) -> pb::DeleteRoleDefinitionRequest {
    pb::DeleteRoleDefinitionRequest { name: name.to_owned() }
}

#[tokio::test]
async fn deleted_custom_role_frees_its_id() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev
        .access
        .put_role_definition(definition_request(&guid(1), &["keys/*"], &[]))
        .await
        .unwrap()
        .into_inner();
    let answer = dev.access.delete_role_definition(request(&made.name)).await;
    assert_audited(&server, metadata(&answer), "RoleDefinitionDelete", "OK", &made.name);
    assert_eq!(answer.unwrap().into_inner(), made);

    let again = dev.access.delete_role_definition(request(&made.name)).await;
    assert_audited(
        &server,
        metadata(&again),
        "RoleDefinitionDelete",
        "ROLE_DEFINITION_NOT_FOUND",
        &made.name,
    );
    assert_grpc_error(again, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    server.restart();

    let mut dev = server.client("dev").await;
    let listed = dev.access.list_role_definitions(pb::ListRoleDefinitionsRequest {
        parent: crate::roles::support::HSM.to_owned(),
    });
    assert_eq!(listed.await.unwrap().into_inner().role_definitions.len(), 10);
    dev.access.put_role_definition(definition_request(&guid(1), &["*"], &[])).await.unwrap();
}

#[tokio::test]
async fn built_in_roles_cannot_be_deleted() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    for id in [ADMINISTRATOR, CRYPTO_USER] {
        let refused = dev.access.delete_role_definition(request(&definition_name(id))).await;
        let status = assert_grpc_error(refused, Code::FailedPrecondition, "ROLE_DEFINITION_BUILT_IN");
        assert_eq!(error_metadata(&status, "role_definition"), id);
        let found =
            dev.access.get_role_definition(pb::GetRoleDefinitionRequest { name: definition_name(id) }).await;
        assert_eq!(found.unwrap().into_inner().r#type, "AKVBuiltInRole");
    }
    for name in ["", CRYPTO_USER, "hsms/local/roleDefinitions/"] {
        assert_bad_parameter(dev.access.delete_role_definition(request(name)).await, "name");
    }
    assert_not_granted(nobody.access.delete_role_definition(request(&definition_name(CRYPTO_USER))).await);
}
