//! The lifecycle of a vault over Azure Resource Manager.

use http::Method;
use serde_json::{Value, json};

use super::client::{Arm, SUBSCRIPTION, assert_arm_error};
use crate::rest::client::RestResponse;
use crate::support::{Server, days};

const TENANT: &str = "80f21547-34fa-57ae-8d8d-ff24c182a929";
/// The object id of the principal `nobody`.
const NOBODY: &str = "017ef382-ccfc-5a21-8811-f306212af370";

/// Returns the resource id of a vault in the seed's resource group.
fn vault(name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/{name}")
}

/// Returns the resource id of a deleted vault.
fn deleted(name: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/localhost/deletedVaults/{name}")
}

/// Returns the body of a request that creates a vault with these properties.
fn body(properties: &Value) -> Value {
    let mut body = json!({
        "location": "localhost",
        "properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []},
    });
    for (name, value) in properties.as_object().unwrap() {
        body["properties"][name] = value.clone();
    }
    body
}

/// Asserts a refusal with this status and code. Returns the message.
#[track_caller]
fn refusal(answer: RestResponse, status: u16, wanted: &str) -> String {
    let (code, message) = assert_arm_error(&answer, status);
    assert_eq!(code, wanted, "{message}");
    message
}

fn policy(principal: &str, permissions: &Value) -> Value {
    json!({"tenantId": TENANT, "objectId": principal, "permissions": permissions})
}

/// Members and their order are those recorded from Azure.
#[tokio::test]
async fn created_vault_is_returned_as_recorded() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let mut sent = body(&json!({
        "sku": {"family": "A", "name": "Premium"},
        "softDeleteRetentionInDays": 7,
        "enableRbacAuthorization": false,
        "enabledForDiskEncryption": true,
        "accessPolicies": [policy(NOBODY, &json!({"keys": ["Get", "List"], "secrets": []}))],
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [{"value": "203.0.113.7"}]},
    }));
    sent["tags"] = json!({"team": "web"});
    let response = owner.send("PUT", &vault("Contoso"), &sent).await;
    let text = response.text.clone();
    let made = response.json(200);
    let port = owner.base().rsplit(':').next().unwrap();
    let created = made["systemData"]["createdAt"].clone();
    assert_eq!(
        made,
        json!({
            "id": vault("Contoso"),
            "name": "Contoso",
            "type": "Microsoft.KeyVault/vaults",
            "location": "localhost",
            "tags": {"team": "web"},
            "systemData": {"createdAt": created, "lastModifiedAt": created},
            "properties": {
                "sku": {"family": "A", "name": "premium"},
                "tenantId": TENANT,
                "networkAcls": {
                    "bypass": "AzureServices",
                    "defaultAction": "Deny",
                    "ipRules": [{"value": "203.0.113.7/32"}],
                    "virtualNetworkRules": [],
                },
                "accessPolicies": [policy(NOBODY, &json!({"keys": ["Get", "List"], "secrets": []}))],
                "enabledForDeployment": false,
                "enabledForDiskEncryption": true,
                "enableSoftDelete": true,
                "softDeleteRetentionInDays": 7,
                "enableRbacAuthorization": false,
                "vaultUri": format!("https://contoso.vault.localhost:{port}/"),
                "provisioningState": "Succeeded",
                "publicNetworkAccess": "Enabled",
            },
        })
    );
    let order =
        ["\"id\"", "\"name\"", "\"type\"", "\"location\"", "\"tags\"", "\"systemData\"", "\"properties\""];
    let positions: Vec<_> = order.iter().map(|member| text.find(member).unwrap()).collect();
    assert!(positions.is_sorted(), "{text}");
    for path in [vault("contoso"), vault("CONTOSO").replace("resourceGroups", "resourcegroups")] {
        assert_eq!(owner.get(&path).await, made, "{path}");
    }
}

/// Network rules that allow everything and purge protection that is not enabled are not returned (recorded).
#[tokio::test]
async fn default_of_azure_rbac_depends_on_the_api_version() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let acls = json!({"networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow"}});
    for (name, version, wanted) in
        [("new-one", "2026-02-01", true), ("old-one", "2025-05-01", false), ("newest", "2026-05-15", true)]
    {
        let path = format!("{}?api-version={version}", vault(name));
        let made = owner.raw(Method::PUT, &path, body(&acls).to_string()).await.json(200);
        assert_eq!(made["properties"]["enableRbacAuthorization"], wanted, "{version}");
        for absent in ["networkAcls", "enablePurgeProtection", "enabledForDiskEncryption", "createMode"] {
            assert_eq!(made["properties"].get(absent), None, "{absent}");
        }
        // An update does not change it.
        let path = format!("{}?api-version=2026-02-01", vault(name));
        let updated = owner.raw(Method::PUT, &path, body(&acls).to_string()).await.json(200);
        assert_eq!(updated["properties"]["enableRbacAuthorization"], wanted, "{version}");
    }
}

#[tokio::test]
async fn deleted_vault_is_recovered_with_its_policies_or_purged() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let policies = json!([policy(NOBODY, &json!({"secrets": ["get"]}))]);
    let sent = body(&json!({"accessPolicies": policies, "softDeleteRetentionInDays": 7}));
    let made = owner.send("PUT", &vault("contoso"), &sent).await.json(200);

    let response = owner.request("DELETE", &vault("contoso")).await;
    assert_eq!((response.status, response.text.as_str()), (200, ""));
    // It is not there: the second deletion has nothing to do (recorded).
    assert_eq!(owner.request("DELETE", &vault("contoso")).await.status, 204);
    refusal(owner.request("GET", &vault("contoso")).await, 404, "ResourceNotFound");
    let found = owner.get(&deleted("contoso")).await;
    assert_eq!(found["type"], "Microsoft.KeyVault/deletedVaults");
    assert_eq!(found["properties"]["vaultId"], vault("contoso"));
    assert_eq!(found["properties"].get("purgeProtectionEnabled"), None);
    let list = owner.get(&format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults")).await;
    assert_eq!(list["value"], json!([found]));

    // The name is reserved, in the words of Azure.
    let refused = refusal(owner.send("PUT", &vault("CONTOSO"), &sent).await, 409, "ConflictError");
    assert!(refused.contains("already exists in deleted state"), "{refused}");
    let name = json!({"name": "contoso", "type": "Microsoft.KeyVault/vaults"});
    let check = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkNameAvailability");
    let taken = owner.send("POST", &check, &name).await.json(200);
    assert_eq!(taken["reason"], "AlreadyExists");
    let message = taken["message"].as_str().unwrap();
    assert!(
        message.starts_with("The vault name 'contoso' is already in use. Vault names are globally unique")
    );
    for wrong in
        [json!({"name": "contoso"}), json!({"name": "contoso", "type": "Microsoft.KeyVault/managedHSMs"})]
    {
        let message = refusal(owner.send("POST", &check, &wrong).await, 400, "BadRequest");
        assert!(message.starts_with("type: "), "{message}");
    }

    // The SKU and the policies of the request are ignored (recorded).
    let recovery = body(&json!({"createMode": "recover", "sku": {"family": "A", "name": "premium"}}));
    let recovered = owner.send("PUT", &vault("contoso"), &recovery).await.json(200);
    assert_eq!(recovered["properties"], made["properties"]);

    owner.request("DELETE", &vault("contoso")).await;
    let purge = owner.request("POST", &format!("{}/purge", deleted("contoso"))).await;
    assert_eq!((purge.status, purge.text.as_str()), (202, ""));
    let location = purge.header("location").to_owned();
    let result = owner.raw(Method::GET, &location, "").await.json(200);
    assert_eq!(result["status"], "Succeeded", "{result}");
    refusal(owner.request("GET", &deleted("contoso")).await, 404, "ResourceNotFound");
    assert_eq!(owner.send("POST", &check, &name).await.json(200), json!({"nameAvailable": true}));
    owner.send("PUT", &vault("contoso"), &sent).await.json(200);
}

#[tokio::test]
async fn purge_protection_is_refused_and_kept_as_recorded() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let off = body(&json!({"enablePurgeProtection": false}));
    let refused = refusal(owner.send("PUT", &vault("contoso"), &off).await, 400, "BadRequest");
    assert!(refused.contains("cannot be set to false"), "{refused}");
    let on = body(&json!({"enablePurgeProtection": true, "softDeleteRetentionInDays": 7}));
    let made = owner.send("PUT", &vault("contoso"), &on).await.json(200);
    assert_eq!(made["properties"]["enablePurgeProtection"], true);
    let patch = json!({"properties": {"enablePurgeProtection": false}});
    refusal(owner.send("PATCH", &vault("contoso"), &patch).await, 400, "BadRequest");
    let other = json!({"properties": {"softDeleteRetentionInDays": 8}});
    let refused = refusal(owner.send("PATCH", &vault("contoso"), &other).await, 400, "BadRequest");
    assert!(refused.contains("has been set already and it can't be modified"), "{refused}");
    let soft_delete = json!({"properties": {"enableSoftDelete": false}});
    refusal(owner.send("PATCH", &vault("contoso"), &soft_delete).await, 400, "BadRequest");

    owner.request("DELETE", &vault("contoso")).await;
    assert_eq!(owner.get(&deleted("contoso")).await["properties"]["purgeProtectionEnabled"], true);
    let purge = owner.request("POST", &format!("{}/purge", deleted("contoso"))).await;
    let refused = refusal(purge, 405, "MethodNotAllowed");
    assert_eq!(refused, "Operation 'DeletedVaultPurge' is not allowed.");
    // The retention interval ends: the service purges it.
    server.client("dev").await.clock.advance_clock(days(7)).await.unwrap();
    refusal(owner.request("GET", &deleted("contoso")).await, 404, "ResourceNotFound");
}

#[tokio::test]
async fn access_policies_are_added_replaced_and_removed() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    owner.send("PUT", &vault("contoso"), &body(&json!({}))).await.json(200);
    let change = |what: &str, permissions: Value| {
        let (owner, path) = (owner.clone(), format!("{}/accessPolicies/{what}", vault("contoso")));
        async move {
            let sent = json!({"properties": {"accessPolicies": [policy(NOBODY, &permissions)]}});
            owner.send("PUT", &path, &sent).await
        }
    };
    let added = change("add", json!({"secrets": ["get"], "keys": ["all"]})).await.json(200);
    assert_eq!(added["type"], "Microsoft.KeyVault/vaults/accessPolicies");
    assert_eq!(added["id"], format!("{}/accessPolicies/", vault("contoso")));
    let added = change("ADD", json!({"secrets": ["List", "GET"]})).await.json(200);
    let permissions = |response: &Value| response["properties"]["accessPolicies"][0]["permissions"].clone();
    assert_eq!(permissions(&added), json!({"keys": ["all"], "secrets": ["get", "List"]}));
    let replaced = change("replace", json!({"secrets": ["set", "purge"]})).await.json(200);
    assert_eq!(permissions(&replaced), json!({"secrets": ["set", "purge"]}));
    let removed = change("remove", json!({"secrets": ["set", "purge"]})).await.json(200);
    assert_eq!(removed["properties"]["accessPolicies"], json!([]));
    let refused = refusal(change("add", json!({"secrets": ["wrapKey"]})).await, 400, "BadRequest");
    assert!(refused.contains("is not a permission for secrets"), "{refused}");
    refusal(change("merge", json!({})).await, 404, "NotFound");
    let twice =
        json!([policy(NOBODY, &json!({"keys": ["get"]})), policy(NOBODY, &json!({"keys": ["list"]}))]);
    let refused = owner.send("PUT", &vault("contoso"), &body(&json!({"accessPolicies": twice}))).await;
    assert!(refusal(refused, 400, "BadRequest").contains("there are two policies for"));
    let foreign = json!({"properties": {"accessPolicies": [
        {"tenantId": NOBODY, "objectId": NOBODY, "permissions": {}},
    ]}});
    let path = format!("{}/accessPolicies/add", vault("contoso"));
    refusal(owner.send("PUT", &path, &foreign).await, 400, "BadRequest");
    assert_eq!(owner.get(&vault("contoso")).await["properties"]["accessPolicies"], json!([]));
}

/// A list of resources has managed HSMs and vaults without their properties.
#[tokio::test]
async fn vaults_are_listed_by_scope_and_as_resources() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    for name in ["contoso", "fabrikam"] {
        owner.send("PUT", &vault(name), &body(&json!({}))).await.json(200);
    }
    let names = |list: &Value| -> Vec<String> {
        let items = list["value"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let group = format!("{SUBSCRIPTION}/resourceGroups/dev");
    for scope in [SUBSCRIPTION, &group] {
        let list = owner.get(&format!("{scope}/providers/Microsoft.KeyVault/vaults")).await;
        assert_eq!(names(&list), ["contoso", "demo", "fabrikam"]);
    }
    let filter =
        "$filter=resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'contoso'&api-version=2015-11-01";
    let list = owner.raw(Method::GET, &format!("{SUBSCRIPTION}/resources?{filter}"), "").await;
    assert_eq!(
        list.json(200)["value"],
        json!([{
            "id": vault("contoso"),
            "name": "contoso",
            "type": "Microsoft.KeyVault/vaults",
            "location": "localhost",
            "tags": {},
        }])
    );
    for (part, most) in [("", 1000), ("&$top=1", 1), ("&$top=2", 2), ("&$top=3", 3)] {
        let mut url = format!("{SUBSCRIPTION}/resources?api-version=2021-04-01{part}");
        let mut found = Vec::new();
        loop {
            let page = owner.raw(Method::GET, &url, "").await.json(200);
            for item in page["value"].as_array().unwrap() {
                let members: Vec<_> = item.as_object().unwrap().keys().collect();
                assert_eq!(members, ["id", "location", "name", "tags", "type"], "{item}");
            }
            assert!(names(&page).len() <= most, "{page}");
            found.extend(names(&page));
            match page["nextLink"].as_str() {
                Some(next) => next.clone_into(&mut url),
                None => break,
            }
        }
        assert_eq!(found, ["local", "contoso", "demo", "fabrikam"], "{part}");
    }
    // Managed HSM Contributor may not read vaults.
    let contributor = Arm::authenticated(&server, "contributor").await;
    assert_eq!(names(&contributor.get(&format!("{SUBSCRIPTION}/resources")).await), ["local"]);
    let nobody = Arm::authenticated(&server, "nobody").await;
    let refused = nobody.request("GET", &format!("{SUBSCRIPTION}/resources")).await;
    refusal(refused, 403, "AuthorizationFailed");
    refusal(owner.request("GET", &format!("{}/storage/a", vault("contoso"))).await, 501, "NotSupported");
}

/// A contributor writes access policies, and so can give himself permissions, as in Azure; he cannot assign roles.
#[tokio::test]
async fn roles_decide_who_manages_vaults() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    let reader = Arm::authenticated(&server, "reader").await;
    let owner = Arm::authenticated(&server, "owner").await;
    // That of the seed is Managed HSM Contributor.
    refusal(contributor.send("PUT", &vault("contoso"), &body(&json!({}))).await, 403, "AuthorizationFailed");
    owner.send("PUT", &vault("contoso"), &body(&json!({}))).await.json(200);
    reader.get(&vault("contoso")).await;
    for (method, path) in [
        ("DELETE", vault("contoso")),
        ("PUT", format!("{}/accessPolicies/add", vault("contoso"))),
        ("POST", format!("{}/purge", deleted("contoso"))),
    ] {
        let sent = json!({"properties": {"accessPolicies": []}});
        refusal(reader.send(method, &path, &sent).await, 403, "AuthorizationFailed");
    }
    // Key Vault Contributor manages vaults, and does not purge them; Key Vault Purge Operator does only that.
    let assign = |role: &str| {
        let (owner, role) = (owner.clone(), role.to_owned());
        async move {
            let id = uuid::Uuid::new_v4();
            let path = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{id}");
            let definition =
                format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}");
            let sent = json!({"properties": {"roleDefinitionId": definition, "principalId": NOBODY}});
            owner.send("PUT", &path, &sent).await.json(201);
            path
        }
    };
    let nobody = Arm::authenticated(&server, "nobody").await;
    let assignment = assign("f25e0fa2-a7c8-4377-a976-54943a77a395").await;
    nobody.send("PUT", &vault("fabrikam"), &body(&json!({}))).await.json(200);
    assert_eq!(nobody.request("DELETE", &vault("fabrikam")).await.status, 200);
    let purge = format!("{}/purge", deleted("fabrikam"));
    refusal(nobody.request("POST", &purge).await, 403, "AuthorizationFailed");
    owner.request("DELETE", &assignment).await.json(200);
    assign("a68e7c17-0ab2-4c09-9a58-125dae29748c").await;
    nobody.get(&deleted("fabrikam")).await;
    refusal(nobody.request("GET", &vault("contoso")).await, 403, "AuthorizationFailed");
    assert_eq!(nobody.request("POST", &purge).await.status, 202);
}
