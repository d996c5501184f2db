//! A request of each rpc that is understood: what is wrong with others is put into these.

use prost::Message as _;
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::advance_clock_request::Target;

use super::{GUID, HSM, KEY};

/// A request of each rpc that is understood. What is appended to it wins: so one field can be spoiled.
pub(super) fn understood(rpc: &str) -> Vec<u8> {
    let (parent, name) = (HSM.to_owned(), KEY.to_owned());
    let deleted = "hsms/local/deletedKeys/gone".to_owned();
    let (es256, kw) = ("ES256".to_owned(), "A256KW".to_owned());
    let role = format!("hsms/local/roleDefinitions/{GUID}");
    let assignment = format!("hsms/local/roleAssignments/{GUID}");
    let kty = "oct-HSM".to_owned();
    let subscription = format!("subscriptions/{GUID}");
    let group = format!("{subscription}/resourceGroups/dev");
    let hsm = format!("{group}/managedHsms/local");
    let gone = format!("{subscription}/locations/localhost/deletedManagedHsms/gone");
    let policy = format!("{KEY}/rotationPolicy");
    match rpc {
        "CreateKey" => pb::CreateKeyRequest { parent, key_id: "new".to_owned(), kty, ..Default::default() }
            .encode_to_vec(),
        "ImportKey" => {
            let key = Some(pb::ImportKeyMaterial { kty, k: vec![7; 32], ..Default::default() });
            pb::ImportKeyRequest { parent, key_id: "new".to_owned(), key, ..Default::default() }
                .encode_to_vec()
        }
        "GetKey" => pb::GetKeyRequest { name }.encode_to_vec(),
        "ListKeys" => pb::ListKeysRequest { parent, ..Default::default() }.encode_to_vec(),
        "ListKeyVersions" => {
            pb::ListKeyVersionsRequest { parent: name, ..Default::default() }.encode_to_vec()
        }
        "UpdateKeyVersion" => {
            let update_mask =
                Some(prost_types::FieldMask { paths: vec!["tags".to_owned(), "key_ops".to_owned()] });
            pb::UpdateKeyVersionRequest { name, update_mask, ..Default::default() }.encode_to_vec()
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
        "GenerateRandomBytes" => pb::GenerateRandomBytesRequest { parent, count: 1 }.encode_to_vec(),
        "ListRoleDefinitions" => pb::ListRoleDefinitionsRequest { parent }.encode_to_vec(),
        "GetRoleDefinition" => pb::GetRoleDefinitionRequest { name: role }.encode_to_vec(),
        "PutRoleDefinition" => {
            let role_definition = Some(pb::RoleDefinition::default());
            let role_definition_id = GUID.to_owned();
            pb::PutRoleDefinitionRequest { parent, role_definition_id, role_definition }.encode_to_vec()
        }
        "DeleteRoleDefinition" => pb::DeleteRoleDefinitionRequest { name: role }.encode_to_vec(),
        "CreateRoleAssignment" => pb::CreateRoleAssignmentRequest {
            parent,
            role_assignment_id: GUID.to_owned(),
            role_definition: GUID.to_owned(),
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
        "CreateManagedHsm" => crate::hsms::creating(&group, "made").encode_to_vec(),
        "GetManagedHsm" => pb::GetManagedHsmRequest { name: hsm }.encode_to_vec(),
        "ListManagedHsms" => {
            pb::ListManagedHsmsRequest { parent: subscription, ..Default::default() }.encode_to_vec()
        }
        "UpdateManagedHsm" => crate::hsms::tagging(hsm, "seen").encode_to_vec(),
        "DeleteManagedHsm" => pb::DeleteManagedHsmRequest { name: hsm }.encode_to_vec(),
        "GetDeletedManagedHsm" => pb::GetDeletedManagedHsmRequest { name: gone }.encode_to_vec(),
        "ListDeletedManagedHsms" => {
            pb::ListDeletedManagedHsmsRequest { parent: subscription, ..Default::default() }.encode_to_vec()
        }
        "RecoverDeletedManagedHsm" => pb::RecoverDeletedManagedHsmRequest { name: gone }.encode_to_vec(),
        "PurgeDeletedManagedHsm" => pb::PurgeDeletedManagedHsmRequest { name: gone }.encode_to_vec(),
        "CheckManagedHsmName" => {
            let managed_hsm_id = "made".to_owned();
            pb::CheckManagedHsmNameRequest { parent: subscription, managed_hsm_id }.encode_to_vec()
        }
        "ActivateManagedHsm" => pb::ActivateManagedHsmRequest { name: parent }.encode_to_vec(),
        "GetSubscription" => {
            pb::GetSubscriptionRequest { name: format!("subscriptions/{GUID}") }.encode_to_vec()
        }
        "GetClock" | "FreezeClock" | "ResumeClock" | "ListSubscriptions" => Vec::new(),
        "AdvanceClock" => {
            let by = prost_types::Duration { seconds: -1, nanos: 0 };
            pb::AdvanceClockRequest { target: Some(Target::By(by)) }.encode_to_vec()
        }
        other => panic!("{other} is new: it needs a request here"),
    }
}

fn secret() -> String {
    "hsms/local/keys/secret".to_owned()
}
