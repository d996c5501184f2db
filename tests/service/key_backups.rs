//! Calls for tests of key backups.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::support::Client;

/// Backs up a key of HSM `local`.
pub(crate) async fn backup(client: &mut Client, key: &str) -> Result<Vec<u8>, Status> {
    let request = pb::BackupKeyRequest { name: crate::calls::key(key) };
    Ok(client.keys.backup_key(request).await?.into_inner().backup)
}

/// Restores a key into an HSM.
pub(crate) async fn restore(client: &mut Client, hsm: &str, backup: &[u8]) -> Result<pb::KeyBundle, Status> {
    let request = pb::RestoreKeyRequest { parent: format!("hsms/{hsm}"), backup: backup.to_vec() };
    Ok(client.keys.restore_key(request).await?.into_inner())
}

/// Deletes and purges a key of HSM `local`.
pub(crate) async fn remove(client: &mut Client, key: &str) {
    delete(client, key).await;
    let name = format!("hsms/local/deletedKeys/{key}");
    client.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name }).await.unwrap();
}

/// Deletes a key of HSM `local`.
pub(crate) async fn delete(client: &mut Client, key: &str) {
    client.keys.delete_key(pb::DeleteKeyRequest { name: crate::calls::key(key) }).await.unwrap();
}
