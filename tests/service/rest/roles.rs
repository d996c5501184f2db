//! Local RBAC over REST: shapes, status codes and scopes.

use serde_json::{Value, json};

use super::client::Rest;
use crate::roles::support::{CRYPTO_USER, guid};
use crate::support::Server;

const DEFINITIONS: &str = "/providers/Microsoft.Authorization/roleDefinitions";
const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments";

/// Returns the id of a role definition, as in responses.
fn definition_id(guid: &str) -> String {
    format!("Microsoft.KeyVault{DEFINITIONS}/{guid}")
}

#[tokio::test]
async fn lists_built_in_roles_as_recorded() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "administrator").await;
    let mut recorded: Value = serde_json::from_str(include_str!("../../../hsm-config/roles.json")).unwrap();
    // The source of the recording is not part of the response.
    recorded.as_object_mut().unwrap().remove("source");
    for path in [DEFINITIONS.to_owned(), format!("//{DEFINITIONS}"), format!("/keys{DEFINITIONS}")] {
        assert_eq!(dev.get(&path).await.json(200), recorded, "{path}");
    }
    // Byte for byte: the members are in alphabetical order.
    let text = dev.get(DEFINITIONS).await.text;
    assert_eq!(text.len(), 7992, "the recorded body's length");
    let one = dev.get(&format!("{DEFINITIONS}/{CRYPTO_USER}")).await.json(200);
    assert!(recorded["value"].as_array().unwrap().contains(&one));

    let taken = "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID.";
    let path = format!("{DEFINITIONS}/{CRYPTO_USER}");
    assert_eq!(dev.put(&path, json!({})).await.error(400, "BadParameter"), taken);
    assert_eq!(dev.delete(&path).await.error(400, "BadParameter"), taken);
}

#[tokio::test]
async fn creates_replaces_and_deletes_custom_roles() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "administrator").await;
    let id = guid(1);
    let path = format!("{DEFINITIONS}/{id}");
    let sign = "Microsoft.KeyVault/managedHsm/keys/sign/action";
    let body = json!({"properties": {"roleName": "Signer", "description": "signs", "type": "CustomRole",
        "assignableScopes": ["/"], "permissions": [{"dataActions": [sign]}]}});
    let made = dev.put(&path, body).await.json(201);
    let expected = json!({"id": definition_id(&id), "name": id, "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {"assignableScopes": ["/"], "description": "signs", "roleName": "Signer", "type": "CustomRole",
        "permissions": [{"actions": [], "dataActions": [sign], "notActions": [], "notDataActions": []}]}});
    assert_eq!(made, expected);
    assert_eq!(dev.get(&path).await.json(200), expected);
    let list = dev.get(DEFINITIONS).await.json(200);
    assert_eq!(list["value"].as_array().unwrap().last(), Some(&expected));
    // Fully replaced: omitted members are cleared.
    let replaced = dev.put(&path, json!({"properties": {}})).await.json(201);
    let properties = &replaced["properties"];
    assert_eq!((&properties["description"], &properties["permissions"]), (&"".into(), &json!([])));
    assert_eq!(properties["roleName"], id);
    assert_eq!(dev.delete(&path).await.json(200), replaced);
    for answer in [dev.get(&path).await, dev.delete(&path).await] {
        assert_eq!(answer.error(404, "RoleDefinitionNotFound"), "Requested role definition not found");
    }
    let message = dev.put(&format!("{DEFINITIONS}/signer"), json!({})).await.error(400, "BadParameter");
    assert_eq!(message, "Role definition name must be a GUID");
}

#[tokio::test]
async fn roles_are_found_at_their_own_scope_only() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "administrator").await;
    let nobody = server.principal("nobody").object_id;
    let scopes = ["", "/keys", "/keys/pay", "/keys/other"];
    for (number, own) in [(1, ""), (2, "/keys"), (3, "/keys/pay")] {
        let path = |scope: &str| format!("{scope}{ASSIGNMENTS}/{}", guid(number));
        let body =
            json!({"properties": {"roleDefinitionId": definition_id(CRYPTO_USER), "principalId": nobody}});
        let made = dev.put(&path(own), body).await.json(201);
        for other in scopes.into_iter().filter(|scope| *scope != own) {
            dev.get(&path(other)).await.error(404, "RoleAssignmentNotFound");
            dev.delete(&path(other)).await.error(404, "RoleAssignmentNotFound");
        }
        // Names of keys are case-insensitive.
        assert_eq!(dev.get(&path(&own.replace("pay", "PAY"))).await.json(200), made);
        assert_eq!(dev.delete(&path(own)).await.json(200), made);
    }
    let path = |scope: &str| format!("{scope}{DEFINITIONS}/{}", guid(1));
    dev.put(&path(""), json!({"properties": {}})).await.json(201);
    for other in &scopes[1..] {
        dev.get(&path(other)).await.error(404, "RoleDefinitionNotFound");
        dev.delete(&path(other)).await.error(404, "RoleDefinitionNotFound");
        dev.put(&path(other), json!({"properties": {}})).await.error(400, "Invalidkeyidentifier");
    }
    dev.delete(&path("")).await.json(200);
}

#[tokio::test]
async fn assigns_roles_at_every_scope() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "administrator").await;
    let nobody = server.principal("nobody").object_id;
    for (number, scope, shown) in [(1, "", "/"), (2, "/keys", "/keys"), (3, "/keys/pay", "/keys/pay")] {
        let id = guid(number);
        let path = format!("{scope}{ASSIGNMENTS}/{id}");
        let body =
            json!({"properties": {"roleDefinitionId": definition_id(CRYPTO_USER), "principalId": nobody}});
        let made = dev.put(&path, body.clone()).await.json(201);
        let expected = json!({"id": format!("{ASSIGNMENTS}/{id}"), "name": id, "type": "Microsoft.Authorization/roleAssignments",
            "properties": {"principalId": nobody, "roleDefinitionId": definition_id(CRYPTO_USER), "scope": shown}});
        assert_eq!(made, expected);
        assert_eq!(
            dev.put(&path, body).await.error(400, "RoleAssignmentExists"),
            "The role assignment already exists."
        );
        // The same role for the same principal at the same scope, under another name.
        let other = format!("{scope}{ASSIGNMENTS}/{}", guid(number + 10));
        let body =
            json!({"properties": {"roleDefinitionId": definition_id(CRYPTO_USER), "principalId": nobody}});
        assert_eq!(
            dev.put(&other, body).await.error(400, "MatchingRoleAssignmentExists"),
            format!(
                "Role assignment '{id}' already adds role '{}' to principal '{nobody}' in scope '{shown}'.",
                definition_id(CRYPTO_USER)
            )
        );
        assert_eq!(dev.get(&path).await.json(200), expected);
        // The list at a scope has the assignments at that scope only.
        let filter = format!("{scope}{ASSIGNMENTS}?$filter=principalId+eq+'{nobody}'");
        assert_eq!(dev.get(&filter).await.json(200), json!({"value": [expected]}), "{scope}");
    }
    for filter in ["roleDefinitionId+eq+'x'", "principalId+ne+'x'", "atScope()+or+atScope()", "x"] {
        let message = dev.get(&format!("{ASSIGNMENTS}?$filter={filter}")).await.error(400, "BadParameter");
        assert!(message.starts_with("$filter: "), "{filter}: {message}");
    }
    let same = dev.get(&format!("{ASSIGNMENTS}?$filter=atScope()")).await.json(200);
    assert_eq!(same, dev.get(ASSIGNMENTS).await.json(200));
    let all = dev.get(ASSIGNMENTS).await.json(200);
    assert!(all["value"].as_array().unwrap().len() > 1);
    let holder = Rest::authenticated(&server, "nobody").await;
    holder.create("pay", json!({"kty": "oct-HSM"})).await;
    for (number, scope) in [(1, ""), (2, "/keys"), (3, "/keys/pay")] {
        let path = format!("{scope}{ASSIGNMENTS}/{}", guid(number));
        assert_eq!(dev.delete(&path).await.json(200)["name"], guid(number));
        for answer in [dev.get(&path).await, dev.delete(&path).await] {
            assert_eq!(answer.error(404, "RoleAssignmentNotFound"), "Requested role assignment not found");
        }
    }
    let message = holder.get("/keys/pay").await.error(403, "AccessDenied");
    assert_eq!(
        message,
        "Not authorized to access Microsoft.KeyVault/managedHsm/keys/read/action on /keys/pay"
    );
    let message = holder.get(ASSIGNMENTS).await.error(403, "AccessDenied");
    assert_eq!(
        message,
        "Not authorized to access Microsoft.KeyVault/managedHsm/roleAssignments/read/action on /"
    );
    for body in [
        json!({}),
        json!({"properties": {"roleDefinitionId": "x", "principalId": nobody}}),
        json!({"properties": {"roleDefinitionId": CRYPTO_USER}}),
    ] {
        dev.put(&format!("{ASSIGNMENTS}/{}", guid(9)), body).await.error(400, "BadParameter");
    }
    dev.put(&format!("{ASSIGNMENTS}/x"), json!({})).await.error(400, "BadParameter");
    let right = json!({"properties": {"roleDefinitionId": CRYPTO_USER, "principalId": nobody}});
    for scope in ["/key", "/keys/a_b", "/keys/a/b", "/secrets", "/https:/local.managedhsm.localhost/keys"] {
        let path = format!("{scope}{ASSIGNMENTS}/{}", guid(9));
        for answer in [dev.put(&path, right.clone()).await, dev.get(&format!("{scope}{ASSIGNMENTS}")).await] {
            assert_eq!(answer.error(400, "Invalidkeyidentifier"), "Invalid key identifier", "{scope}");
        }
    }
}
