//! What clients look up before they do anything.

use http::Method;
use serde_json::{Value, json};

use super::ask::{Arm, SUBSCRIPTION, refused};
use crate::support::Server;

#[tokio::test]
async fn the_clouds_endpoints_are_told_to_everybody() {
    let server = Server::start();
    let stranger = Arm::stranger(&server);
    let cloud = stranger.raw(Method::GET, "/metadata/endpoints?api-version=2022-09-01", "").await.json(200);
    let port = stranger.base().rsplit(':').next().unwrap();
    assert_eq!(cloud["suffixes"]["mhsmDns"], format!("managedhsm.localhost:{port}"));
    assert_eq!(cloud["resourceManager"], format!("{}/", stranger.base()));
    assert_eq!(cloud["authentication"]["loginEndpoint"], format!("https://login.localhost:{port}"));
    assert_eq!(cloud["authentication"]["audiences"][0], format!("{}/", stranger.base()));
    assert_eq!(cloud["microsoftGraphResourceId"], format!("https://login.localhost:{port}/"));
    for version in ["2019-05-01", "2020-06-01"] {
        let path = format!("/metadata/endpoints?api-version={version}");
        assert_eq!(stranger.raw(Method::GET, &path, "").await.json(200), json!([cloud]), "{version}");
    }
    for path in ["/metadata/endpoints", "/metadata/endpoints?api-version=2023-01-01"] {
        assert_eq!(stranger.raw(Method::GET, path, "").await.json(200), cloud, "{path}");
    }
}

/// The shape that az 2.45 of Debian 12 and msrestazure read, recorded of Azure.
#[tokio::test]
async fn the_clouds_endpoints_have_their_first_shape_for_clients_that_ask_for_it() {
    let server = Server::start();
    let stranger = Arm::stranger(&server);
    let cloud = stranger.raw(Method::GET, "/metadata/endpoints?api-version=2015-01-01", "").await.json(200);
    let (management, port) = (stranger.base(), stranger.base().rsplit(':').next().unwrap());
    assert_eq!(
        cloud,
        json!({
            "galleryEndpoint": format!("{management}/"),
            "graphEndpoint": format!("https://login.localhost:{port}/"),
            "portalEndpoint": management,
            "authentication": {
                "loginEndpoint": format!("https://login.localhost:{port}"),
                "audiences": [format!("{management}/"), "https://management.core.windows.net/"],
            },
        })
    );
}

#[tokio::test]
async fn what_holds_hsms_is_listed_and_groups_are_made() {
    let server = Server::start();
    let owner = Arm::of(&server, "owner").await;
    let subscriptions = owner.get("/subscriptions").await;
    assert_eq!(subscriptions["value"].as_array().unwrap().len(), 1);
    assert_eq!(subscriptions["value"][0], owner.get(SUBSCRIPTION).await);
    assert_eq!(subscriptions["value"][0]["state"], "Enabled");
    let tenant = server.connection().tenant_id;
    assert_eq!(owner.get("/tenants").await["value"][0]["tenantId"], tenant);
    let locations = owner.get(&format!("{SUBSCRIPTION}/locations")).await;
    let names: Vec<_> = locations["value"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(names.contains(&&json!("westeurope")) && names.contains(&&json!("localhost")), "{names:?}");
    let provider = owner.get(&format!("{SUBSCRIPTION}/providers/microsoft.keyvault")).await;
    assert_eq!(
        (&provider["namespace"], &provider["registrationState"]),
        (&json!("Microsoft.KeyVault"), &json!("Registered"))
    );
    refused(&owner.ask("GET", &format!("{SUBSCRIPTION}/providers/Microsoft.Compute")).await, 501);
    let operations = owner.get("/providers/Microsoft.KeyVault/operations").await;
    let operations = operations["value"].as_array().unwrap();
    let purge = |one: &&Value| one["name"] == "Microsoft.KeyVault/locations/deletedManagedHsms/purge/action";
    assert_eq!(operations.iter().filter(purge).count(), 1);
    assert!(operations.iter().any(|one| one["isDataAction"] == true));
    for empty in ["providers/Microsoft.KeyVault/vaults", "providers/Microsoft.KeyVault/deletedVaults"] {
        assert_eq!(owner.get(&format!("{SUBSCRIPTION}/{empty}")).await, json!({"value": []}));
    }
    let all = owner.get(&format!("{SUBSCRIPTION}/resources")).await;
    assert_eq!(all["value"][0]["name"], "local");
    let vaults = format!("{SUBSCRIPTION}/resources?$filter=resourceType%20eq%20'Microsoft.KeyVault/vaults'");
    assert_eq!(owner.get(&vaults).await, json!({"value": []}));

    let group = format!("{SUBSCRIPTION}/resourcegroups/Team");
    assert_eq!(owner.ask("HEAD", &group).await.status, 404);
    let made = owner.send("PUT", &group, &json!({"location": "West Europe", "tags": {}})).await.json(201);
    assert_eq!((&made["name"], &made["location"]), (&json!("Team"), &json!("westeurope")));
    assert_eq!(made["id"], format!("{SUBSCRIPTION}/resourceGroups/Team"));
    assert_eq!(owner.send("PUT", &group, &json!({"location": "westeurope"})).await.json(200), made);
    refused(&owner.send("PUT", &group, &json!({"location": "eastus"})).await, 400);
    assert_eq!(owner.get(&group).await, made);
    assert_eq!(owner.ask("HEAD", &group).await.status, 204);
    assert_eq!(
        owner.get(&format!("{SUBSCRIPTION}/resourcegroups")).await["value"].as_array().unwrap().len(),
        2
    );
    assert_eq!(owner.ask("DELETE", &group).await.status, 200);
    let (code, _) = refused(&owner.ask("GET", &group).await, 404);
    assert_eq!(code, "ResourceGroupNotFound");
}
