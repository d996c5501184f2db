//! What a `PUT` of a vault requires, and what it replaces; existence, methods and headers of a vault.

use http::Method;
use serde_json::{Value, json};

use super::client::{Arm, SUBSCRIPTION, assert_arm_error};
use crate::support::Server;

const TENANT: &str = "80f21547-34fa-57ae-8d8d-ff24c182a929";

fn vault(name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/{name}")
}

fn body() -> Value {
    json!({
        "location": "localhost",
        "properties": {"tenantId": TENANT, "sku": {"family": "a", "name": "standard"}, "accessPolicies": []},
    })
}

/// Returns the body without the member of this path.
fn without(pointer: &str) -> Value {
    let mut body = body();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    body
}

/// Creation and replacement require the same members, and a refused request changes nothing.
#[tokio::test]
async fn put_without_a_required_member_is_refused() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let mut tagged = body();
    tagged["tags"] = json!({"team": "web"});
    tagged["properties"]["enableRbacAuthorization"] = json!(false);
    let made = owner.send("PUT", &vault("old"), &tagged).await.json(200);
    let mut other_family = body();
    other_family["properties"]["sku"]["family"] = json!("B");
    for (sent, field) in [
        (Value::Null, "location"),
        (json!({}), "location"),
        (without("/location"), "location"),
        (without("/properties/tenantId"), "properties.tenantId"),
        (without("/properties/sku"), "sku.name"),
        (without("/properties/sku/name"), "sku.name"),
        (without("/properties/sku/family"), "sku.family"),
        (other_family, "sku.family"),
    ] {
        for name in ["old", "new"] {
            let (code, message) = assert_arm_error(&owner.send("PUT", &vault(name), &sent).await, 400);
            assert!(code == "BadRequest" && message.starts_with(&format!("{field}: ")), "{name} {message}");
        }
    }
    // Azure RBAC needs no access policies.
    let sent = without("/properties/accessPolicies");
    let (_, message) = assert_arm_error(&owner.send("PUT", &vault("old"), &sent).await, 400);
    assert!(message.starts_with("properties.accessPolicies: "), "{message}");
    let url = format!("{}?api-version=2025-05-01", vault("new"));
    let refused = owner.raw(Method::PUT, &url, sent.to_string()).await;
    assert!(assert_arm_error(&refused, 400).1.starts_with("properties.accessPolicies: "));
    assert_eq!(owner.get(&vault("old")).await, made);
    assert_eq!(owner.request("HEAD", &vault("new")).await.status, 404);
    owner.send("PUT", &vault("new"), &sent).await.json(200);
    owner.send("PUT", &vault("new"), &sent).await.json(200);
    assert_eq!(owner.request("HEAD", &vault("new")).await.status, 204);
}

/// A `PATCH` keeps what it does not have. A `PUT` keeps only what a vault must not lose implicitly.
#[tokio::test]
async fn put_replaces_what_patch_keeps() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let subnet = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/a";
    let mut full = body();
    full["tags"] = json!({"team": "web"});
    let properties = json!({
        "enabledForDeployment": true,
        "enabledForDiskEncryption": true,
        "enabledForTemplateDeployment": true,
        "enableRbacAuthorization": true,
        "enablePurgeProtection": true,
        "softDeleteRetentionInDays": 7,
        "publicNetworkAccess": "securedByPerimeter",
        "networkAcls": {
            "bypass": "None",
            "defaultAction": "Deny",
            "ipRules": [{"value": "203.0.113.7"}],
            "virtualNetworkRules": [{"id": subnet}],
        },
    });
    for (name, value) in properties.as_object().unwrap() {
        full["properties"][name] = value.clone();
    }
    let made = owner.send("PUT", &vault("contoso"), &full).await.json(200)["properties"].clone();
    assert_eq!(made["publicNetworkAccess"], "SecuredByPerimeter");
    let patched = owner.send("PATCH", &vault("contoso"), &json!({"tags": {"team": "audit"}})).await.json(200);
    assert_eq!((&patched["properties"], &patched["tags"]), (&made, &json!({"team": "audit"})));
    // What was read can be sent back.
    let again = owner.send("PUT", &vault("contoso"), &patched).await.json(200);
    assert_eq!((&again["properties"], &again["tags"]), (&made, &patched["tags"]));

    // What az sends clears the rules.
    let mut sent = patched.clone();
    sent["properties"]["networkAcls"] = json!({"bypass": "AzureServices", "defaultAction": "Allow"});
    let cleared = owner.send("PUT", &vault("contoso"), &sent).await.json(200);
    assert_eq!(cleared["properties"].get("networkAcls"), None);
    assert_eq!(cleared["properties"]["publicNetworkAccess"], "SecuredByPerimeter");

    owner.send("PUT", &vault("contoso"), &full).await.json(200);
    let mut sent = body();
    sent["properties"]["networkAcls"] = Value::Null;
    let reset = owner.send("PUT", &vault("contoso"), &sent).await.json(200);
    assert_eq!(reset["tags"], json!({}));
    let reset = &reset["properties"];
    for absent in ["networkAcls", "enabledForDiskEncryption", "enabledForTemplateDeployment"] {
        assert_eq!(reset.get(absent), None, "{absent}");
    }
    assert_eq!(
        (&reset["enabledForDeployment"], &reset["publicNetworkAccess"]),
        (&json!(false), &json!("Enabled"))
    );
    for kept in
        ["enableRbacAuthorization", "enablePurgeProtection", "enableSoftDelete", "softDeleteRetentionInDays"]
    {
        assert_eq!(reset[kept], made[kept], "{kept}");
    }
}

/// The limits of tags are those of Azure Resource Manager, which are more than those of keys.
#[tokio::test]
async fn vaults_have_the_tags_and_locations_of_resources() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let tags = |count: usize| (0..count).map(|n| (format!("{n}{}", "n".repeat(500)), json!("v"))).collect();
    let mut sent = body();
    sent["location"] = json!("East US");
    sent["tags"] = Value::Object(tags(50));
    let made = owner.send("PUT", &vault("contoso"), &sent).await.json(200);
    assert_eq!((&made["location"], &made["tags"]), (&json!("eastus"), &sent["tags"]));
    sent["tags"] = Value::Object(tags(51));
    let (_, message) = assert_arm_error(&owner.send("PUT", &vault("contoso"), &sent).await, 400);
    assert_eq!(message, "tags: there are at most 50 tags");
    owner.request("DELETE", &vault("contoso")).await;
    let deleted = "providers/Microsoft.KeyVault/locations/eastus/deletedVaults/contoso";
    let found = owner.get(&format!("{SUBSCRIPTION}/{deleted}")).await;
    assert_eq!(found["id"], format!("{SUBSCRIPTION}/{deleted}"));
    assert_eq!(found["properties"]["location"], "eastus");
    // A recovery needs location and tenant only.
    let recovery = json!({"location": "EAST us", "properties": {"createMode": "recover"}});
    let (_, message) = assert_arm_error(&owner.send("PUT", &vault("contoso"), &recovery).await, 400);
    assert!(message.starts_with("properties.tenantId: "), "{message}");
    let recovery =
        json!({"location": "EAST us", "properties": {"createMode": "recover", "tenantId": TENANT}});
    assert_eq!(owner.send("PUT", &vault("contoso"), &recovery).await.json(200), {
        let mut wanted = made.clone();
        wanted["systemData"] = owner.get(&vault("contoso")).await["systemData"].clone();
        wanted
    });
}

#[tokio::test]
async fn methods_headers_and_links_are_those_of_a_resource() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let refused = owner.request("POST", &vault("demo")).await;
    assert_eq!(assert_arm_error(&refused, 405).0, "MethodNotAllowed");
    assert_eq!(refused.header("allow"), "DELETE, GET, HEAD, PATCH, PUT");
    assert_eq!(Arm::unauthenticated(&server).request("POST", &vault("demo")).await.status, 401);
    for (method, name, status, header, remaining) in [
        ("GET", "demo", 200, "reads", "11999"),
        ("GET", "other", 404, "reads", "11999"),
        ("PATCH", "demo", 200, "writes", "1199"),
        ("DELETE", "demo", 200, "deletes", "14999"),
    ] {
        let answer = owner.request(method, &vault(name)).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let header = format!("x-ms-ratelimit-remaining-subscription-{header}");
        assert_eq!(answer.header(&header), remaining, "{method}");
        assert!(!answer.header("x-ms-keyvault-service-version").is_empty(), "{method}");
        if status == 404 {
            assert_eq!(answer.header("x-ms-failure-cause"), "gateway");
        }
    }
    owner.send("PUT", &vault("contoso"), &body()).await.json(200);
    let connections = owner.get(&format!("{}/privateEndpointConnections", vault("contoso"))).await;
    assert_eq!(connections["value"], json!([]));
    let links = format!("{}/privateLinkResources", vault("contoso"));
    assert_eq!(
        owner.get(&links).await["value"],
        json!([{
            "id": format!("{links}/vault"),
            "name": "vault",
            "type": "Microsoft.KeyVault/vaults/privateLinkResources",
            "properties": {
                "groupId": "vault",
                "requiredMembers": ["default"],
                "requiredZoneNames": ["privatelink.vaultcore.azure.net"],
            },
        }])
    );
}
