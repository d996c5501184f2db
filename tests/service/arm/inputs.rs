//! Variants of input that clients send: any case, null members, percent-encoded letters in paths.

use serde_json::{Value, json};

use super::client::{Arm, SUBSCRIPTION, assert_arm_error, hsm};
use crate::support::Server;

/// The dev principal's object id.
const DEV: &str = "5f5f0fe6-58db-5998-91a5-15b9b035d751";

#[tokio::test]
async fn values_are_case_insensitive_and_null_is_absent() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    let body = json!({
        "location": "Local Host",
        "sku": {"family": "b", "name": "STANDARD_b1"},
        "tags": {"kept": "", "absent": null},
        "identity": {"type": "none", "userAssignedIdentities": null},
        "properties": {
            "tenantId": null, "initialAdminObjectIds": [DEV], "createMode": "DEFAULT", "enableSoftDelete": null,
            "softDeleteRetentionInDays": null, "enablePurgeProtection": null, "publicNetworkAccess": "enabled",
            "networkAcls": {
                "bypass": "azureservices", "defaultAction": "deny", "ipRules": [{"value": "203.0.113.0/24"}],
                "virtualNetworkRules": null, "serviceTags": null,
            },
            "regions": null,
        },
    });
    let made = contributor.run_to_completion("PUT", &hsm("pay"), &body).await;
    assert_eq!(made["sku"], json!({"family": "B", "name": "Standard_B1"}));
    assert_eq!((&made["location"], &made["tags"]), (&json!("Local Host"), &json!({"kept": ""})));
    let properties = &made["properties"];
    assert_eq!(properties["publicNetworkAccess"], "Enabled");
    assert_eq!(
        (&properties["networkAcls"]["bypass"], &properties["networkAcls"]["defaultAction"]),
        (&json!("AzureServices"), &json!("Deny"))
    );
    assert_eq!(properties["softDeleteRetentionInDays"], 90);

    // Immutable values may be sent in another case, and null changes nothing.
    let same = json!({
        "location": "LOCALHOST", "sku": {"name": "standard_B1"}, "tags": null, "identity": null,
        "properties": {"networkAcls": null, "publicNetworkAccess": null, "initialAdminObjectIds": null},
    });
    assert_eq!(contributor.run_to_completion("PATCH", &hsm("pay"), &same).await, made);
    for body in [json!({"properties": null}), json!({"sku": null, "location": null}), json!({})] {
        assert_eq!(contributor.run_to_completion("PATCH", &hsm("pay"), &body).await, made);
    }
    // Unreserved letters may be percent-encoded, and names of locations may have blanks and any case.
    let escaped = hsm("pay").replace("resourceGroups", "resource%47roups").replace("/pay", "/%70ay");
    assert_eq!(contributor.get(&escaped).await, made);
    contributor.run_to_completion("DELETE", &escaped, &Value::Null).await;
    let deleted = |location: &str| {
        format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/pay")
    };
    for location in ["localhost", "Local%20Host", "%4Cocal%20%48ost", "LOCALHOST"] {
        assert_eq!(contributor.get(&deleted(location)).await["name"], "pay", "{location}");
    }
    contributor
        .run_to_completion("POST", &format!("{}/PURG%45", deleted("Local%20Host")), &Value::Null)
        .await;

    for (body, named) in [
        (json!({"sku": {"name": ""}, "location": "localhost"}), "sku.name: "),
        (json!({"sku": {"name": null}, "location": "localhost"}), "sku.name: "),
        (json!({"sku": {"name": "Standard_B1"}, "location": null}), "location: "),
        (
            json!({"sku": {"name": "Standard_B1"}, "location": "localhost", "properties": {
                "initialAdminObjectIds": [DEV], "softDeleteRetentionInDays": 0}}),
            "properties.softDeleteRetentionInDays: ",
        ),
        (
            json!({"sku": {"name": "Standard_B1"}, "location": "localhost", "properties": {
                "initialAdminObjectIds": [DEV], "networkAcls": {"ipRules": [{"value": null}]}}}),
            "properties.networkAcls.ipRules: ",
        ),
        (
            json!({"sku": {"name": "Standard_B1"}, "location": "localhost", "properties": {
                "initialAdminObjectIds": [DEV], "networkAcls": {"defaultAction": ""}}}),
            "properties.networkAcls.defaultAction: ",
        ),
    ] {
        let mut body = body.clone();
        if body.get("properties").is_none() {
            body["properties"] = json!({"initialAdminObjectIds": [DEV]});
        }
        let (_, message) = assert_arm_error(&contributor.send("PUT", &hsm("pay"), &body).await, 400);
        assert!(message.starts_with(named), "{body}: {message}");
    }
    assert_arm_error(&contributor.request("GET", &hsm("pay")).await, 404);
    let available = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkMhsmNameAvailability");
    let (_, message) =
        assert_arm_error(&contributor.send("POST", &available, &json!({"name": null})).await, 400);
    assert!(message.starts_with("name: "), "{message}");
}
