//! The matrix over REST: every built-in role with every operation that Azure's REST surface has.

use base64::Engine as _;
use serde_json::{Value, json};
use strongroom::security_domain::Certificate;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::built_in_roles;
use super::fixture::{Fixture, scope};
use super::matrix::local_rbac_operations;
use super::support::{CRYPTO_USER, data_action};
use crate::requests::{CERTIFICATES, GUID, JOB, NEW_GUID, RESTORE_BLOB};
use crate::rest::client::{Rest, RestResponse, base64url};
use crate::support::Client;

/// Operations that Azure's REST surface does not have.
const GRPC_ONLY: [&str; 13] = [
    "CheckAccess",
    "ActivateManagedHsm",
    "WatchLifecycle",
    "ListBackupJobs",
    "ListRestoreJobs",
    "WatchBackupJob",
    "WatchRestoreJob",
    "BatchSign",
    "BatchVerify",
    "BatchEncrypt",
    "BatchDecrypt",
    "BatchWrapKey",
    "BatchUnwrapKey",
];

const SETTING: &str = "/settings/AllowKeyManagementOperationsThroughARM";
const DEFINITIONS: &str = "/providers/Microsoft.Authorization/roleDefinitions";
const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments";

/// Returns a request for the security domain, as Azure's clients send it.
fn download_request() -> Value {
    let jwk = |pem: &str| {
        let certificate = Certificate::from_pem(pem).unwrap();
        let (_, parsed) = X509Certificate::from_der(certificate.der()).unwrap();
        let Ok(PublicKey::RSA(key)) = parsed.public_key().parsed() else { panic!("an RSA key") };
        let number = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            base64url(&bytes[zeros..])
        };
        let x5c = base64::engine::general_purpose::STANDARD.encode(certificate.der());
        json!({"kty": "RSA", "n": number(key.modulus), "e": number(key.exponent), "x5c": [x5c]})
    };
    json!({"certificates": CERTIFICATES.map(jwk), "required": 2})
}

impl Fixture {
    /// Makes the call of [`Fixture::call`] over REST.
    async fn call_rest(&self, client: &Rest, operation: &str) -> RestResponse {
        let es256 = |value: &[u8]| json!({"alg": "ES256", "value": base64url(value)});
        let kw = |value: &[u8]| json!({"alg": "A256KW", "value": base64url(value)});
        let storage = json!({"storageResourceUri": "file:///nightly"});
        let restore = json!({"sasTokenParameters": storage.clone(), "folderToRestore": "none"});
        match operation {
            "CreateKey" => client.post("/keys/new/create", json!({"kty": "EC-HSM"})).await,
            "ImportKey" => {
                let key = json!({"kty": "oct-HSM", "k": base64url(&[5; 32])});
                client.put("/keys/imported", json!({"key": key})).await
            }
            "BackupKey" => client.post("/keys/sample/backup", Value::Null).await,
            "RestoreKey" => client.post("/keys/restore", json!({"value": base64url(&self.backup)})).await,
            "GetKey" => client.get("/keys/sample").await,
            "ListKeys" => client.get("/keys").await,
            "ListKeyVersions" => client.get("/keys/sample/versions").await,
            "UpdateKeyVersion" => client.patch("/keys/sample/", json!({"tags": {"seen": "yes"}})).await,
            "RotateKey" => client.post("/keys/sample/rotate", Value::Null).await,
            "GetKeyRotationPolicy" => client.get("/keys/sample/rotationpolicy").await,
            "UpdateKeyRotationPolicy" => {
                client.put("/keys/sample/rotationpolicy", json!({"attributes": {"expiryTime": "P1Y"}})).await
            }
            "DeleteKey" => client.delete("/keys/sample").await,
            "GetDeletedKey" => client.get("/deletedkeys/gone").await,
            "ListDeletedKeys" => client.get("/deletedkeys").await,
            "RecoverDeletedKey" => client.post("/deletedkeys/gone/recover", Value::Null).await,
            "PurgeDeletedKey" => client.delete("/deletedkeys/gone").await,
            "Sign" => client.post("/keys/sample/sign", es256(&[7; 32])).await,
            "Verify" => {
                let mut body = es256(&[1; 64]);
                body["digest"] = base64url(&[7; 32]).into();
                client.post("/keys/sample/verify", body).await
            }
            "Encrypt" => {
                client
                    .post("/keys/secret/encrypt", json!({"alg": "A256GCM", "value": base64url(b"secret")}))
                    .await
            }
            "Decrypt" => {
                let sealed = &self.sealed;
                let body = json!({"alg": sealed.algorithm, "value": base64url(&sealed.ciphertext),
                    "iv": base64url(&sealed.iv)});
                client.post("/keys/secret/decrypt", body).await
            }
            "WrapKey" => client.post("/keys/secret/wrapkey", kw(&[9; 32])).await,
            "UnwrapKey" => client.post("/keys/secret/unwrapkey", kw(&self.wrapped.wrapped_key)).await,
            "GenerateRandomBytes" => client.post("/rng", json!({"count": 16})).await,
            "ListRoleDefinitions" => client.get(DEFINITIONS).await,
            "GetRoleDefinition" => client.get(&format!("{DEFINITIONS}/{CRYPTO_USER}")).await,
            "PutRoleDefinition" => {
                let properties =
                    json!({"roleName": "Custom", "permissions": [{"dataActions": [data_action("keys/*")]}]});
                client.put(&format!("{DEFINITIONS}/{GUID}"), json!({"properties": properties})).await
            }
            "DeleteRoleDefinition" => client.delete(&format!("{DEFINITIONS}/{GUID}")).await,
            "CreateRoleAssignment" => {
                let properties = json!({"roleDefinitionId": CRYPTO_USER, "principalId": GUID});
                let path = format!("{}{ASSIGNMENTS}/{NEW_GUID}", scope(operation));
                client.put(&path, json!({"properties": properties})).await
            }
            "GetRoleAssignment" => client.get(&format!("{}{ASSIGNMENTS}/{GUID}", scope(operation))).await,
            "ListRoleAssignments" => client.get(ASSIGNMENTS).await,
            "DeleteRoleAssignment" => {
                client.delete(&format!("{}{ASSIGNMENTS}/{GUID}", scope(operation))).await
            }
            "DownloadSecurityDomain" => client.post("/securitydomain/download", download_request()).await,
            "GetSecurityDomainDownload" => client.get("/securitydomain/download/pending").await,
            "GetTransferKey" => client.get("/securitydomain/upload").await,
            "UploadSecurityDomain" => {
                client.post("/securitydomain/upload", json!({"value": RESTORE_BLOB})).await
            }
            "GetSecurityDomainUpload" => client.get("/securitydomain/upload/pending").await,
            "StartBackup" => client.post("/backup", storage).await,
            "StartBackupCheck" => client.post("/prebackup", storage).await,
            "GetBackupJob" => client.get(&format!("/backup/{JOB}/pending")).await,
            "StartRestore" => client.put("/restore", restore).await,
            "StartRestoreCheck" => client.put("/prerestore", restore).await,
            "StartKeyRestore" => client.put("/keys/sample/restore", restore).await,
            "GetRestoreJob" => client.get(&format!("/restore/{JOB}/pending")).await,
            "ListSettings" => client.get("/settings").await,
            "GetSetting" => client.get(SETTING).await,
            "UpdateSetting" => client.patch(SETTING, json!({"value": "true"})).await,
            unknown => panic!("no REST request is defined for {unknown}"),
        }
    }
}

#[tokio::test]
async fn every_role_is_granted_the_same_actions_over_rest() {
    let (server, holders) = built_in_roles::server();
    let channel = server.channel().await;
    let stage = Fixture::create(Client::new(channel, Some(&server.access_token("dev").await))).await;
    let mut breaches = Vec::new();
    let mut cells = 0;
    for holder in &holders {
        let caller = Rest::authenticated(&server, &holder.principal).await;
        for (operation, action) in
            local_rbac_operations().filter(|(operation, _)| !GRPC_ONLY.contains(&operation.name))
        {
            let answer = stage.call_rest(&caller, operation.name).await;
            let granted = holder.granted.contains(action.as_str());
            // An active HSM has no transfer key and takes no other domain, and there is no job with the id.
            let is_unknown_job = answer.status == 404 && operation.name.ends_with("Job");
            let done = (200..300).contains(&answer.status) || answer.status == 409 || is_unknown_job;
            if done {
                stage.restore(operation.name).await;
            }
            let refusal = format!("Not authorized to access {action} on {}", scope(operation.name));
            if granted != done || (!granted && answer.error(403, "AccessDenied") != refusal) {
                breaches.push(format!("{} x {}: {granted}, {answer:?}", holder.role, operation.name));
            }
            cells += 1;
        }
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
    assert_eq!(cells, 14 * (local_rbac_operations().count() - GRPC_ONLY.len()));
}
