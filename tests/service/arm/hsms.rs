//! The lifecycle of a managed HSM over Azure Resource Manager.

use serde_json::{Value, json};

use super::client::{Arm, SUBSCRIPTION, assert_arm_error, deleted, hsm, hsm_body};
use crate::rest::client::Rest;
use crate::support::Server;

/// The dev principal's object id.
const DEV: &str = "5f5f0fe6-58db-5998-91a5-15b9b035d751";

/// The response is as recorded from Azure, with the values of this server.
#[tokio::test]
async fn created_hsm_is_returned_as_recorded() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    let mut body = hsm_body(DEV);
    body["tags"] = json!({"team": "billing"});
    body["properties"]["networkAcls"] =
        json!({"bypass": "None", "defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]});
    let made = contributor.run_to_completion("PUT", &hsm("Payroll"), &body).await;
    let port = contributor.base().rsplit(':').next().unwrap();
    let expected = json!({
        "sku": {"family": "B", "name": "Standard_B1"},
        "id": hsm("Payroll"),
        "name": "Payroll",
        "type": "Microsoft.KeyVault/managedHSMs",
        "location": "localhost",
        "tags": {"team": "billing"},
        "properties": {
            "tenantId": "80f21547-34fa-57ae-8d8d-ff24c182a929",
            "hsmUri": format!("https://Payroll.managedhsm.localhost:{port}/"),
            "initialAdminObjectIds": [DEV],
            "enableSoftDelete": true,
            "softDeleteRetentionInDays": 7,
            "enablePurgeProtection": false,
            "provisioningState": "Succeeded",
            "statusMessage": "The Managed HSM is provisioned and ready to use.",
            "networkAcls": {
                "bypass": "None",
                "defaultAction": "Deny",
                "ipRules": [{"value": "203.0.113.0/24"}],
                "virtualNetworkRules": [],
            },
            "publicNetworkAccess": "Enabled",
            "regions": [],
            "securityDomainProperties": {
                "activationStatus": "NotActivated",
                "activationStatusMessage": "Your HSM has been provisioned, but cannot be used for cryptographic operations until it is activated. To activate the HSM, download the security domain.",
            },
        },
    });
    assert_eq!(made, expected);
    for path in
        [hsm("payroll"), hsm("Payroll").to_lowercase(), hsm("PAYROLL").replace("/providers", "//Providers")]
    {
        assert_eq!(contributor.get(&path).await, expected, "{path}");
    }
    let regions = contributor.get(&format!("{}/regions", hsm("Payroll"))).await;
    assert_eq!(
        regions["value"][0],
        json!({"name": "localhost", "provisioningState": "Succeeded", "isPrimary": true})
    );
}

#[tokio::test]
async fn updates_deletes_recovers_and_purges_an_hsm() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    contributor.run_to_completion("PUT", &hsm("pay"), &hsm_body(DEV)).await;

    // PATCH keeps omitted members; PUT clears omitted tags.
    let tagged = contributor.run_to_completion("PATCH", &hsm("pay"), &json!({"tags": {"a": "b"}})).await;
    assert_eq!(tagged["tags"], json!({"a": "b"}));
    let disabled = json!({"properties": {"publicNetworkAccess": "Disabled"}});
    let disabled = contributor.run_to_completion("PATCH", &hsm("pay"), &disabled).await;
    assert_eq!(
        (&disabled["tags"]["a"], &disabled["properties"]["publicNetworkAccess"]),
        (&json!("b"), &json!("Disabled"))
    );
    // Clients send the resource back as they read it.
    let same = contributor.run_to_completion("PATCH", &hsm("pay"), &disabled).await;
    assert_eq!(same, disabled);
    let put = contributor.run_to_completion("PUT", &hsm("pay"), &hsm_body(DEV)).await;
    assert_eq!((&put["tags"], &put["properties"]["publicNetworkAccess"]), (&json!({}), &json!("Disabled")));

    let listed = contributor.get(&format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/managedHSMs")).await;
    assert_eq!(listed["value"].as_array().unwrap().len(), 2);
    assert_eq!(listed.get("nextLink"), None);

    assert_eq!(contributor.run_to_completion("DELETE", &hsm("pay"), &Value::Null).await, Value::Null);
    let (code, _) = assert_arm_error(&contributor.request("GET", &hsm("pay")).await, 404);
    assert_eq!(code, "ResourceNotFound");
    let deleted_hsm = contributor.get(&deleted("pay")).await;
    assert_eq!(
        (&deleted_hsm["type"], &deleted_hsm["id"]),
        (&json!("Microsoft.Keyvault/deletedManagedHSMs"), &json!(deleted("pay")))
    );
    let properties = &deleted_hsm["properties"];
    assert_eq!((&properties["mhsmId"], &properties["location"]), (&json!(hsm("pay")), &json!("localhost")));
    assert_eq!((&properties["purgeProtectionEnabled"], &properties["tags"]), (&json!(false), &json!({})));
    let date = |name: &str| properties[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(date("scheduledPurgeDate").duration_since(date("deletionDate")).as_hours(), 7 * 24);
    assert_eq!(properties["deletionDate"].as_str().unwrap().len(), "2021-12-30T10:42:54Z".len());
    let all =
        contributor.get(&format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedManagedHSMs")).await;
    assert_eq!(all["value"], json!([deleted_hsm]));

    let (code, message) = assert_arm_error(&contributor.send("PUT", &hsm("pay"), &hsm_body(DEV)).await, 409);
    assert_eq!(code, "ConflictError");
    assert!(message.contains("recover or purge"), "{message}");
    // The recovery request of az: no administrators, and capital letters.
    let recovering = json!({"location": "LocalHost", "sku": {"name": "Standard_B1", "family": "B"},
        "properties": {"tenantId": "80f21547-34fa-57ae-8d8d-ff24c182a929", "createMode": "Recover"}});
    assert_eq!(contributor.run_to_completion("PUT", &hsm("pay"), &recovering).await, put);
    assert_arm_error(&contributor.send("PUT", &hsm("pay"), &recovering).await, 404);

    contributor.run_to_completion("DELETE", &hsm("pay"), &Value::Null).await;
    let purged =
        contributor.run_to_completion("POST", &format!("{}/purge", deleted("pay")), &Value::Null).await;
    assert_eq!(purged, Value::Null);
    assert_arm_error(&contributor.request("GET", &deleted("pay")).await, 404);
    contributor.run_to_completion("PUT", &hsm("pay"), &hsm_body(DEV)).await;
}

#[tokio::test]
async fn rejects_immutable_and_invalid_values_without_changes() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    let made = contributor.run_to_completion("PUT", &hsm("pay"), &hsm_body(DEV)).await;
    for (changes, named) in [
        (json!({"properties": {"softDeleteRetentionInDays": 8}}), "properties.softDeleteRetentionInDays"),
        (json!({"properties": {"softDeleteRetentionInDays": "x"}}), "properties.softDeleteRetentionInDays"),
        (json!({"properties": {"enableSoftDelete": false}}), "properties.enableSoftDelete"),
        (json!({"properties": {"initialAdminObjectIds": []}}), "properties.initialAdminObjectIds"),
        (json!({"properties": {"initialAdminObjectIds": ["me"]}}), "properties.initialAdminObjectIds"),
        (json!({"properties": {"tenantId": "80f21547-34fa-57ae-8d8d-ff24c182a928"}}), "properties.tenantId"),
        (json!({"properties": {"publicNetworkAccess": "Perhaps"}}), "properties.publicNetworkAccess"),
        (json!({"properties": {"networkAcls": {"bypass": "All"}}}), "properties.networkAcls.bypass"),
        (
            json!({"properties": {"networkAcls": {"ipRules": [{"value": "10.0.0.1"}]}}}),
            "properties.networkAcls.ipRules",
        ),
        (json!({"location": "westeurope"}), "location"),
        (json!({"sku": {"name": "Custom_B32"}}), "sku.name"),
        (json!({"tags": 7}), "body"),
    ] {
        let (code, message) = assert_arm_error(&contributor.send("PATCH", &hsm("pay"), &changes).await, 400);
        assert_eq!(code, "BadRequest", "{message}");
        assert!(message.starts_with(named), "{changes}: {message}");
    }
    for (changes, what) in [
        (json!({"identity": {"type": "UserAssigned"}}), "identities"),
        (json!({"properties": {"regions": [{"name": "eastus"}]}}), "regions"),
    ] {
        let (code, message) = assert_arm_error(&contributor.send("PATCH", &hsm("pay"), &changes).await, 501);
        assert!(code == "NotSupported" && message.contains(what), "{code}: {message}");
    }
    assert_eq!(contributor.get(&hsm("pay")).await, made);

    // Purge protection can be enabled, but not disabled.
    let protect = |on: bool| json!({"properties": {"enablePurgeProtection": on}});
    contributor.run_to_completion("PATCH", &hsm("pay"), &protect(false)).await;
    let protected = contributor.run_to_completion("PATCH", &hsm("pay"), &protect(true)).await;
    assert_eq!(protected["properties"]["enablePurgeProtection"], true);
    assert_arm_error(&contributor.send("PATCH", &hsm("pay"), &protect(false)).await, 400);
    contributor.run_to_completion("DELETE", &hsm("pay"), &Value::Null).await;
    assert_arm_error(&contributor.request("POST", &format!("{}/purge", deleted("pay"))).await, 403);

    for (body, named) in [
        (json!({"sku": {"name": "Standard_B1"}}), "location"),
        (json!({"location": "localhost"}), "sku.name"),
        (
            json!({"location": "localhost", "sku": {"name": "Standard_B1"}}),
            "properties.initialAdminObjectIds",
        ),
        (
            json!({"location": "atlantis", "sku": {"name": "Standard_B1"}, "properties": {"initialAdminObjectIds": [DEV]}}),
            "location",
        ),
        (json!({"properties": {"createMode": "forever"}}), "properties.createMode"),
    ] {
        let (_, message) = assert_arm_error(&contributor.send("PUT", &hsm("new"), &body).await, 400);
        assert!(message.starts_with(named), "{body}: {message}");
    }
}

#[tokio::test]
async fn checks_name_availability() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    let path = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkMhsmNameAvailability");
    let check = async |name: &str| contributor.send("POST", &path, &json!({"name": name})).await.json(200);
    assert_eq!(check("payroll").await, json!({"nameAvailable": true}));
    for (name, reason) in [("1pay", "AccountNameInvalid"), ("LOCAL", "AlreadyExists")] {
        let answer = check(name).await;
        assert_eq!(
            (&answer["nameAvailable"], &answer["reason"]),
            (&json!(false), &json!(reason)),
            "{answer}"
        );
        assert!(answer["message"].is_string());
    }
}

#[tokio::test]
async fn created_hsm_is_usable_on_the_data_plane() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    contributor.run_to_completion("PUT", &hsm("pay"), &hsm_body(DEV)).await;
    let port = contributor.base().rsplit(':').next().unwrap().to_owned();
    let dev = Rest::authenticated(&server, "dev").await.at_host(&format!("pay.managedhsm.localhost:{port}"));
    dev.get("/providers/Microsoft.Authorization/roleAssignments").await.error(403, "Forbidden");
    let activating = strongroom::api::grpc::pb::ActivateManagedHsmRequest { name: "hsms/pay".to_owned() };
    server.client("dev").await.hsms.activate_managed_hsm(activating).await.unwrap();
    // The initial administrator manages roles, and has no access to keys.
    dev.get("/providers/Microsoft.Authorization/roleAssignments").await.json(200);
    dev.get("/keys").await.error(403, "AccessDenied");
    let shown = contributor.get(&hsm("pay")).await;
    assert_eq!(shown["properties"]["securityDomainProperties"]["activationStatus"], "Active");
}
