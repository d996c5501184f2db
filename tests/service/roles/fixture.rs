//! A fixture with one call of every data-plane operation that succeeds if it is authorized, and with the undoing of each.

use strongroom::api::grpc::pb;
use tonic::Status;

use super::support::{
    CRYPTO_USER, HSM, assignment_name, assignment_request, data_action, definition_name, definition_request,
    guid,
};
use crate::support::{Client, ec, oct};

/// The principal of the role assignments; it makes no calls.
pub(super) const ASSIGNEE: u32 = 9_000;
/// Custom roles: one that is deleted, and one that is replaced.
pub(super) const DELETED_ROLE: u32 = 9_001;
pub(super) const WRITTEN_ROLE: u32 = 9_002;
/// Role assignments: one that is read, one that is created, and one that is deleted.
pub(super) const READ_ASSIGNMENT: u32 = 9_003;
pub(super) const MADE_ASSIGNMENT: u32 = 9_004;
pub(super) const DELETED_ASSIGNMENT: u32 = 9_005;

/// A setting of the HSM.
pub(super) const SETTING: &str = "AllowKeyManagementOperationsThroughARM";

/// The objects on which calls act.
pub(super) struct Fixture {
    /// A client with all permissions, which creates and restores the objects.
    admin: Client,
    pub(super) signature: Vec<u8>,
    pub(super) sealed: pb::EncryptResponse,
    pub(super) wrapped: Vec<u8>,
}

fn key(name: &str) -> String {
    format!("{HSM}/keys/{name}")
}

fn deleted(name: &str) -> String {
    format!("{HSM}/deletedKeys/{name}")
}

fn setting() -> String {
    format!("{HSM}/settings/{SETTING}")
}

fn role_assignment(number: u32, scope: &str) -> pb::CreateRoleAssignmentRequest {
    pb::CreateRoleAssignmentRequest {
        role_assignment_id: guid(number),
        ..assignment_request(CRYPTO_USER, &guid(ASSIGNEE), scope)
    }
}

fn signing() -> pb::SignRequest {
    pb::SignRequest { name: key("signing"), algorithm: "ES256".to_owned(), digest: vec![7; 32] }
}

fn sealing() -> pb::EncryptRequest {
    let algorithm = "A256GCM".to_owned();
    pb::EncryptRequest {
        name: key("sealing"),
        algorithm,
        plaintext: b"secret".to_vec(),
        ..Default::default()
    }
}

fn wrapping() -> pb::WrapKeyRequest {
    pb::WrapKeyRequest { name: key("sealing"), algorithm: "A256KW".to_owned(), key: vec![9; 32] }
}

/// Returns the scope at which a role must grant the operation, as [`Stage::call`] calls it.
pub(super) fn scope(operation: &str) -> &'static str {
    match operation {
        "CreateKey" => "/keys/made",
        "ImportKey" => "/keys/imported",
        "GetKey" | "ListKeyVersions" | "UpdateKeyVersion" | "Sign" | "Verify" => "/keys/signing",
        "RotateKey" | "GetKeyRotationPolicy" | "UpdateKeyRotationPolicy" => "/keys/rotated",
        "Encrypt" | "Decrypt" | "WrapKey" | "UnwrapKey" => "/keys/sealing",
        "ListKeys" | "ListDeletedKeys" | "WatchLifecycle" => "/keys",
        "DeleteKey" => "/keys/live",
        "GetDeletedKey" | "RecoverDeletedKey" => "/keys/deleted",
        "PurgeDeletedKey" => "/keys/purged",
        "GenerateRandomBytes" | "ActivateManagedHsm" => "/",
        "ListSettings" | "GetSetting" | "UpdateSetting" => "/",
        "ListRoleDefinitions" | "GetRoleDefinition" | "PutRoleDefinition" | "DeleteRoleDefinition" => "/",
        "ListRoleAssignments" => "/",
        "CreateRoleAssignment" => "/keys/made",
        "GetRoleAssignment" => "/keys/signing",
        "DeleteRoleAssignment" => "/keys/sealing",
        "CheckAccess" => "/keys/signing",
        unknown => panic!("no scope is defined for {unknown}"),
    }
}

impl Fixture {
    /// Creates the objects on which calls act.
    pub(super) async fn create(mut admin: Client) -> Self {
        for name in ["signing", "live", "rotated", "deleted", "purged"] {
            admin.create(ec(name, "P-256")).await.unwrap();
        }
        admin.create(oct("sealing", 256)).await.unwrap();
        crate::rotation::set(&mut admin, "rotated", "P1Y", Vec::new()).await.unwrap();
        for name in ["deleted", "purged"] {
            admin.keys.delete_key(pb::DeleteKeyRequest { name: key(name) }).await.unwrap();
        }
        for role in [DELETED_ROLE, WRITTEN_ROLE] {
            admin
                .access
                .put_role_definition(definition_request(&guid(role), &["keys/*"], &[]))
                .await
                .unwrap();
        }
        for (number, operation) in
            [(READ_ASSIGNMENT, "GetRoleAssignment"), (DELETED_ASSIGNMENT, "DeleteRoleAssignment")]
        {
            admin.access.create_role_assignment(role_assignment(number, scope(operation))).await.unwrap();
        }
        let signature = admin.crypto.sign(signing()).await.unwrap().into_inner().signature;
        let sealed = admin.crypto.encrypt(sealing()).await.unwrap().into_inner();
        let wrapped = admin.crypto.wrap_key(wrapping()).await.unwrap().into_inner().wrapped_key;
        Self { admin, signature, sealed, wrapped }
    }

    /// Makes the call as `client`.
    pub(super) async fn call(&self, client: &Client, operation: &str) -> Result<(), Status> {
        let Client { mut keys, mut crypto, mut access, mut hsms, mut lifecycle, mut settings, .. } =
            client.clone();
        let parent = || HSM.to_owned();
        match operation {
            "CreateKey" => {
                let request = pb::CreateKeyRequest { parent: parent(), ..ec("made", "P-256") };
                keys.create_key(request).await.map(drop)
            }
            "ImportKey" => {
                let material =
                    pb::ImportKeyMaterial { kty: "oct-HSM".to_owned(), k: vec![5; 32], ..Default::default() };
                let key_id = "imported".to_owned();
                let request = pb::ImportKeyRequest {
                    parent: parent(),
                    key_id,
                    key: Some(material),
                    ..Default::default()
                };
                keys.import_key(request).await.map(drop)
            }
            "GetKey" => keys.get_key(pb::GetKeyRequest { name: key("signing") }).await.map(drop),
            "ListKeys" => {
                keys.list_keys(pb::ListKeysRequest { parent: parent(), ..Default::default() }).await.map(drop)
            }
            "ListKeyVersions" => {
                let request = pb::ListKeyVersionsRequest { parent: key("signing"), ..Default::default() };
                keys.list_key_versions(request).await.map(drop)
            }
            "UpdateKeyVersion" => {
                let request = pb::UpdateKeyVersionRequest {
                    name: key("signing"),
                    tags: [("seen".to_owned(), "yes".to_owned())].into(),
                    update_mask: Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] }),
                    ..Default::default()
                };
                keys.update_key_version(request).await.map(drop)
            }
            "RotateKey" => crate::rotation::rotate(&mut client.clone(), "rotated").await.map(drop),
            "GetKeyRotationPolicy" => crate::rotation::get(&mut client.clone(), "rotated").await.map(drop),
            "UpdateKeyRotationPolicy" => {
                crate::rotation::set(&mut client.clone(), "rotated", "P1Y", Vec::new()).await.map(drop)
            }
            "DeleteKey" => keys.delete_key(pb::DeleteKeyRequest { name: key("live") }).await.map(drop),
            "GetDeletedKey" => {
                keys.get_deleted_key(pb::GetDeletedKeyRequest { name: deleted("deleted") }).await.map(drop)
            }
            "ListDeletedKeys" => {
                let request = pb::ListDeletedKeysRequest { parent: parent(), ..Default::default() };
                keys.list_deleted_keys(request).await.map(drop)
            }
            "RecoverDeletedKey" => {
                let request = pb::RecoverDeletedKeyRequest { name: deleted("deleted") };
                keys.recover_deleted_key(request).await.map(drop)
            }
            "PurgeDeletedKey" => {
                let request = pb::PurgeDeletedKeyRequest { name: deleted("purged") };
                keys.purge_deleted_key(request).await.map(drop)
            }
            "Sign" => crypto.sign(signing()).await.map(drop),
            "Verify" => {
                let pb::SignRequest { name, algorithm, digest } = signing();
                let signature = self.signature.clone();
                let verified =
                    crypto.verify(pb::VerifyRequest { name, algorithm, digest, signature }).await?;
                assert!(verified.into_inner().valid);
                Ok(())
            }
            "Encrypt" => crypto.encrypt(sealing()).await.map(drop),
            "Decrypt" => {
                let sealed = self.sealed.clone();
                let request = pb::DecryptRequest {
                    name: sealed.name,
                    algorithm: sealed.algorithm,
                    ciphertext: sealed.ciphertext,
                    iv: sealed.iv,
                    authentication_tag: sealed.authentication_tag,
                    additional_authenticated_data: Vec::new(),
                };
                crypto.decrypt(request).await.map(drop)
            }
            "WrapKey" => crypto.wrap_key(wrapping()).await.map(drop),
            "UnwrapKey" => {
                let pb::WrapKeyRequest { name, algorithm, .. } = wrapping();
                let wrapped_key = self.wrapped.clone();
                crypto.unwrap_key(pb::UnwrapKeyRequest { name, algorithm, wrapped_key }).await.map(drop)
            }
            "GenerateRandomBytes" => {
                let request = pb::GenerateRandomBytesRequest { parent: parent(), count: 16 };
                crypto.generate_random_bytes(request).await.map(drop)
            }
            "ListRoleDefinitions" => {
                let request = pb::ListRoleDefinitionsRequest { parent: parent() };
                access.list_role_definitions(request).await.map(drop)
            }
            "GetRoleDefinition" => {
                let request = pb::GetRoleDefinitionRequest { name: definition_name(CRYPTO_USER) };
                access.get_role_definition(request).await.map(drop)
            }
            "PutRoleDefinition" => {
                let request = definition_request(&guid(WRITTEN_ROLE), &["keys/*"], &[]);
                access.put_role_definition(request).await.map(drop)
            }
            "DeleteRoleDefinition" => {
                let request = pb::DeleteRoleDefinitionRequest { name: definition_name(&guid(DELETED_ROLE)) };
                access.delete_role_definition(request).await.map(drop)
            }
            "CreateRoleAssignment" => {
                let request = role_assignment(MADE_ASSIGNMENT, scope(operation));
                access.create_role_assignment(request).await.map(drop)
            }
            "GetRoleAssignment" => {
                let request = pb::GetRoleAssignmentRequest { name: assignment_name(&guid(READ_ASSIGNMENT)) };
                access.get_role_assignment(request).await.map(drop)
            }
            "ListRoleAssignments" => {
                let request = pb::ListRoleAssignmentsRequest { parent: parent(), ..Default::default() };
                access.list_role_assignments(request).await.map(drop)
            }
            "DeleteRoleAssignment" => {
                let request =
                    pb::DeleteRoleAssignmentRequest { name: assignment_name(&guid(DELETED_ASSIGNMENT)) };
                access.delete_role_assignment(request).await.map(drop)
            }
            "CheckAccess" => {
                let request = pb::CheckAccessRequest {
                    parent: parent(),
                    principal_id: guid(ASSIGNEE),
                    action: data_action("keys/sign/action"),
                    scope: scope(operation).to_owned(),
                    ..Default::default()
                };
                access.check_access(request).await.map(drop)
            }
            "ListSettings" => {
                settings.list_settings(pb::ListSettingsRequest { parent: parent() }).await.map(drop)
            }
            "GetSetting" => settings.get_setting(pb::GetSettingRequest { name: setting() }).await.map(drop),
            "UpdateSetting" => {
                let request = pb::UpdateSettingRequest { name: setting(), value: "true".to_owned() };
                settings.update_setting(request).await.map(drop)
            }
            "ActivateManagedHsm" => {
                let request = pb::ActivateManagedHsmRequest { name: HSM.to_owned() };
                hsms.activate_managed_hsm(request).await.map(drop)
            }
            "WatchLifecycle" => {
                let request =
                    pb::WatchLifecycleRequest { parent: parent(), until_now: true, ..Default::default() };
                lifecycle.watch_lifecycle(request).await.map(drop)
            }
            unknown => panic!("no request is defined for {unknown}"),
        }
    }

    /// Undoes a successful call, so that the next one finds the same state.
    pub(super) async fn restore(&self, operation: &str) {
        let Client { mut keys, mut access, .. } = self.admin.clone();
        match operation {
            "DeleteKey" => {
                let request = pb::RecoverDeletedKeyRequest { name: deleted("live") };
                keys.recover_deleted_key(request).await.unwrap();
            }
            "RecoverDeletedKey" => {
                keys.delete_key(pb::DeleteKeyRequest { name: key("deleted") }).await.unwrap();
            }
            "PurgeDeletedKey" => {
                self.admin.clone().create(ec("purged", "P-256")).await.unwrap();
                keys.delete_key(pb::DeleteKeyRequest { name: key("purged") }).await.unwrap();
            }
            "DeleteRoleDefinition" => {
                let request = definition_request(&guid(DELETED_ROLE), &["keys/*"], &[]);
                access.put_role_definition(request).await.unwrap();
            }
            "CreateRoleAssignment" => {
                let request =
                    pb::DeleteRoleAssignmentRequest { name: assignment_name(&guid(MADE_ASSIGNMENT)) };
                access.delete_role_assignment(request).await.unwrap();
            }
            "DeleteRoleAssignment" => {
                let request = role_assignment(DELETED_ASSIGNMENT, scope(operation));
                access.create_role_assignment(request).await.unwrap();
            }
            // The others change nothing, or may be repeated.
            _ => {}
        }
    }
}
