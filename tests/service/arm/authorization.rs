//! ARM RBAC (control plane) over Azure Resource Manager.

use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use tonic::Code;

use super::client::{Arm, SUBSCRIPTION, assert_arm_error, deleted, hsm, hsm_body};
use crate::rest::client::RestResponse;
use crate::roles::support::assert_grpc_error;
use crate::support::Server;

const DEV: &str = "5f5f0fe6-58db-5998-91a5-15b9b035d751";
const NOBODY: &str = "017ef382-ccfc-5a21-8811-f306212af370";
/// Reader.
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const NAME: &str = "11111111-2222-3333-4444-555555555555";

#[tokio::test]
async fn creates_lists_and_deletes_role_assignments() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let nobody = Arm::authenticated(&server, "nobody").await;
    let group = format!("{SUBSCRIPTION}/resourceGroups/dev");
    assert_arm_error(&nobody.request("GET", &hsm("local")).await, 403);

    let definitions = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions");
    let all = owner.get(&definitions).await;
    assert_eq!(all["value"].as_array().unwrap().len(), 18);
    let named = owner.get(&format!("{definitions}?$filter=roleName%20eq%20'Reader'")).await;
    assert_eq!(named["value"].as_array().unwrap().len(), 1);
    let reader = &named["value"][0];
    assert_eq!((&reader["name"], &reader["properties"]["type"]), (&json!(READER), &json!("BuiltInRole")));
    assert_eq!(owner.get(reader["id"].as_str().unwrap()).await, *reader);

    let assignment = format!("{group}/providers/Microsoft.Authorization/roleAssignments/{NAME}");
    let body = json!({"properties": {"roleDefinitionId": reader["id"], "principalId": NOBODY, "principalType": "ServicePrincipal"}});
    let made = owner.send("PUT", &assignment, &body).await.json(201);
    assert_eq!((&made["id"], &made["name"]), (&json!(assignment), &json!(NAME)));
    let properties = &made["properties"];
    assert_eq!((&properties["principalId"], &properties["scope"]), (&json!(NOBODY), &json!(group)));
    assert_eq!(properties["roleDefinitionId"], reader["id"]);
    let (code, _) = assert_arm_error(&owner.send("PUT", &assignment, &body).await, 409);
    assert_eq!(code, "RoleAssignmentExists");
    // The same assignment under another name gets the same error.
    let other = format!("{}0", &assignment[..assignment.len() - 1]);
    assert_ne!(other, assignment);
    let (code, message) = assert_arm_error(&owner.send("PUT", &other, &body).await, 409);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("RoleAssignmentExists", "The role assignment already exists.")
    );
    assert_eq!(owner.get(&assignment).await, made);
    nobody.get(&hsm("local")).await;
    assert_arm_error(&nobody.send("PATCH", &hsm("local"), &json!({"tags": {}})).await, 403);

    // Includes assignments below the scope, except with `atScope()`; filters by principal.
    let list = async |scope: &str, filter: &str| {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments?$filter={filter}");
        owner.get(&path).await["value"].as_array().unwrap().iter().filter(|one| **one == made).count()
    };
    let of_nobody = format!("principalId%20eq%20'{NOBODY}'");
    for (scope, filter, seen) in [
        (SUBSCRIPTION, "", 1),
        (SUBSCRIPTION, "atScope()", 0),
        (SUBSCRIPTION, &of_nobody, 1),
        (SUBSCRIPTION, &format!("principalId%20eq%20'{DEV}'"), 0),
        (&group, "atScope()", 1),
        (&hsm("local"), "", 1),
    ] {
        assert_eq!(list(scope, filter).await, seen, "{scope} {filter}");
    }
    assert_eq!(owner.request("DELETE", &assignment).await.json(200), made);
    assert_arm_error(&nobody.request("GET", &hsm("local")).await, 403);
    assert_arm_error(&owner.request("GET", &assignment).await, 404);
}

#[tokio::test]
async fn assignment_is_found_at_its_own_scope_only() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let group = format!("{SUBSCRIPTION}/resourceGroups/dev");
    let at = |scope: &str| format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{NAME}");
    let scopes = [SUBSCRIPTION.to_owned(), group.clone(), hsm("local")];
    let body = json!({"properties": {"roleDefinitionId": READER, "principalId": NOBODY}});
    let mut client = server.client("owner").await;
    for own in &scopes {
        let made = owner.send("PUT", &at(own), &body).await.json(201);
        for other in scopes.iter().filter(|other| *other != own) {
            assert_arm_error(&owner.request("GET", &at(other)).await, 404);
            assert_arm_error(&owner.request("DELETE", &at(other)).await, 404);
            // The resource names of gRPC contain the scope, too.
            let name = format!("{}/roleAssignments/{NAME}", &other[1..]);
            let read = pb::GetControlRoleAssignmentRequest { name: name.clone() };
            let read = client.authorization.get_control_role_assignment(read).await;
            assert_grpc_error(read, Code::NotFound, "ROLE_ASSIGNMENT_NOT_FOUND");
            let taken = pb::DeleteControlRoleAssignmentRequest { name };
            let taken = client.authorization.delete_control_role_assignment(taken).await;
            assert_grpc_error(taken, Code::NotFound, "ROLE_ASSIGNMENT_NOT_FOUND");
        }
        assert_eq!(owner.get(&at(&own.replace("dev", "DEV"))).await, made);
        assert_eq!(owner.request("DELETE", &at(own)).await.json(200), made);
    }
}

/// Each principal makes each request, which is granted to the principals whose initials are in its row.
#[tokio::test]
async fn requests_are_granted_by_arm_roles() {
    let server = Server::start();
    let principals = ["owner", "contributor", "reader", "administrator"];
    let mut callers = Vec::new();
    for principal in principals {
        callers.push(Arm::authenticated(&server, principal).await);
    }
    callers[0].run_to_completion("PUT", &hsm("removed"), &hsm_body(DEV)).await;
    callers[0].run_to_completion("DELETE", &hsm("removed"), &Value::Null).await;
    let at = |tail: &str| format!("{SUBSCRIPTION}/{tail}");
    let granted = |answer: &RestResponse| answer.status != 403;
    for (method, path, body, may) in [
        ("GET", hsm("local"), Value::Null, "ocr"),
        ("PATCH", hsm("local"), json!({"tags": {}}), "oc"),
        ("GET", at("providers/Microsoft.KeyVault/managedHSMs"), Value::Null, "ocr"),
        ("GET", at("providers/Microsoft.KeyVault/deletedManagedHSMs"), Value::Null, "ocr"),
        ("GET", deleted("removed"), Value::Null, "ocr"),
        ("GET", deleted("none"), Value::Null, "ocr"),
        ("PUT", hsm("removed"), json!({"location": "eastus", "properties": {"createMode": "recover"}}), "oc"),
        ("PUT", hsm("removed"), hsm_body(DEV), "oc"),
        ("DELETE", hsm("none"), Value::Null, "oc"),
        ("POST", format!("{}/purge", deleted("none")), Value::Null, "oc"),
        ("PUT", at("resourcegroups/dev"), json!({"location": "localhost"}), "o"),
        ("GET", at("resourcegroups/dev"), Value::Null, "or"),
        ("GET", at("providers/Microsoft.Authorization/roleAssignments"), Value::Null, "or"),
    ] {
        for (caller, principal) in callers.iter().zip(principals) {
            let answer = caller.send(method, &path, &body).await;
            let wanted = may.contains(&principal[..1]);
            assert_eq!(granted(&answer), wanted, "{principal}: {method} {path}: {answer:?}");
            if !wanted {
                let (code, message) = assert_arm_error(&answer, 403);
                assert_eq!(code, "AuthorizationFailed");
                assert!(message.contains("Microsoft."), "{message}");
            }
        }
    }
}

#[tokio::test]
async fn custom_roles_are_written_as_az_does() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let nobody = Arm::authenticated(&server, "nobody").await;
    let definition = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{NAME}");
    let body = json!({"properties": {
        "roleName": "Vault reader",
        "description": "Reads vaults",
        "type": "CustomRole",
        "assignableScopes": [SUBSCRIPTION],
        "permissions": [{
            "actions": ["Microsoft.KeyVault/vaults/read"],
            "notActions": null,
            "dataActions": ["Microsoft.KeyVault/vaults/secrets/readMetadata/action"],
        }],
    }});
    let made = owner.send("PUT", &definition, &body).await.json(201);
    assert_eq!((&made["id"], &made["name"]), (&json!(definition), &json!(NAME)));
    let properties = &made["properties"];
    assert_eq!(
        (&properties["type"], &properties["roleName"]),
        (&json!("CustomRole"), &json!("Vault reader"))
    );
    assert_eq!(properties["assignableScopes"], json!([SUBSCRIPTION]));
    assert_eq!(
        properties["permissions"],
        json!([{
            "actions": ["Microsoft.KeyVault/vaults/read"],
            "notActions": [],
            "dataActions": ["Microsoft.KeyVault/vaults/secrets/readMetadata/action"],
            "notDataActions": [],
        }])
    );
    assert_eq!(owner.get(&definition).await, made);
    let custom = format!(
        "{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions?$filter=type%20eq%20'CustomRole'"
    );
    assert_eq!(owner.get(&custom).await["value"], json!([made]));
    assert_arm_error(&nobody.send("PUT", &definition, &body).await, 403);

    let assignment = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{NAME}");
    let assign = json!({"properties": {"roleDefinitionId": definition, "principalId": NOBODY}});
    owner.send("PUT", &assignment, &assign).await.json(201);
    let vault = format!("{SUBSCRIPTION}/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/demo");
    nobody.get(&vault).await;
    assert_arm_error(&nobody.request("DELETE", &vault).await, 403);
    let (code, _) = assert_arm_error(&owner.request("DELETE", &definition).await, 400);
    assert_eq!(code, "RoleDefinitionHasAssignments");
    let (code, _) =
        assert_arm_error(&owner.send("PUT", &definition.replace("1111", "2222"), &body).await, 409);
    assert_eq!(code, "RoleDefinitionWithSameNameExists");
    owner.request("DELETE", &assignment).await.json(200);
    assert_eq!(owner.request("DELETE", &definition).await.json(200), made);
    assert_eq!(owner.request("DELETE", &definition).await.status, 204);
    assert_eq!(owner.get(&custom).await["value"], json!([]));

    for (member, value) in [
        ("roleName", json!("")),
        ("assignableScopes", json!(["/"])),
        ("assignableScopes", json!([])),
        ("permissions", json!([{"actions": ["read"]}])),
    ] {
        let mut invalid = body.clone();
        invalid["properties"][member] = value;
        let (code, message) = assert_arm_error(&owner.send("PUT", &definition, &invalid).await, 400);
        assert_eq!(code, "BadRequest");
        assert!(message.starts_with(&format!("properties.{member}: ")), "{message}");
    }
}
