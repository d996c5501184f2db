//! The scopes of role assignments: one key, all keys, the HSM; with effect from the next request on.

use strongroom::api::grpc::pb;
use tonic::Status;

use super::support::{
    CRYPTO_AUDITOR, CRYPTO_USER, HSM, POLICY_ADMINISTRATOR, assert_not_granted, assign, assignment_request,
    sign, unassign,
};
use crate::support::{Client, Server, ec, error_metadata};

async fn list_keys(client: &mut Client) -> Result<(), Status> {
    let request = pb::ListKeysRequest { parent: HSM.to_owned(), ..Default::default() };
    client.keys.list_keys(request).await.map(drop)
}

async fn list_roles(client: &mut Client) -> Result<(), Status> {
    let request = pb::ListRoleDefinitionsRequest { parent: HSM.to_owned() };
    client.access.list_role_definitions(request).await.map(drop)
}

async fn random(client: &mut Client) -> Result<(), Status> {
    let request = pb::GenerateRandomBytesRequest { parent: HSM.to_owned(), count: 8 };
    client.crypto.generate_random_bytes(request).await.map(drop)
}

#[tokio::test]
async fn assignment_applies_at_its_scope_and_below_immediately() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    for name in ["first", "second"] {
        dev.create(ec(name, "P-256")).await.unwrap();
    }
    let refusal = assert_not_granted(sign(&mut nobody, "first").await);
    assert_eq!(error_metadata(&refusal, "scope"), "/keys/first");

    let at_key = assign(&mut dev, CRYPTO_USER, &principal, "/keys/first").await;
    sign(&mut nobody, "first").await.unwrap();
    // Key names are case-insensitive.
    sign(&mut nobody, "FIRST").await.unwrap();
    for (refused, scope) in [
        (sign(&mut nobody, "second").await, "/keys/second"),
        (sign(&mut nobody, "first-of-all").await, "/keys/first-of-all"),
        (list_keys(&mut nobody).await, "/keys"),
        (list_roles(&mut nobody).await, "/"),
        (random(&mut nobody).await, "/"),
    ] {
        assert_eq!(error_metadata(&assert_not_granted(refused), "scope"), scope);
    }
    unassign(&mut dev, &at_key.name).await;
    assert_not_granted(sign(&mut nobody, "first").await);

    let at_keys = assign(&mut dev, CRYPTO_USER, &principal, "/keys").await;
    sign(&mut nobody, "first").await.unwrap();
    sign(&mut nobody, "second").await.unwrap();
    list_keys(&mut nobody).await.unwrap();
    assert_not_granted(list_roles(&mut nobody).await);
    assert_not_granted(random(&mut nobody).await);
    unassign(&mut dev, &at_keys.name).await;
    assert_not_granted(list_keys(&mut nobody).await);

    let at_hsm = assign(&mut dev, CRYPTO_USER, &principal, "/").await;
    for name in ["first", "second"] {
        sign(&mut nobody, name).await.unwrap();
    }
    list_keys(&mut nobody).await.unwrap();
    list_roles(&mut nobody).await.unwrap();
    random(&mut nobody).await.unwrap();
    unassign(&mut dev, &at_hsm.name).await;
    assert_not_granted(sign(&mut nobody, "first").await);
    assert_not_granted(random(&mut nobody).await);
}

/// A role may be assigned at a key that does not exist yet, and applies to every later key of that name.
#[tokio::test]
async fn assignment_at_a_key_is_bound_to_its_name() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    assign(&mut dev, CRYPTO_USER, &principal, "/keys/Mine").await;
    assert_not_granted(nobody.create(ec("yours", "P-256")).await);
    nobody.create(ec("mine", "P-256")).await.unwrap();
    sign(&mut nobody, "mine").await.unwrap();

    nobody.keys.delete_key(pb::DeleteKeyRequest { name: format!("{HSM}/keys/mine") }).await.unwrap();
    let name = format!("{HSM}/deletedKeys/mine");
    assert_not_granted(
        nobody.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name: name.clone() }).await,
    );
    dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name }).await.unwrap();
    dev.create(ec("MINE", "P-256")).await.unwrap();
    sign(&mut nobody, "mine").await.unwrap();
}

/// Refusals are the same for existing and unknown keys.
#[tokio::test]
async fn refusal_does_not_disclose_existence() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    dev.create(ec("hidden", "P-256")).await.unwrap();
    let mut texts = Vec::new();
    for name in ["hidden", "absent"] {
        let status = assert_not_granted(sign(&mut nobody, name).await);
        texts.push(status.message().replace(name, "?"));
    }
    assert_eq!(texts[0], texts[1]);
}

#[tokio::test]
async fn assign_permission_is_limited_to_its_scope() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    let other = server.principal("reader").object_id;
    dev.create(ec("shared", "P-256")).await.unwrap();
    let own = assign(&mut dev, POLICY_ADMINISTRATOR, &principal, "/keys/shared").await;

    for scope in ["/", "/keys", "/keys/other"] {
        let request = assignment_request(CRYPTO_AUDITOR, &other, scope);
        let refusal = assert_not_granted(nobody.access.create_role_assignment(request).await);
        assert_eq!(error_metadata(&refusal, "scope"), scope);
    }
    let made = assign(&mut nobody, CRYPTO_USER, &other, "/keys/shared").await;
    sign(&mut server.client("reader").await, "shared").await.unwrap();
    let foreign = assign(&mut dev, CRYPTO_USER, &other, "/keys/other").await;
    let request = pb::DeleteRoleAssignmentRequest { name: foreign.name };
    assert_not_granted(nobody.access.delete_role_assignment(request).await);
    unassign(&mut nobody, &made.name).await;
    assert_not_granted(sign(&mut server.client("reader").await, "shared").await);

    // A caller may delete its own assignment, and then lacks the permission.
    unassign(&mut nobody, &own.name).await;
    assert_not_granted(
        nobody.access.create_role_assignment(assignment_request(CRYPTO_USER, &other, "/keys/shared")).await,
    );
}
