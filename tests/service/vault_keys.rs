//! Calls for keys of vaults.

mod access;
mod backups;
mod crash;
mod lifecycle;
mod types;

use strongroom::api::grpc::pb;
use tonic::{Response, Status};

use crate::access_tokens::AccessTokens;
use crate::software;
use crate::support::{Client, Server};

/// The vault of the seed: premium, with Azure RBAC, and `dev` as its administrator.
pub(crate) const VAULT: &str = "vaults/demo";

/// Returns the resource name of a key of the seed's vault, without a version.
pub(crate) fn key(name: &str) -> String {
    format!("{VAULT}/keys/{name}")
}

/// Returns a client whose calls with keys have an access token for vaults.
pub(crate) async fn client(server: &Server, principal: &str) -> Client {
    let tokens = server.access_tokens(principal).await;
    Client::with_tokens(server.channel().await, &AccessTokens { data: tokens.vault.clone(), ..tokens })
}

/// Starts a server, and returns a client with every role in the vault.
pub(crate) async fn start() -> (Server, Client) {
    let server = Server::start();
    let dev = client(&server, "dev").await;
    (server, dev)
}

/// Returns a request to create a key of this type and the default size or curve.
pub(crate) fn create_request(vault: &str, name: &str, kty: &str) -> pb::CreateKeyRequest {
    pb::CreateKeyRequest {
        parent: vault.to_owned(),
        key_id: name.to_owned(),
        kty: kty.to_owned(),
        ..Default::default()
    }
}

/// Creates a key.
pub(crate) async fn create(
    client: &mut Client,
    vault: &str,
    name: &str,
    kty: &str,
) -> Result<pb::KeyBundle, Status> {
    client.keys.create_key(create_request(vault, name, kty)).await.map(Response::into_inner)
}

/// Imports a key with the protection that `kty` names.
pub(crate) async fn import(
    client: &mut Client,
    vault: &str,
    name: &str,
    kty: &str,
    material: pb::ImportKeyMaterial,
) -> Result<pb::KeyBundle, Status> {
    let request = pb::ImportKeyRequest {
        parent: vault.to_owned(),
        key_id: name.to_owned(),
        key: Some(pb::ImportKeyMaterial { kty: kty.to_owned(), ..material }),
        ..Default::default()
    };
    client.keys.import_key(request).await.map(Response::into_inner)
}

/// Reads a key or a version of one by its resource name.
pub(crate) async fn get(client: &mut Client, name: &str) -> Result<pb::KeyBundle, Status> {
    client.keys.get_key(pb::GetKeyRequest { name: name.to_owned() }).await.map(Response::into_inner)
}

/// Lists the versions of a key of the vault, oldest first.
pub(crate) async fn versions(client: &mut Client, name: &str) -> Vec<pb::KeyBundle> {
    let request = pb::ListKeyVersionsRequest { parent: key(name), ..Default::default() };
    client.keys.list_key_versions(request).await.unwrap().into_inner().versions
}

/// Lists the names of the live keys of a vault.
pub(crate) async fn live_names(client: &mut Client, vault: &str) -> Vec<String> {
    let request = pb::ListKeysRequest { parent: vault.to_owned(), page_size: 1000, ..Default::default() };
    let page = client.keys.list_keys(request).await.unwrap().into_inner();
    page.keys.iter().map(|key| key.name.rsplit('/').next().unwrap().to_owned()).collect()
}

/// Soft-deletes a key of a vault.
pub(crate) async fn delete(
    client: &mut Client,
    vault: &str,
    name: &str,
) -> Result<pb::DeletedKeyBundle, Status> {
    let request = pb::DeleteKeyRequest { name: format!("{vault}/keys/{name}") };
    client.keys.delete_key(request).await.map(Response::into_inner)
}

/// Recovers a deleted key of a vault.
pub(crate) async fn recover(client: &mut Client, vault: &str, name: &str) -> Result<pb::KeyBundle, Status> {
    let request = pb::RecoverDeletedKeyRequest { name: format!("{vault}/deletedKeys/{name}") };
    client.keys.recover_deleted_key(request).await.map(Response::into_inner)
}

/// Purges a deleted key of a vault.
pub(crate) async fn purge(client: &mut Client, vault: &str, name: &str) -> Result<(), Status> {
    let request = pb::PurgeDeletedKeyRequest { name: format!("{vault}/deletedKeys/{name}") };
    client.keys.purge_deleted_key(request).await.map(drop)
}

/// Backs up a key of a vault.
pub(crate) async fn backup(client: &mut Client, vault: &str, name: &str) -> Result<Vec<u8>, Status> {
    let request = pb::BackupKeyRequest { name: format!("{vault}/keys/{name}") };
    client.keys.backup_key(request).await.map(|answer| answer.into_inner().backup)
}

/// Restores a key into a vault.
pub(crate) async fn restore(
    client: &mut Client,
    vault: &str,
    backup: &[u8],
) -> Result<pb::KeyBundle, Status> {
    let request = pb::RestoreKeyRequest { parent: vault.to_owned(), backup: backup.to_vec() };
    client.keys.restore_key(request).await.map(Response::into_inner)
}

/// Asserts that a key or a version signs, and that another implementation verifies the signature with its public key.
pub(crate) async fn assert_signs(client: &mut Client, name: &str, public: &pb::KeyBundle) {
    let algorithm = if public.kty.starts_with("RSA") { "PS256" } else { "ES256" };
    let digest = software::digest(algorithm, name.as_bytes());
    let signed = crate::calls::sign(client, name, algorithm, &digest).await.unwrap();
    let public = public.key.as_ref().unwrap();
    assert!(software::verifies(public, algorithm, &digest, &signed.signature), "{name}");
    let other = software::flip(&digest, 3);
    assert!(!software::verifies(public, algorithm, &other, &signed.signature), "{name}");
    let verified = crate::calls::verify(client, &signed.name, algorithm, &digest, &signed.signature).await;
    assert!(verified.unwrap().valid, "{name}");
}
