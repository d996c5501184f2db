//! The same table over REST: every built-in role with every operation that Azure's surface has.

use serde_json::{Value, json};

use super::ask::{CRYPTO_USER, action, guid};
use super::matrix::asked;
use super::recorded;
use super::stage::{
    ASSIGNEE, DELETED_ASSIGNMENT, DELETED_ROLE, MADE_ASSIGNMENT, READ_ASSIGNMENT, SETTING, Stage,
    WRITTEN_ROLE, scope,
};
use crate::rest::ask::{Answer, Rest, base64url};
use crate::support::Client;

/// What Azure's surface does not have: why a call is refused, activation without a security domain, and watching.
const NOT_THERE: [&str; 3] = ["CheckAccess", "ActivateManagedHsm", "WatchLifecycle"];

const DEFINITIONS: &str = "/providers/Microsoft.Authorization/roleDefinitions";
const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments";

impl Stage {
    /// Makes the call that [`Stage::call`] makes, over REST.
    async fn call_rest(&self, who: &Rest, operation: &str) -> Answer {
        let es256 = |value: &[u8]| json!({"alg": "ES256", "value": base64url(value)});
        let kw = |value: &[u8]| json!({"alg": "A256KW", "value": base64url(value)});
        match operation {
            "CreateKey" => who.post("/keys/made/create", json!({"kty": "EC-HSM"})).await,
            "ImportKey" => {
                let key = json!({"kty": "oct-HSM", "k": base64url(&[5; 32])});
                who.put("/keys/imported", json!({"key": key})).await
            }
            "GetKey" => who.get("/keys/signing").await,
            "ListKeys" => who.get("/keys").await,
            "ListKeyVersions" => who.get("/keys/signing/versions").await,
            "UpdateKeyVersion" => who.patch("/keys/signing/", json!({"tags": {"seen": "yes"}})).await,
            "RotateKey" => who.post("/keys/rotated/rotate", Value::Null).await,
            "GetKeyRotationPolicy" => who.get("/keys/rotated/rotationpolicy").await,
            "UpdateKeyRotationPolicy" => {
                who.put("/keys/rotated/rotationpolicy", json!({"attributes": {"expiryTime": "P1Y"}})).await
            }
            "DeleteKey" => who.delete("/keys/live").await,
            "GetDeletedKey" => who.get("/deletedkeys/deleted").await,
            "ListDeletedKeys" => who.get("/deletedkeys").await,
            "RecoverDeletedKey" => who.post("/deletedkeys/deleted/recover", Value::Null).await,
            "PurgeDeletedKey" => who.delete("/deletedkeys/purged").await,
            "Sign" => who.post("/keys/signing/sign", es256(&[7; 32])).await,
            "Verify" => {
                let mut body = es256(&self.signature);
                body["digest"] = base64url(&[7; 32]).into();
                who.post("/keys/signing/verify", body).await
            }
            "Encrypt" => {
                who.post("/keys/sealing/encrypt", json!({"alg": "A256GCM", "value": base64url(b"secret")}))
                    .await
            }
            "Decrypt" => {
                let sealed = &self.sealed;
                let body = json!({"alg": "A256GCM", "value": base64url(&sealed.ciphertext), "iv": base64url(&sealed.iv),
                    "tag": base64url(&sealed.authentication_tag)});
                who.post("/keys/sealing/decrypt", body).await
            }
            "WrapKey" => who.post("/keys/sealing/wrapkey", kw(&[9; 32])).await,
            "UnwrapKey" => who.post("/keys/sealing/unwrapkey", kw(&self.wrapped)).await,
            "GenerateRandomBytes" => who.post("/rng", json!({"count": 16})).await,
            "ListRoleDefinitions" => who.get(DEFINITIONS).await,
            "GetRoleDefinition" => who.get(&format!("{DEFINITIONS}/{CRYPTO_USER}")).await,
            "PutRoleDefinition" => {
                let properties =
                    json!({"roleName": "Custom", "permissions": [{"dataActions": [action("keys/*")]}]});
                who.put(&format!("{DEFINITIONS}/{}", guid(WRITTEN_ROLE)), json!({"properties": properties}))
                    .await
            }
            "DeleteRoleDefinition" => who.delete(&format!("{DEFINITIONS}/{}", guid(DELETED_ROLE))).await,
            "CreateRoleAssignment" => {
                let properties = json!({"roleDefinitionId": CRYPTO_USER, "principalId": guid(ASSIGNEE)});
                let path = format!("{}{ASSIGNMENTS}/{}", scope(operation), guid(MADE_ASSIGNMENT));
                who.put(&path, json!({"properties": properties})).await
            }
            "GetRoleAssignment" => {
                who.get(&format!("{}{ASSIGNMENTS}/{}", scope(operation), guid(READ_ASSIGNMENT))).await
            }
            "ListRoleAssignments" => who.get(ASSIGNMENTS).await,
            "DeleteRoleAssignment" => {
                who.delete(&format!("{}{ASSIGNMENTS}/{}", scope(operation), guid(DELETED_ASSIGNMENT))).await
            }
            "ListSettings" => who.get("/settings").await,
            "GetSetting" => who.get(&format!("/settings/{SETTING}")).await,
            "UpdateSetting" => who.patch(&format!("/settings/{SETTING}"), json!({"value": "true"})).await,
            unknown => panic!("nobody said how {unknown} is called over REST"),
        }
    }
}

#[tokio::test]
async fn every_role_has_the_same_rights_on_azures_surface() {
    let (server, somebodies) = recorded::server();
    let channel = server.channel().await;
    let stage = Stage::set(Client::new(channel, Some(&server.token("dev").await))).await;
    let mut breaches = Vec::new();
    let mut cells = 0;
    for somebody in &somebodies {
        let caller = Rest::of(&server, &somebody.principal).await;
        for (operation, action) in asked().filter(|(operation, _)| !NOT_THERE.contains(&operation.name)) {
            let answer = stage.call_rest(&caller, operation.name).await;
            let granted = somebody.granted.contains(action.as_str());
            let done = (200..300).contains(&answer.status);
            if done {
                stage.restore(operation.name).await;
            }
            let refusal = format!("Not authorized to access {action} on {}", scope(operation.name));
            if granted != done || (!granted && answer.error(403, "AccessDenied") != refusal) {
                breaches.push(format!("{} x {}: {granted}, {answer:?}", somebody.role, operation.name));
            }
            cells += 1;
        }
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
    assert_eq!(cells, 14 * (asked().count() - NOT_THERE.len()));
}
