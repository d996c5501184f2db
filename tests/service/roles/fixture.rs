//! The objects on which every data-plane request succeeds if it is authorized, and the undoing of each request.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use strongroom::api::grpc::pb;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::support::{CRYPTO_USER, assignment_name, assignment_request, definition_request};
use crate::calls::{decrypt_request, key};
use crate::full_backups::{directory, finished};
use crate::key_backups::{backup, remove};
use crate::raw;
use crate::requests::{GUID, HSM, NEW_GUID, create_deleted_key, create_keys, valid_request};
use crate::support::{Client, Server, ec, reason};

/// The scope of the role assignment that requests name.
const ASSIGNED: &str = "/keys/sample";

/// A principal that makes calls.
pub(super) struct Caller {
    channel: Channel,
    authorization: String,
}

impl Caller {
    pub(super) async fn authenticated(server: &Server, channel: &Channel, principal: &str) -> Self {
        let authorization = format!("Bearer {}", server.access_token(principal).await);
        Self { channel: channel.clone(), authorization }
    }
}

/// The objects on which calls act.
pub(super) struct Fixture {
    /// A client with all permissions, which creates and restores the objects.
    admin: Client,
    /// The path of each RPC.
    paths: BTreeMap<String, String>,
    /// The backup of a key that was purged.
    pub(super) backup: Vec<u8>,
    pub(super) sealed: pb::EncryptResponse,
    pub(super) wrapped: pb::WrapKeyResponse,
}

/// Returns the scope at which a role must grant the operation.
pub(super) fn scope(operation: &str) -> &'static str {
    match operation {
        "CreateKey" => "/keys/new",
        "ImportKey" => "/keys/imported",
        "Encrypt" | "Decrypt" | "WrapKey" | "UnwrapKey" => "/keys/secret",
        "BatchEncrypt" | "BatchDecrypt" | "BatchWrapKey" | "BatchUnwrapKey" => "/keys/secret",
        "GetDeletedKey" | "RecoverDeletedKey" | "PurgeDeletedKey" => "/keys/gone",
        "ListKeys" | "ListDeletedKeys" | "RestoreKey" | "WatchLifecycle" | "CreateRoleAssignment" => "/keys",
        "ListRoleDefinitions" | "GetRoleDefinition" | "PutRoleDefinition" | "DeleteRoleDefinition" => "/",
        "GenerateRandomBytes" | "ActivateManagedHsm" | "ListRoleAssignments" | "CheckAccess" => "/",
        "ListSettings" | "GetSetting" | "UpdateSetting" => "/",
        "DownloadSecurityDomain" | "GetSecurityDomainDownload" | "GetTransferKey" => "/",
        "UploadSecurityDomain" | "GetSecurityDomainUpload" => "/",
        "StartBackup" | "StartBackupCheck" | "GetBackupJob" | "WatchBackupJob" => "/",
        "ListBackupJobs" | "ListRestoreJobs" => "/",
        "StartRestore" | "StartRestoreCheck" | "StartKeyRestore" | "GetRestoreJob" | "WatchRestoreJob" => "/",
        "GetRoleAssignment" | "DeleteRoleAssignment" => ASSIGNED,
        // The others act on a key.
        _ => "/keys/sample",
    }
}

/// Decodes a valid request, to send it with a generated client.
fn decoded<M: prost::Message + Default>(rpc: &str) -> M {
    M::decode(&valid_request(rpc)[..]).unwrap()
}

fn role_assignment() -> pb::CreateRoleAssignmentRequest {
    pb::CreateRoleAssignmentRequest {
        role_assignment_id: GUID.to_owned(),
        ..assignment_request(CRYPTO_USER, GUID, ASSIGNED)
    }
}

impl Fixture {
    /// Creates the objects on which calls act.
    pub(super) async fn create(mut admin: Client) -> Self {
        create_keys(&mut admin).await;
        crate::rotation::set(&mut admin, "sample", "P1Y", Vec::new()).await.unwrap();
        admin.access.put_role_definition(definition_request(GUID, &["keys/*"], &[])).await.unwrap();
        admin.access.create_role_assignment(role_assignment()).await.unwrap();
        admin.create(ec("restored", "P-256")).await.unwrap();
        let backup = backup(&mut admin, "restored").await.unwrap();
        remove(&mut admin, "restored").await;
        let sealed = admin.crypto.encrypt(decoded::<pb::EncryptRequest>("Encrypt")).await.unwrap();
        let wrapped = admin.crypto.wrap_key(decoded::<pb::WrapKeyRequest>("WrapKey")).await.unwrap();
        let paths = raw::rpcs().into_iter().map(|rpc| (rpc.name, rpc.path)).collect();
        Self { admin, paths, backup, sealed: sealed.into_inner(), wrapped: wrapped.into_inner() }
    }

    /// Returns a request that succeeds if it is authorized.
    fn request(&self, operation: &str) -> Vec<u8> {
        match operation {
            "Decrypt" => decrypt_request(self.sealed.clone()).encode_to_vec(),
            "RestoreKey" => {
                let (parent, backup) = (HSM.to_owned(), self.backup.clone());
                pb::RestoreKeyRequest { parent, backup }.encode_to_vec()
            }
            "UnwrapKey" => {
                let pb::WrapKeyResponse { name, algorithm, wrapped_key } = self.wrapped.clone();
                pb::UnwrapKeyRequest { name, algorithm, wrapped_key }.encode_to_vec()
            }
            operation => valid_request(operation),
        }
    }

    /// Makes the call.
    pub(super) async fn call(&self, caller: &Caller, operation: &str) -> Result<(), Status> {
        let headers = [("authorization", caller.authorization.as_str())];
        let body = raw::frame(&self.request(operation));
        let status = raw::send(&caller.channel, &self.paths[operation], &headers, body).await.status;
        // An active HSM has no transfer key and takes no other domain, and there is no job with the id of the request;
        // this is checked after the authorization.
        let is_done = status.code() == Code::Ok
            || ["HSM_ALREADY_ACTIVATED", "BACKUP_JOB_NOT_FOUND"].contains(&reason(&status).as_str());
        if is_done { Ok(()) } else { Err(status) }
    }

    /// Undoes a successful call, so that the next one finds the same state.
    pub(super) async fn restore(&self, operation: &str) {
        let mut admin = self.admin.clone();
        match operation {
            "DeleteKey" => {
                let request =
                    pb::RecoverDeletedKeyRequest { name: "hsms/local/deletedKeys/sample".to_owned() };
                admin.keys.recover_deleted_key(request).await.unwrap();
            }
            "RecoverDeletedKey" => {
                admin.keys.delete_key(pb::DeleteKeyRequest { name: key("gone") }).await.unwrap();
            }
            "PurgeDeletedKey" => create_deleted_key(&mut admin).await,
            "RestoreKey" => remove(&mut admin, "restored").await,
            "DeleteRoleDefinition" => {
                let request = definition_request(GUID, &["keys/*"], &[]);
                admin.access.put_role_definition(request).await.unwrap();
            }
            "CreateRoleAssignment" => {
                let request = pb::DeleteRoleAssignmentRequest { name: assignment_name(NEW_GUID) };
                admin.access.delete_role_assignment(request).await.unwrap();
            }
            "DeleteRoleAssignment" => {
                admin.access.create_role_assignment(role_assignment()).await.unwrap();
            }
            // The next job is refused until this one has ended, and after `StartRestore` all other calls are.
            operation if operation.starts_with("Start") => {
                let request = pb::StartBackupCheckRequest { name: HSM.to_owned(), storage: directory() };
                let job = loop {
                    match admin.backups.start_backup_check(request.clone()).await {
                        Ok(job) => break job.into_inner(),
                        Err(status) => {
                            assert!(reason(&status).ends_with("_RUNNING"), "{status:?}");
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                };
                finished(&mut admin, job).await;
            }
            // The others change nothing, or may be repeated.
            _ => {}
        }
    }
}
