//! Helpers for secrets, and tests of what remains of them across restarts, crashes and the deletion of their vault.

mod crash;
pub(crate) mod disclosure;
mod events;
mod stored;
mod vault_lifecycle;

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use crate::hsms::Container;
use crate::roles::support::assert_grpc_error;
use crate::support::{Client, Server};
use crate::vaults;

/// The vault that [`start`] creates.
pub(crate) const VAULT: &str = "vaults/sample";
/// Every permission for secrets: `all` does not include `purge`.
pub(crate) const EVERY_PERMISSION: [&str; 2] = ["all", "purge"];

/// Returns the resource name of a secret of the vault.
pub(crate) fn secret(name: &str) -> String {
    format!("{VAULT}/secrets/{name}")
}

/// Returns the resource name of a deleted secret of the vault.
pub(crate) fn deleted_secret(name: &str) -> String {
    format!("{VAULT}/deletedSecrets/{name}")
}

/// Returns an access policy with permissions for secrets.
pub(crate) fn policy(server: &Server, principal: &str, permissions: &[&str]) -> pb::AccessPolicy {
    let names = permissions.iter().map(|name| (*name).to_owned()).collect();
    pb::AccessPolicy {
        tenant_id: server.connection().tenant_id,
        principal_id: server.principal(principal).object_id,
        application_id: String::new(),
        permissions: Some(pb::AccessPermissions {
            secrets: Some(pb::PermissionNames { names }),
            ..Default::default()
        }),
    }
}

/// Creates the vault `sample`, whose access policies give `dev` every permission for secrets.
pub(crate) async fn create_vault(server: &Server, client: &mut Client, change: impl FnOnce(&mut pb::Vault)) {
    let dev = policy(server, "dev", &EVERY_PERMISSION);
    let request = Container::of(server).vault_request_with("sample", |vault| {
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![dev];
        change(vault);
    });
    vaults::create(client, request).await.unwrap();
}

/// Creates the secrets that requests name: `sample`, and the deleted `gone`.
pub(crate) async fn create_secrets(client: &mut Client) {
    set(client, "sample", "a value").await.unwrap();
    set(client, "gone", "a value").await.unwrap();
    delete(client, "gone").await.unwrap();
}

/// Starts a server with the vault `sample`, and returns a client with every permission for its secrets.
pub(crate) async fn start() -> (Server, Client) {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    create_vault(&server, &mut dev, |_| {}).await;
    (server, dev)
}

/// Asserts that the call is refused because no access policy grants its permission, and returns the error.
#[track_caller]
pub(crate) fn assert_not_permitted<T: std::fmt::Debug>(result: Result<T, Status>) -> Status {
    assert_grpc_error(result, Code::PermissionDenied, "PERMISSION_NOT_GRANTED")
}

/// Returns a request to store a value in the vault.
pub(crate) fn set_request(name: &str, value: &str) -> pb::SetSecretRequest {
    pb::SetSecretRequest {
        parent: VAULT.to_owned(),
        secret_id: name.to_owned(),
        value: Some(value.to_owned()),
        ..Default::default()
    }
}

/// Stores a value.
pub(crate) async fn set(client: &mut Client, name: &str, value: &str) -> Result<pb::SecretBundle, Status> {
    client.secrets.set_secret(set_request(name, value)).await.map(Response::into_inner)
}

/// Reads a secret or a version of one by its resource name.
pub(crate) async fn get(client: &mut Client, name: &str) -> Result<pb::SecretBundle, Status> {
    let request = pb::GetSecretRequest { name: name.to_owned() };
    client.secrets.get_secret(request).await.map(Response::into_inner)
}

/// Reads the value of a secret, which must exist.
pub(crate) async fn value(client: &mut Client, name: &str) -> String {
    get(client, &secret(name)).await.unwrap().value.unwrap()
}

/// Returns a request to enable or disable a secret or a version of one.
pub(crate) fn enable_request(name: &str, enabled: bool) -> pb::UpdateSecretVersionRequest {
    pb::UpdateSecretVersionRequest {
        name: name.to_owned(),
        attributes: Some(pb::SecretAttributes { enabled: Some(enabled), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["attributes.enabled".to_owned()] }),
        ..Default::default()
    }
}

/// Soft-deletes a secret.
pub(crate) async fn delete(client: &mut Client, name: &str) -> Result<pb::DeletedSecretBundle, Status> {
    let request = pb::DeleteSecretRequest { name: secret(name) };
    client.secrets.delete_secret(request).await.map(Response::into_inner)
}

/// Recovers a deleted secret.
pub(crate) async fn recover(client: &mut Client, name: &str) -> Result<pb::SecretBundle, Status> {
    let request = pb::RecoverDeletedSecretRequest { name: deleted_secret(name) };
    client.secrets.recover_deleted_secret(request).await.map(Response::into_inner)
}

/// Purges a deleted secret.
pub(crate) async fn purge(client: &mut Client, name: &str) -> Result<(), Status> {
    let request = pb::PurgeDeletedSecretRequest { name: deleted_secret(name) };
    client.secrets.purge_deleted_secret(request).await.map(drop)
}

/// Lists the live secrets, on one page.
pub(crate) async fn list(client: &mut Client) -> Vec<pb::SecretBundle> {
    let request = pb::ListSecretsRequest { parent: VAULT.to_owned(), ..Default::default() };
    client.secrets.list_secrets(request).await.unwrap().into_inner().secrets
}

/// Lists the deleted secrets, on one page.
pub(crate) async fn list_deleted(client: &mut Client) -> Vec<pb::DeletedSecretBundle> {
    let request = pb::ListDeletedSecretsRequest { parent: VAULT.to_owned(), ..Default::default() };
    client.secrets.list_deleted_secrets(request).await.unwrap().into_inner().deleted_secrets
}

/// Lists the versions of a secret, on one page.
pub(crate) async fn versions(client: &mut Client, name: &str) -> Vec<pb::SecretBundle> {
    let request = pb::ListSecretVersionsRequest { parent: secret(name), ..Default::default() };
    client.secrets.list_secret_versions(request).await.unwrap().into_inner().versions
}

/// Returns the bundle as lists and updates show it.
pub(crate) fn without_value(bundle: &pb::SecretBundle) -> pb::SecretBundle {
    pb::SecretBundle { value: None, ..bundle.clone() }
}
