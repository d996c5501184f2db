//! Tests who may do what on the data plane of a vault: by access policies, and by roles of Azure RBAC.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use crate::control::support::{assign, unassign, vault};
use crate::hsms::Container;
use crate::roles::support::{assert_grpc_error, assert_not_granted};
use crate::support::{Client, Server, error_metadata};
use crate::vaults::{create, policy};

/// Returns a client with an access token for vaults.
async fn vault_client(server: &Server, principal: &str) -> Client {
    let token = server.access_token_for(principal, "https://vault.localhost").await;
    Client::new(server.channel().await, Some(&token))
}

async fn get(client: &mut Client, parent: &str) -> Result<pb::KeyBundle, Status> {
    let request = pb::GetKeyRequest { name: format!("{parent}/keys/a") };
    client.keys.get_key(request).await.map(Response::into_inner)
}

async fn list(client: &mut Client, parent: &str) -> Result<pb::ListKeysResponse, Status> {
    let request = pb::ListKeysRequest { parent: parent.to_owned(), ..Default::default() };
    client.keys.list_keys(request).await.map(Response::into_inner)
}

async fn purge(client: &mut Client, parent: &str) -> Result<(), Status> {
    let name = format!("{parent}/deletedKeys/a");
    client.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name }).await.map(drop)
}

/// Asserts that a call is refused by the access policies, and returns the missing permission.
#[track_caller]
fn missing_permission<T: std::fmt::Debug>(result: Result<T, Status>) -> String {
    let status = assert_grpc_error(result, Code::PermissionDenied, "PERMISSION_NOT_GRANTED");
    assert_eq!(error_metadata(&status, "plane"), "vault");
    error_metadata(&status, "permission")
}

/// Asserts that a call is authorized: it fails because the key does not exist.
#[track_caller]
fn assert_authorized<T: std::fmt::Debug>(result: Result<T, Status>) {
    assert_eq!(result.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn access_policies_decide_in_a_vault_without_rbac() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let (tenant, principal) = (server.connection().tenant_id, server.principal("nobody").object_id);
    let request = container.vault_request_with("payroll", |vault| {
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy(&tenant, &principal, &["Get"])];
    });
    create(&mut owner, request).await.unwrap();
    let (mut nobody, parent) = (vault_client(&server, "nobody").await, "vaults/payroll");
    assert_authorized(get(&mut nobody, parent).await);
    assert_eq!(missing_permission(list(&mut nobody, parent).await), "keys list");
    let refused = list(&mut nobody, parent).await.unwrap_err();
    assert_eq!(
        refused.message(),
        format!("principal {principal} does not have keys list permission on key vault 'payroll'")
    );
    assert_eq!(error_metadata(&refused, "action"), "Microsoft.KeyVault/vaults/keys/read");
    assert_eq!(error_metadata(&refused, "scope"), format!("/{}", vault("payroll")));

    // Purging is granted to nobody by default: neither by `all` nor to the owner of the subscription.
    let set = pb::UpdateVaultAccessPoliciesRequest {
        name: container.vault("payroll"),
        change: "replace".to_owned(),
        access_policies: vec![policy(&tenant, &principal, &["all"])],
    };
    owner.vaults.update_vault_access_policies(set.clone()).await.unwrap();
    assert!(list(&mut nobody, parent).await.unwrap().keys.is_empty());
    assert_eq!(missing_permission(purge(&mut nobody, parent).await), "keys purge");
    let mut by_owner = vault_client(&server, "owner").await;
    for missing in [
        missing_permission(purge(&mut by_owner, parent).await),
        missing_permission(get(&mut by_owner, parent).await),
    ] {
        assert!(missing.starts_with("keys "), "{missing}");
    }
    let add = pb::UpdateVaultAccessPoliciesRequest {
        change: "add".to_owned(),
        access_policies: vec![policy(&tenant, &principal, &["purge"])],
        ..set.clone()
    };
    owner.vaults.update_vault_access_policies(add).await.unwrap();
    assert_authorized(purge(&mut nobody, parent).await);

    // A compound policy applies to calls of its application only.
    let of_application = |application: &str| pb::UpdateVaultRequest {
        vault: Some(pb::Vault {
            name: container.vault("payroll"),
            access_policies: vec![pb::AccessPolicy {
                application_id: application.to_owned(),
                ..policy(&tenant, &principal, &["get"])
            }],
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["access_policies".to_owned()] }),
    };
    owner.vaults.update_vault(of_application(&tenant)).await.unwrap();
    assert_eq!(missing_permission(get(&mut nobody, parent).await), "keys get");
    owner.vaults.update_vault(of_application(&server.principal("nobody").client_id)).await.unwrap();
    assert_authorized(get(&mut nobody, parent).await);
    assert_eq!(missing_permission(list(&mut nobody, parent).await), "keys list");
}

#[tokio::test]
async fn creator_of_a_vault_with_rbac_has_no_access_to_its_contents() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let (tenant, principal) = (server.connection().tenant_id, server.principal("owner").object_id);
    // The access policies of a vault with Azure RBAC are kept without effect.
    let request = container.vault_request_with("payroll", |vault| {
        vault.access_policies = vec![policy(&tenant, &principal, &["all", "purge"])];
    });
    create(&mut owner, request).await.unwrap();
    let mut by_owner = vault_client(&server, "owner").await;
    let parent = "vaults/payroll";
    let status = assert_not_granted(get(&mut by_owner, parent).await);
    assert_eq!(error_metadata(&status, "plane"), "vault");
    assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/vaults/keys/read");
    assert_eq!(error_metadata(&status, "scope"), format!("/{}/keys/a", vault("payroll")));
    let status = assert_not_granted(list(&mut by_owner, parent).await);
    assert_eq!(error_metadata(&status, "scope"), format!("/{}", vault("payroll")));
    assert_not_granted(purge(&mut by_owner, parent).await);
}

#[tokio::test]
async fn access_token_is_valid_for_one_kind_of_container() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let mut dev = server.client("dev").await;
    let mut dev_of_vaults = vault_client(&server, "dev").await;
    // Whether the container exists is not disclosed.
    for name in ["payroll", "unknown"] {
        let refused = list(&mut dev, &format!("vaults/{name}")).await;
        assert_grpc_error(refused, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    for name in ["local", "unknown"] {
        let refused = list(&mut dev_of_vaults, &format!("hsms/{name}")).await;
        assert_grpc_error(refused, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    list(&mut dev, "hsms/local").await.unwrap();
    assert_not_granted(list(&mut dev_of_vaults, "vaults/payroll").await);
}

/// Key Vault Reader.
const KEY_VAULT_READER: &str = "21090545-7ca7-4776-b22c-e363652d74d2";
/// Key Vault Crypto Officer.
const KEY_VAULT_CRYPTO_OFFICER: &str = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";

#[tokio::test]
async fn roles_apply_at_subscription_group_vault_and_object() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let (mut nobody, principal) =
        (vault_client(&server, "nobody").await, server.principal("nobody").object_id);
    let parent = "vaults/payroll";
    let object = format!("{}/keys/A", vault("payroll"));
    // Whether an assignment at the scope allows reading the key and listing all keys.
    for (scope, expected) in [
        (container.subscription.clone(), [true, true]),
        (container.group.clone(), [true, true]),
        (vault("payroll"), [true, true]),
        (object.clone(), [true, false]),
        (object.replace("keys/A", "keys/b"), [false, false]),
        (object.replace("keys", "secrets"), [false, false]),
    ] {
        let assigned = assign(&mut owner, KEY_VAULT_READER, &principal, &scope).await;
        let found = [
            get(&mut nobody, parent).await.is_err_and(|status| status.code() == Code::NotFound),
            list(&mut nobody, parent).await.is_ok(),
        ];
        assert_eq!(found, expected, "{scope}");
        assert_not_granted(purge(&mut nobody, parent).await);
        let checked = pb::CheckVaultAccessRequest {
            name: container.vault("payroll"),
            principal_id: principal.clone(),
            action: "keys/get".to_owned(),
            object: "keys/a".to_owned(),
            ..Default::default()
        };
        let checked = owner.vaults.check_vault_access(checked).await.unwrap().into_inner();
        assert_eq!(checked.allowed, found[0], "{}", checked.reason);
        assert_eq!(checked.role_assignment.is_some_and(|role| role.name == assigned.name), found[0]);
        unassign(&mut owner, &assigned.name).await.unwrap();
    }
    let refused = assert_not_granted(get(&mut nobody, parent).await);
    let roles = error_metadata(&refused, "roles");
    assert!(roles.contains("Key Vault Reader") && !roles.contains("Owner"), "{roles}");
    // Unlike `all` in an access policy, the role of officers includes purge.
    assign(&mut owner, KEY_VAULT_CRYPTO_OFFICER, &principal, &vault("payroll")).await;
    assert_authorized(purge(&mut nobody, parent).await);
    // Assignments at the vault are deleted with it.
    crate::vaults::delete(&mut owner, container.vault("payroll")).await.unwrap();
    crate::vaults::recover(&mut owner, container.deleted_vault("payroll")).await.unwrap();
    assert_not_granted(purge(&mut nobody, parent).await);
}
