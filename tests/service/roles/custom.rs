//! Custom roles: patterns, exclusions, and assignments of a role that is deleted and recreated.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::support::{
    CRYPTO_USER, HSM, assert_grpc_error, assert_not_granted, assign, check, data_action, definition_name,
    definition_request, guid, sign, unassign,
};
use crate::support::{Client, Server, ec, error_metadata};

async fn verify(client: &mut Client, key: &str) -> Result<(), Status> {
    let request = pb::VerifyRequest {
        name: format!("{HSM}/keys/{key}"),
        algorithm: "ES256".to_owned(),
        digest: vec![7; 32],
        signature: vec![1; 64],
    };
    client.crypto.verify(request).await.map(drop)
}

async fn list_deleted(client: &mut Client) -> Result<(), Status> {
    let request = pb::ListDeletedKeysRequest { parent: HSM.to_owned(), ..Default::default() };
    client.keys.list_deleted_keys(request).await.map(drop)
}

fn random() -> pb::GenerateRandomBytesRequest {
    pb::GenerateRandomBytesRequest { parent: HSM.to_owned(), count: 8 }
}

async fn define(client: &mut Client, id: &str, data: &[&str], not_data: &[&str]) {
    client.access.put_role_definition(definition_request(id, data, not_data)).await.unwrap();
}

#[tokio::test]
async fn patterns_grant_and_exclusions_revoke() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    dev.create(ec("signing", "P-256")).await.unwrap();
    let role = guid(1);
    define(&mut dev, &role, &["keys/*"], &["keys/sign/action"]).await;
    assign(&mut dev, &role, &principal, "/").await;

    verify(&mut nobody, "signing").await.unwrap();
    // `keys/create` has no `/action`, and `keys/deletedKeys/read/action` is one more level down.
    nobody.create(ec("other", "P-256")).await.unwrap();
    list_deleted(&mut nobody).await.unwrap();
    let refusal = assert_not_granted(sign(&mut nobody, "signing").await);
    assert_eq!(error_metadata(&refusal, "action"), data_action("keys/sign/action"));
    assert_not_granted(nobody.crypto.generate_random_bytes(random()).await);

    // A replaced role takes effect with the next request, whether it grants more or less.
    define(&mut dev, &role, &["keys/*"], &[]).await;
    sign(&mut nobody, "signing").await.unwrap();
    define(&mut dev, &role, &["keys/*"], &["keys/*/action"]).await;
    assert_not_granted(sign(&mut nobody, "signing").await);
    assert_not_granted(list_deleted(&mut nobody).await);
    nobody.create(ec("other", "P-256")).await.unwrap();
    define(&mut dev, &role, &["*"], &["keys/*"]).await;
    assert_not_granted(verify(&mut nobody, "signing").await);
    nobody.crypto.generate_random_bytes(random()).await.unwrap();
    define(&mut dev, &role, &["keys/*/action"], &[]).await;
    sign(&mut nobody, "signing").await.unwrap();
    assert_not_granted(nobody.create(ec("other", "P-256")).await);
    define(&mut dev, &role, &[], &[]).await;
    assert_not_granted(verify(&mut nobody, "signing").await);
}

/// An exclusion applies to all blocks of its role. It is not a deny: another role may grant the action.
#[tokio::test]
async fn exclusion_applies_to_its_own_role_only() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    dev.create(ec("signing", "P-256")).await.unwrap();
    let mut request = definition_request(&guid(1), &["keys/sign/action", "keys/verify/action"], &[]);
    let blocks = &mut request.role_definition.as_mut().unwrap().permissions;
    blocks.push(pb::Permission {
        data_actions: vec![data_action("keys/read/action")],
        not_data_actions: vec![data_action("keys/sign/action")],
        ..Default::default()
    });
    dev.access.put_role_definition(request).await.unwrap();
    assign(&mut dev, &guid(1), &principal, "/keys").await;
    verify(&mut nobody, "signing").await.unwrap();
    assert_not_granted(sign(&mut nobody, "signing").await);

    let second = assign(&mut dev, CRYPTO_USER, &principal, "/keys/signing").await;
    sign(&mut nobody, "signing").await.unwrap();
    unassign(&mut dev, &second.name).await;
    assert_not_granted(sign(&mut nobody, "signing").await);
}

/// `actions` and `notActions` belong to the control plane. They are stored, and have no effect in local RBAC.
#[tokio::test]
async fn control_plane_actions_have_no_effect() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    dev.create(ec("signing", "P-256")).await.unwrap();
    let mut request = definition_request(&guid(1), &[], &[]);
    let block = &mut request.role_definition.as_mut().unwrap().permissions[0];
    block.actions = vec!["*".to_owned(), data_action("keys/sign/action")];
    dev.access.put_role_definition(request.clone()).await.unwrap();
    assign(&mut dev, &guid(1), &principal, "/").await;
    assert_not_granted(sign(&mut nobody, "signing").await);

    let block = &mut request.role_definition.as_mut().unwrap().permissions[0];
    block.data_actions = vec![data_action("keys/sign/action")];
    block.not_actions = vec!["*".to_owned()];
    dev.access.put_role_definition(request).await.unwrap();
    sign(&mut nobody, "signing").await.unwrap();
}

#[tokio::test]
async fn deleted_role_grants_nothing_until_it_is_recreated() {
    let mut server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    dev.create(ec("signing", "P-256")).await.unwrap();
    let role = guid(1);
    define(&mut dev, &role, &["keys/sign/action"], &[]).await;
    let assigned = assign(&mut dev, &role, &principal, "/keys/signing").await;
    sign(&mut nobody, "signing").await.unwrap();

    let name = definition_name(&role);
    let request = pb::DeleteRoleDefinitionRequest { name: name.clone() };
    dev.access.delete_role_definition(request).await.unwrap();
    assert_not_granted(sign(&mut nobody, "signing").await);
    let get_assignment = pb::GetRoleAssignmentRequest { name: assigned.name.clone() };
    assert_eq!(dev.access.get_role_assignment(get_assignment.clone()).await.unwrap().into_inner(), assigned);
    server.restart();

    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    assert_not_granted(sign(&mut nobody, "signing").await);
    assert_eq!(dev.access.get_role_assignment(get_assignment).await.unwrap().into_inner(), assigned);
    let access_check = check(&mut dev, &principal, &[], "keys/sign", "/keys/signing").await;
    assert!(!access_check.allowed && access_check.role_assignment.is_none(), "{access_check:?}");
    let unknown = dev.access.get_role_definition(pb::GetRoleDefinitionRequest { name }).await;
    assert_grpc_error(unknown, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");

    define(&mut dev, &role, &["keys/sign/action"], &[]).await;
    sign(&mut nobody, "signing").await.unwrap();
    server.restart();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    sign(&mut nobody, "signing").await.unwrap();
    let access_check = check(&mut dev, &principal, &[], "keys/sign", "/keys/signing").await;
    assert_eq!(access_check.role_assignment, Some(assigned));
}
