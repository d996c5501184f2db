//! A valid encoded request for each RPC, for tests that iterate over all RPCs.
//!
//! Requests of the data plane succeed on the objects that `roles/fixture.rs` creates.

mod certificates;

use prost::Message as _;
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::advance_clock_request::Target;
use strongroom::model::arm_rbac::ControlAction;
use strongroom::ops::Description;
use strongroom::security_domain::Certificate;

use crate::roles::support::{CRYPTO_USER, definition_request};
use crate::secrets;
use crate::support::{Client, ec, oct};

/// A job that does not exist.
pub(crate) const JOB: &str = "00000000000000000000000000000001";
/// Three certificates for a security domain.
pub(crate) const CERTIFICATES: [&str; 3] = [
    include_str!("../../crates/security-domain/tests/vectors/a.cer"),
    include_str!("../../crates/security-domain/tests/vectors/c.cer"),
    include_str!("../../crates/security-domain/tests/vectors/exchange.pem"),
];
/// A security domain that is encrypted for another HSM.
pub(crate) const RESTORE_BLOB: &str = include_str!("../../crates/security-domain/tests/vectors/blob.json");
/// The HSM of the built-in seed.
pub(crate) const HSM: &str = "hsms/local";
/// A key in it.
pub(crate) const KEY: &str = "hsms/local/keys/sample";
/// A GUID that names nothing in a new HSM.
pub(crate) const GUID: &str = "7d0e8b1e-52c6-4f9c-9d6a-2a53c2a3a001";
/// The GUID of a role assignment that a request creates.
pub(crate) const NEW_GUID: &str = "7d0e8b1e-52c6-4f9c-9d6a-2a53c2a3a002";
/// The subscription of the built-in seed.
pub(crate) const SUBSCRIPTION: &str = "subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5";

/// Creates the keys that requests name: `sample`, `secret`, and the deleted `gone`.
pub(crate) async fn create_keys(client: &mut Client) {
    client.create(ec("sample", "P-256")).await.unwrap();
    client.create(oct("secret", 256)).await.unwrap();
    create_deleted_key(client).await;
}

/// Creates the deleted key that requests name.
pub(crate) async fn create_deleted_key(client: &mut Client) {
    client.create(ec("gone", "P-256")).await.unwrap();
    client.keys.delete_key(pb::DeleteKeyRequest { name: "hsms/local/keys/gone".to_owned() }).await.unwrap();
}

/// Returns a valid encoded request for an RPC. Appended fields override it, so that a test can invalidate one field.
pub(crate) fn valid_request(rpc: &str) -> Vec<u8> {
    let (parent, name) = (HSM.to_owned(), KEY.to_owned());
    let deleted = "hsms/local/deletedKeys/gone".to_owned();
    let (es256, kw) = ("ES256".to_owned(), "A256KW".to_owned());
    let role = format!("hsms/local/roleDefinitions/{GUID}");
    let assignment = format!("hsms/local/roleAssignments/{GUID}");
    let kty = "oct-HSM".to_owned();
    let policy = format!("{KEY}/rotationPolicy");
    let setting = format!("{HSM}/settings/AllowKeyManagementOperationsThroughARM");
    let subscription = SUBSCRIPTION.to_owned();
    let group = format!("{subscription}/resourceGroups/dev");
    let hsm = format!("{group}/managedHsms/local");
    let deleted_hsm = format!("{subscription}/locations/localhost/deletedManagedHsms/gone");
    let vault = format!("{group}/vaults/sample");
    let deleted_vault = format!("{subscription}/locations/localhost/deletedVaults/gone");
    match rpc {
        "CreateKey" => pb::CreateKeyRequest { parent, key_id: "new".to_owned(), kty, ..Default::default() }
            .encode_to_vec(),
        "ImportKey" => {
            let key = Some(pb::ImportKeyMaterial { kty, k: vec![7; 32], ..Default::default() });
            pb::ImportKeyRequest { parent, key_id: "imported".to_owned(), key, ..Default::default() }
                .encode_to_vec()
        }
        "BackupKey" => pb::BackupKeyRequest { name }.encode_to_vec(),
        // Only the service that restores a backup can have made it.
        "RestoreKey" => pb::RestoreKeyRequest { parent, backup: b"none".to_vec() }.encode_to_vec(),
        "GetKey" => pb::GetKeyRequest { name }.encode_to_vec(),
        "ListKeys" => pb::ListKeysRequest { parent, ..Default::default() }.encode_to_vec(),
        "ListKeyVersions" => {
            pb::ListKeyVersionsRequest { parent: name, ..Default::default() }.encode_to_vec()
        }
        "UpdateKeyVersion" => {
            let update_mask =
                Some(prost_types::FieldMask { paths: vec!["tags".to_owned(), "key_ops".to_owned()] });
            let key_ops = vec!["sign".to_owned(), "verify".to_owned()];
            pb::UpdateKeyVersionRequest { name, key_ops, update_mask, ..Default::default() }.encode_to_vec()
        }
        "DeleteKey" => pb::DeleteKeyRequest { name }.encode_to_vec(),
        "RotateKey" => pb::RotateKeyRequest { name }.encode_to_vec(),
        "GetKeyRotationPolicy" => pb::GetKeyRotationPolicyRequest { name: policy }.encode_to_vec(),
        "UpdateKeyRotationPolicy" => {
            let expiry_time = "P1Y".to_owned();
            pb::UpdateKeyRotationPolicyRequest { name: policy, expiry_time, ..Default::default() }
                .encode_to_vec()
        }
        "GetDeletedKey" => pb::GetDeletedKeyRequest { name: deleted }.encode_to_vec(),
        "ListDeletedKeys" => pb::ListDeletedKeysRequest { parent, ..Default::default() }.encode_to_vec(),
        "RecoverDeletedKey" => pb::RecoverDeletedKeyRequest { name: deleted }.encode_to_vec(),
        "PurgeDeletedKey" => pb::PurgeDeletedKeyRequest { name: deleted }.encode_to_vec(),
        "Sign" => pb::SignRequest { name, algorithm: es256, digest: vec![1; 32] }.encode_to_vec(),
        "Verify" => pb::VerifyRequest { name, algorithm: es256, digest: vec![1; 32], signature: vec![1; 64] }
            .encode_to_vec(),
        "Encrypt" => {
            let (algorithm, plaintext, iv) = ("A256CBCPAD".to_owned(), vec![1; 16], vec![2; 16]);
            let name = secret();
            pb::EncryptRequest { name, algorithm, plaintext, iv, ..Default::default() }.encode_to_vec()
        }
        "Decrypt" => pb::DecryptRequest {
            name: secret(),
            algorithm: "A256GCM".to_owned(),
            ciphertext: vec![1; 16],
            iv: vec![2; 12],
            authentication_tag: vec![3; 16],
            ..Default::default()
        }
        .encode_to_vec(),
        "WrapKey" => pb::WrapKeyRequest { name: secret(), algorithm: kw, key: vec![1; 32] }.encode_to_vec(),
        "UnwrapKey" => {
            pb::UnwrapKeyRequest { name: secret(), algorithm: kw, wrapped_key: vec![1; 40] }.encode_to_vec()
        }
        "BatchSign" => {
            let items = vec![pb::SignItem { algorithm: es256, digest: vec![1; 32] }];
            pb::BatchSignRequest { name, items }.encode_to_vec()
        }
        "BatchVerify" => {
            let item = pb::VerifyItem { algorithm: es256, digest: vec![1; 32], signature: vec![1; 64] };
            pb::BatchVerifyRequest { name, items: vec![item] }.encode_to_vec()
        }
        "BatchEncrypt" => {
            let (algorithm, plaintext, iv) = ("A256CBCPAD".to_owned(), vec![1; 16], vec![2; 16]);
            let item = pb::EncryptItem { algorithm, plaintext, iv, ..Default::default() };
            pb::BatchEncryptRequest { name: secret(), items: vec![item] }.encode_to_vec()
        }
        "BatchDecrypt" => {
            let (algorithm, ciphertext, iv) = ("A256CBCPAD".to_owned(), vec![1; 16], vec![2; 16]);
            let item = pb::DecryptItem { algorithm, ciphertext, iv, ..Default::default() };
            pb::BatchDecryptRequest { name: secret(), items: vec![item] }.encode_to_vec()
        }
        "BatchWrapKey" => {
            let items = vec![pb::WrapKeyItem { algorithm: kw, key: vec![1; 32] }];
            pb::BatchWrapKeyRequest { name: secret(), items }.encode_to_vec()
        }
        "BatchUnwrapKey" => {
            let items = vec![pb::UnwrapKeyItem { algorithm: kw, wrapped_key: vec![1; 40] }];
            pb::BatchUnwrapKeyRequest { name: secret(), items }.encode_to_vec()
        }
        "GenerateRandomBytes" => pb::GenerateRandomBytesRequest { parent, count: 1 }.encode_to_vec(),
        "ListRoleDefinitions" => pb::ListRoleDefinitionsRequest { parent }.encode_to_vec(),
        "GetRoleDefinition" => pb::GetRoleDefinitionRequest { name: role }.encode_to_vec(),
        "PutRoleDefinition" => definition_request(GUID, &["keys/*"], &[]).encode_to_vec(),
        "DeleteRoleDefinition" => pb::DeleteRoleDefinitionRequest { name: role }.encode_to_vec(),
        "CreateRoleAssignment" => pb::CreateRoleAssignmentRequest {
            parent,
            role_assignment_id: NEW_GUID.to_owned(),
            role_definition: CRYPTO_USER.to_owned(),
            principal_id: GUID.to_owned(),
            scope: "/keys".to_owned(),
        }
        .encode_to_vec(),
        "GetRoleAssignment" => pb::GetRoleAssignmentRequest { name: assignment }.encode_to_vec(),
        "ListRoleAssignments" => {
            pb::ListRoleAssignmentsRequest { parent, ..Default::default() }.encode_to_vec()
        }
        "DeleteRoleAssignment" => pb::DeleteRoleAssignmentRequest { name: assignment }.encode_to_vec(),
        "CheckAccess" => pb::CheckAccessRequest {
            parent,
            principal_id: GUID.to_owned(),
            action: "keys/sign".to_owned(),
            scope: "/".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        "StartBackup" => pb::StartBackupRequest { name: parent, storage: storage() }.encode_to_vec(),
        "StartBackupCheck" => {
            pb::StartBackupCheckRequest { name: parent, storage: storage() }.encode_to_vec()
        }
        "GetBackupJob" => {
            pb::GetBackupJobRequest { name: format!("{parent}/backupJobs/{JOB}") }.encode_to_vec()
        }
        "ListBackupJobs" => pb::ListBackupJobsRequest { parent }.encode_to_vec(),
        "StartRestore" => {
            pb::StartRestoreRequest { name: parent, storage: storage(), folder: "none".to_owned() }
                .encode_to_vec()
        }
        "StartRestoreCheck" => {
            pb::StartRestoreCheckRequest { name: parent, storage: storage(), folder: "none".to_owned() }
                .encode_to_vec()
        }
        "StartKeyRestore" => {
            pb::StartKeyRestoreRequest { name, storage: storage(), folder: "none".to_owned() }.encode_to_vec()
        }
        "GetRestoreJob" => {
            pb::GetRestoreJobRequest { name: format!("{parent}/restoreJobs/{JOB}") }.encode_to_vec()
        }
        "ListRestoreJobs" => pb::ListRestoreJobsRequest { parent }.encode_to_vec(),
        "WatchBackupJob" => {
            pb::WatchBackupJobRequest { name: format!("{parent}/backupJobs/{JOB}") }.encode_to_vec()
        }
        "WatchRestoreJob" => {
            pb::WatchRestoreJobRequest { name: format!("{parent}/restoreJobs/{JOB}") }.encode_to_vec()
        }
        "DownloadSecurityDomain" => {
            let certificates = CERTIFICATES.map(|pem| Certificate::from_pem(pem).unwrap().der().to_vec());
            pb::DownloadSecurityDomainRequest { name: parent, certificates: certificates.to_vec(), quorum: 2 }
                .encode_to_vec()
        }
        "GetSecurityDomainDownload" => pb::GetSecurityDomainDownloadRequest { name: parent }.encode_to_vec(),
        "GetTransferKey" => pb::GetTransferKeyRequest { name: parent }.encode_to_vec(),
        "UploadSecurityDomain" => {
            let restore_blob = RESTORE_BLOB.to_owned();
            pb::UploadSecurityDomainRequest { name: parent, restore_blob }.encode_to_vec()
        }
        "GetSecurityDomainUpload" => pb::GetSecurityDomainUploadRequest { name: parent }.encode_to_vec(),
        "ListSettings" => pb::ListSettingsRequest { parent }.encode_to_vec(),
        "GetSetting" => pb::GetSettingRequest { name: setting }.encode_to_vec(),
        "UpdateSetting" => {
            pb::UpdateSettingRequest { name: setting, value: "false".to_owned() }.encode_to_vec()
        }
        "GetSubscription" => pb::GetSubscriptionRequest { name: subscription }.encode_to_vec(),
        "UpdateSubscription" => {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["undeletable".to_owned()] });
            pb::UpdateSubscriptionRequest { name: subscription, undeletable: true, update_mask }
                .encode_to_vec()
        }
        "CreateResourceGroup" => {
            let (resource_group_id, location) = ("made".to_owned(), "localhost".to_owned());
            let tags = std::collections::HashMap::new();
            pb::CreateResourceGroupRequest { parent: subscription, resource_group_id, location, tags }
                .encode_to_vec()
        }
        "UpdateResourceGroup" => {
            let name = format!("{subscription}/resourceGroups/dev");
            let update_mask = Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] });
            pb::UpdateResourceGroupRequest { name, update_mask, ..Default::default() }.encode_to_vec()
        }
        "GetResourceGroup" => {
            pb::GetResourceGroupRequest { name: format!("{subscription}/resourceGroups/dev") }.encode_to_vec()
        }
        "ListResourceGroups" => pb::ListResourceGroupsRequest { parent: subscription }.encode_to_vec(),
        "DeleteResourceGroup" => {
            let name = format!("{subscription}/resourceGroups/dev");
            pb::DeleteResourceGroupRequest { name }.encode_to_vec()
        }
        "ListLocations" => pb::ListLocationsRequest { parent: subscription }.encode_to_vec(),
        "ListControlRoleDefinitions" => {
            pb::ListControlRoleDefinitionsRequest { parent: subscription }.encode_to_vec()
        }
        "GetControlRoleDefinition" => {
            let name = format!("{subscription}/roleDefinitions/{GUID}");
            pb::GetControlRoleDefinitionRequest { name }.encode_to_vec()
        }
        "PutControlRoleDefinition" => pb::PutControlRoleDefinitionRequest {
            parent: subscription.clone(),
            role_definition_id: GUID.to_owned(),
            role_definition: Some(pb::RoleDefinition {
                role_name: "custom".to_owned(),
                assignable_scopes: vec![format!("/{subscription}")],
                ..Default::default()
            }),
        }
        .encode_to_vec(),
        "DeleteControlRoleDefinition" => {
            let name = format!("{subscription}/roleDefinitions/{GUID}");
            pb::DeleteControlRoleDefinitionRequest { name }.encode_to_vec()
        }
        "CreateControlRoleAssignment" => pb::CreateControlRoleAssignmentRequest {
            parent: subscription,
            role_assignment_id: GUID.to_owned(),
            role_definition: GUID.to_owned(),
            principal_id: GUID.to_owned(),
        }
        .encode_to_vec(),
        "GetControlRoleAssignment" => {
            let name = format!("{subscription}/roleAssignments/{GUID}");
            pb::GetControlRoleAssignmentRequest { name }.encode_to_vec()
        }
        "ListControlRoleAssignments" => {
            pb::ListControlRoleAssignmentsRequest { parent: subscription, ..Default::default() }
                .encode_to_vec()
        }
        "DeleteControlRoleAssignment" => {
            let name = format!("{subscription}/roleAssignments/{GUID}");
            pb::DeleteControlRoleAssignmentRequest { name }.encode_to_vec()
        }
        "CheckControlAccess" => pb::CheckControlAccessRequest {
            parent: subscription,
            principal_id: GUID.to_owned(),
            action: "Microsoft.KeyVault/managedHSMs/read".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        "CreateManagedHsm" => crate::hsms::create_request(&group, "made").encode_to_vec(),
        "GetManagedHsm" => pb::GetManagedHsmRequest { name: hsm }.encode_to_vec(),
        "ListManagedHsms" => {
            pb::ListManagedHsmsRequest { parent: subscription, ..Default::default() }.encode_to_vec()
        }
        "UpdateManagedHsm" => crate::hsms::tag_request(hsm, "seen").encode_to_vec(),
        "DeleteManagedHsm" => pb::DeleteManagedHsmRequest { name: hsm }.encode_to_vec(),
        "GetDeletedManagedHsm" => pb::GetDeletedManagedHsmRequest { name: deleted_hsm }.encode_to_vec(),
        "ListDeletedManagedHsms" => {
            pb::ListDeletedManagedHsmsRequest { parent: subscription, ..Default::default() }.encode_to_vec()
        }
        "RecoverDeletedManagedHsm" => {
            pb::RecoverDeletedManagedHsmRequest { name: deleted_hsm }.encode_to_vec()
        }
        "PurgeDeletedManagedHsm" => pb::PurgeDeletedManagedHsmRequest { name: deleted_hsm }.encode_to_vec(),
        "CheckManagedHsmName" => {
            let managed_hsm_id = "made".to_owned();
            pb::CheckManagedHsmNameRequest { parent: subscription, managed_hsm_id }.encode_to_vec()
        }
        "CreateVault" => crate::vaults::create_request(&group, "made").encode_to_vec(),
        "GetVault" => pb::GetVaultRequest { name: vault }.encode_to_vec(),
        "ListVaults" => pb::ListVaultsRequest { parent: subscription, ..Default::default() }.encode_to_vec(),
        "UpdateVault" => crate::vaults::tag_request(vault, "seen").encode_to_vec(),
        "UpdateVaultAccessPolicies" => {
            let (name, change) = (vault, "add".to_owned());
            pb::UpdateVaultAccessPoliciesRequest { name, change, access_policies: Vec::new() }.encode_to_vec()
        }
        "DeleteVault" => pb::DeleteVaultRequest { name: vault }.encode_to_vec(),
        "GetDeletedVault" => pb::GetDeletedVaultRequest { name: deleted_vault }.encode_to_vec(),
        "ListDeletedVaults" => {
            pb::ListDeletedVaultsRequest { parent: subscription, ..Default::default() }.encode_to_vec()
        }
        "RecoverDeletedVault" => pb::RecoverDeletedVaultRequest { name: deleted_vault }.encode_to_vec(),
        "PurgeDeletedVault" => pb::PurgeDeletedVaultRequest { name: deleted_vault }.encode_to_vec(),
        "CheckVaultName" => {
            pb::CheckVaultNameRequest { parent: subscription, vault_id: "made".to_owned() }.encode_to_vec()
        }
        "CheckVaultAccess" => pb::CheckVaultAccessRequest {
            name: vault,
            principal_id: GUID.to_owned(),
            action: "secrets/get".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        "SetSecret" => secrets::set_request("new", "a value").encode_to_vec(),
        "GetSecret" => pb::GetSecretRequest { name: secrets::secret("sample") }.encode_to_vec(),
        "ListSecrets" => {
            pb::ListSecretsRequest { parent: secrets::VAULT.to_owned(), ..Default::default() }.encode_to_vec()
        }
        "ListSecretVersions" => {
            let parent = secrets::secret("sample");
            pb::ListSecretVersionsRequest { parent, ..Default::default() }.encode_to_vec()
        }
        "UpdateSecretVersion" => {
            let paths = ["content_type", "tags", "attributes.enabled"].map(str::to_owned).to_vec();
            pb::UpdateSecretVersionRequest {
                update_mask: Some(prost_types::FieldMask { paths }),
                ..secrets::enable_request(&secrets::secret("sample"), true)
            }
            .encode_to_vec()
        }
        "BackupSecret" => pb::BackupSecretRequest { name: secrets::secret("sample") }.encode_to_vec(),
        // Only the service that restores a backup can have made it.
        "RestoreSecret" => {
            let parent = secrets::VAULT.to_owned();
            pb::RestoreSecretRequest { parent, backup: b"none".to_vec() }.encode_to_vec()
        }
        "DeleteSecret" => pb::DeleteSecretRequest { name: secrets::secret("sample") }.encode_to_vec(),
        "GetDeletedSecret" => {
            pb::GetDeletedSecretRequest { name: secrets::deleted_secret("gone") }.encode_to_vec()
        }
        "ListDeletedSecrets" => {
            let parent = secrets::VAULT.to_owned();
            pb::ListDeletedSecretsRequest { parent, ..Default::default() }.encode_to_vec()
        }
        "RecoverDeletedSecret" => {
            pb::RecoverDeletedSecretRequest { name: secrets::deleted_secret("gone") }.encode_to_vec()
        }
        "PurgeDeletedSecret" => {
            pb::PurgeDeletedSecretRequest { name: secrets::deleted_secret("gone") }.encode_to_vec()
        }
        "ActivateManagedHsm" => pb::ActivateManagedHsmRequest { name: parent }.encode_to_vec(),
        "GetStatement" => {
            pb::GetStatementRequest { parent: subscription, ..Default::default() }.encode_to_vec()
        }
        "GetForecast" => {
            let name = format!("{subscription}/resourceGroups/dev/managedHsms/local");
            pb::GetForecastRequest { name, ..Default::default() }.encode_to_vec()
        }
        "CreateBudget" => {
            let (budget_id, amount) = ("made".to_owned(), "1".to_owned());
            pb::CreateBudgetRequest { parent: subscription, budget_id, amount }.encode_to_vec()
        }
        "GetBudget" => pb::GetBudgetRequest { name: format!("{subscription}/budgets/made") }.encode_to_vec(),
        "ListBudgets" => pb::ListBudgetsRequest { parent: subscription }.encode_to_vec(),
        "DeleteBudget" => {
            pb::DeleteBudgetRequest { name: format!("{subscription}/budgets/made") }.encode_to_vec()
        }
        "ListUsage" => pb::ListUsageRequest { parent: subscription, ..Default::default() }.encode_to_vec(),
        "ExportUsage" => {
            let format = "csv".to_owned();
            pb::ExportUsageRequest { parent: subscription, format, ..Default::default() }.encode_to_vec()
        }
        "WatchLifecycle" => watching(&parent).encode_to_vec(),
        "ListAuditRecords" => {
            pb::ListAuditRecordsRequest { parent: subscription, ..Default::default() }.encode_to_vec()
        }
        "WatchAuditRecords" => {
            pb::WatchAuditRecordsRequest { parent: subscription, until_now: true, ..Default::default() }
                .encode_to_vec()
        }
        "ListTokenStates" => pb::ListTokenStatesRequest { parent: subscription }.encode_to_vec(),
        "GetClock" | "FreezeClock" | "ResumeClock" | "ReleaseClock" | "ListSubscriptions" => Vec::new(),
        "AdvanceClock" => {
            let by = prost_types::Duration { seconds: -1, nanos: 0 };
            pb::AdvanceClockRequest { target: Some(Target::By(by)), ..Default::default() }.encode_to_vec()
        }
        other => certificates::valid_request(other)
            .unwrap_or_else(|| panic!("add a request for the new RPC {other}")),
    }
}

/// Returns an encoded request for an operation. One RPC may serve several operations with different actions.
pub(crate) fn operation_request(operation: &Description) -> Vec<u8> {
    match (operation.name, operation.control_action) {
        ("WatchLifecycle", Some(ControlAction::BudgetRead)) => {
            watching(&format!("{SUBSCRIPTION}/budgets")).encode_to_vec()
        }
        ("WatchLifecycle", Some(ControlAction::VaultRead)) => {
            watching(&format!("{SUBSCRIPTION}/vaults")).encode_to_vec()
        }
        ("WatchLifecycle", Some(_)) => watching(SUBSCRIPTION).encode_to_vec(),
        (name, _) => valid_request(name),
    }
}

/// Returns a request for all past events.
pub(crate) fn watching(parent: &str) -> pb::WatchLifecycleRequest {
    let (parent, resume_token) = (parent.to_owned(), "0".to_owned());
    pb::WatchLifecycleRequest { parent, resume_token, until_now: true }
}

fn storage() -> Option<pb::BackupStorage> {
    Some(pb::BackupStorage { uri: "file:///nightly".to_owned(), ..Default::default() })
}

fn secret() -> String {
    "hsms/local/keys/secret".to_owned()
}
