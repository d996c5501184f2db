//! Discovery by clients: cloud endpoints, subscriptions, locations, providers and resource groups.

use http::Method;
use serde_json::{Value, json};

use super::client::{Arm, SUBSCRIPTION, assert_arm_error, deleted, hsm};
use crate::support::Server;

#[tokio::test]
async fn cloud_endpoints_need_no_authentication() {
    let server = Server::start();
    let unauthenticated = Arm::unauthenticated(&server);
    let cloud =
        unauthenticated.raw(Method::GET, "/metadata/endpoints?api-version=2022-09-01", "").await.json(200);
    let port = unauthenticated.base().rsplit(':').next().unwrap();
    assert_eq!(cloud["suffixes"]["mhsmDns"], format!("managedhsm.localhost:{port}"));
    assert_eq!(cloud["resourceManager"], format!("{}/", unauthenticated.base()));
    assert_eq!(cloud["authentication"]["loginEndpoint"], format!("https://login.localhost:{port}"));
    assert_eq!(cloud["authentication"]["audiences"][0], format!("{}/", unauthenticated.base()));
    assert_eq!(cloud["microsoftGraphResourceId"], format!("https://login.localhost:{port}/"));
    for version in ["2019-05-01", "2020-06-01"] {
        let path = format!("/metadata/endpoints?api-version={version}");
        assert_eq!(unauthenticated.raw(Method::GET, &path, "").await.json(200), json!([cloud]), "{version}");
    }
    for path in ["/metadata/endpoints", "/metadata/endpoints?api-version=2023-01-01"] {
        assert_eq!(unauthenticated.raw(Method::GET, path, "").await.json(200), cloud, "{path}");
    }
}

/// The shape that az 2.45 of Debian 12 and msrestazure read, recorded from Azure.
#[tokio::test]
async fn cloud_endpoints_have_the_2015_shape_on_request() {
    let server = Server::start();
    let unauthenticated = Arm::unauthenticated(&server);
    let cloud =
        unauthenticated.raw(Method::GET, "/metadata/endpoints?api-version=2015-01-01", "").await.json(200);
    let (management, port) = (unauthenticated.base(), unauthenticated.base().rsplit(':').next().unwrap());
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
async fn lists_subscriptions_and_creates_resource_groups() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
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
    assert_arm_error(
        &owner.request("GET", &format!("{SUBSCRIPTION}/providers/Microsoft.Compute")).await,
        501,
    );
    let operations = owner.get("/providers/Microsoft.KeyVault/operations").await;
    let operations = operations["value"].as_array().unwrap();
    let purge = |one: &&Value| one["name"] == "Microsoft.KeyVault/locations/deletedManagedHsms/purge/action";
    assert_eq!(operations.iter().filter(purge).count(), 1);
    assert!(operations.iter().any(|one| one["isDataAction"] == true));
    let deleted = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults");
    assert_eq!(owner.get(&deleted).await, json!({"value": []}));
    let all = owner.get(&format!("{SUBSCRIPTION}/resources")).await;
    assert_eq!(all["value"][0]["name"], "local");

    let group = format!("{SUBSCRIPTION}/resourcegroups/Team");
    assert_eq!(owner.request("HEAD", &group).await.status, 404);
    let made = owner.send("PUT", &group, &json!({"location": "West Europe"})).await.json(201);
    assert_eq!(made["tags"], json!({}));
    assert_eq!((&made["name"], &made["location"]), (&json!("Team"), &json!("westeurope")));
    assert_eq!(made["id"], format!("{SUBSCRIPTION}/resourceGroups/Team"));
    assert_eq!(owner.send("PUT", &group, &json!({"location": "westeurope"})).await.json(200), made);
    assert_arm_error(&owner.send("PUT", &group, &json!({"location": "eastus"})).await, 400);
    assert_eq!(owner.get(&group).await, made);
    assert_eq!(owner.request("HEAD", &group).await.status, 204);
    assert_eq!(
        owner.get(&format!("{SUBSCRIPTION}/resourcegroups")).await["value"].as_array().unwrap().len(),
        2
    );
    owner.run_to_completion("DELETE", &group, &Value::Null).await;
    let (code, _) = assert_arm_error(&owner.request("GET", &group).await, 404);
    assert_eq!(code, "ResourceGroupNotFound");
}

#[tokio::test]
async fn stores_lists_and_patches_resource_group_tags() {
    let mut server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let group = format!("{SUBSCRIPTION}/resourcegroups/Team");
    let body = json!({"location": "westeurope", "tags": {"team": "blue", "Cost Centre": "17"}});
    let made = owner.send("PUT", &group, &body).await.json(201);
    assert_eq!(made["tags"], body["tags"]);
    // Repeating PUT changes nothing; PATCH replaces all tags.
    assert_eq!(owner.send("PUT", &group, &body).await.json(200), made);
    let patched = owner.send("PATCH", &group, &json!({"tags": {"team": "red"}})).await.json(200);
    assert_eq!(patched["tags"], json!({"team": "red"}));
    for body in [json!({}), json!({"tags": null}), json!({"properties": {}})] {
        assert_eq!(owner.send("PATCH", &group, &body).await.json(200), patched, "{body}");
    }
    server.restart();
    let owner = Arm::authenticated(&server, "owner").await;
    assert_eq!(owner.get(&group).await, patched);
    let listed = owner.get(&format!("{SUBSCRIPTION}/resourcegroups")).await;
    assert!(listed["value"].as_array().unwrap().contains(&patched), "{listed}");
    assert_eq!(owner.send("PATCH", &group, &json!({"tags": {}})).await.json(200)["tags"], json!({}));
    let wrong = owner.send("PATCH", &group, &json!({"tags": {"a/b": "c"}})).await;
    assert!(assert_arm_error(&wrong, 400).1.starts_with("tags"), "{wrong:?}");
    let missing = owner.send("PATCH", &format!("{SUBSCRIPTION}/resourcegroups/none"), &json!({})).await;
    assert_eq!(assert_arm_error(&missing, 404).0, "ResourceGroupNotFound");
    let reader = Arm::authenticated(&server, "reader").await;
    assert_arm_error(&reader.send("PATCH", &group, &json!({"tags": {}})).await, 403);
}

#[tokio::test]
async fn applies_supported_filters_and_rejects_others() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    for (name, location, tags) in
        [("blue", "westeurope", json!({"team": "blue"})), ("red", "eastus", json!({"Team": "red"}))]
    {
        let body = json!({"location": location, "tags": tags});
        owner.send("PUT", &format!("{SUBSCRIPTION}/resourcegroups/{name}"), &body).await.json(201);
    }
    owner.run_to_completion("PATCH", &hsm("local"), &json!({"tags": {"env": "test"}})).await;
    let names = async |list: &str, filter: &str| {
        let filter: String = url_escaped(filter);
        let listed = owner.get(&format!("{list}?$filter={filter}")).await;
        let names =
            listed["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let groups = format!("{SUBSCRIPTION}/resourcegroups");
    for (filter, wanted) in [
        ("", "blue dev red"),
        ("tagname eq 'team'", "blue red"),
        ("tagName eq 'team' and tagValue eq 'red'", "red"),
        ("location eq 'West Europe'", "blue"),
        ("startswith(tagname, 'x')", ""),
    ] {
        assert_eq!(names(&groups, filter).await, wanted, "{filter}");
    }
    let (of_group, hsms) = (format!("{groups}/dev/resources"), hsm("").trim_end_matches('/').to_owned());
    for (list, vaults) in [(&format!("{SUBSCRIPTION}/resources"), "demo"), (&of_group, "demo"), (&hsms, "")] {
        let both = format!("local {vaults}");
        let both = both.trim_end();
        for (filter, wanted) in [
            ("", both),
            ("resourceType eq 'Microsoft.KeyVault/vaults'", vaults),
            ("name eq 'demo'", vaults),
            (
                "resourceType eq 'Microsoft.KeyVault/vaults' or resourceType eq 'Microsoft.KeyVault/managedHSMs'",
                both,
            ),
            ("resourceType eq 'Microsoft.Compute/disks'", ""),
            ("resourceType eq 'microsoft.keyvault/managedhsms' and name eq 'LOCAL'", "local"),
            ("resourceGroup eq 'dev' and location eq 'localhost'", both),
            ("name eq 'other'", ""),
            ("tagname eq 'env' and tagvalue eq 'test'", "local"),
            ("tagname eq 'env' and tagvalue eq 'prod'", ""),
        ] {
            assert_eq!(names(list, filter).await, wanted, "{list} {filter}");
        }
    }
    let assignments = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments");
    let definitions = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions");
    assert_eq!(
        owner.get(&format!("{definitions}?$filter=type%20eq%20'CustomRole'")).await,
        json!({"value": []})
    );
    let deleted_hsms = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedManagedHSMs");
    for list in [
        &groups,
        &of_group,
        &hsms,
        &assignments,
        &definitions,
        &deleted_hsms,
        &"/subscriptions".to_owned(),
        &format!("{SUBSCRIPTION}/locations"),
    ] {
        for filter in ["colour eq 'blue'", "name eq 'x' or", "name"] {
            let answer = owner.request("GET", &format!("{list}?$filter={}", url_escaped(filter))).await;
            assert!(assert_arm_error(&answer, 400).1.starts_with("$filter: "), "{list} {filter}: {answer:?}");
        }
        let unauthenticated = Arm::unauthenticated(&server);
        assert_eq!(unauthenticated.request("GET", &format!("{list}?$filter=x")).await.status, 401, "{list}");
    }
}

fn url_escaped(filter: &str) -> String {
    filter.replace(' ', "%20").replace('\'', "%27")
}

#[tokio::test]
async fn group_deletion_deletes_hsms_and_reports_to_its_caller() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let group = format!("{SUBSCRIPTION}/resourceGroups/dev");
    let assignment = format!(
        "{group}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-3333-4444-555555555555"
    );
    let nobody = server.principal("nobody").object_id;
    let body = json!({"properties": {
        "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "principalId": nobody,
    }});
    owner.send("PUT", &assignment, &body).await.json(201);
    let caller = Arm::authenticated(&server, "nobody").await;
    // The caller's role assignment ends with the group, and its caller may still read the result.
    assert_eq!(caller.run_to_completion("DELETE", &group, &Value::Null).await, Value::Null);
    assert_arm_error(&caller.request("GET", &group).await, 403);
    assert_eq!(assert_arm_error(&owner.request("GET", &group).await, 404).0, "ResourceGroupNotFound");
    assert_eq!(assert_arm_error(&owner.request("DELETE", &group).await, 404).0, "ResourceGroupNotFound");
    let deleted_hsm = owner.get(&deleted("local")).await;
    assert_eq!(deleted_hsm["properties"]["mhsmId"], hsm("local"));

    let recovering = json!({"location": "localhost", "properties": {"createMode": "recover"}});
    let early = owner.send("PUT", &hsm("local"), &recovering).await;
    assert_eq!(assert_arm_error(&early, 404).0, "ResourceGroupNotFound");
    owner.send("PUT", &group, &json!({"location": "localhost"})).await.json(201);
    owner.run_to_completion("PUT", &hsm("local"), &recovering).await;

    for id in ["x", "RESOURCEGROUPDELETIONJOB-", "RESOURCEGROUPDELETIONJOB-*"] {
        let answer = owner.request("GET", &format!("{SUBSCRIPTION}/operationresults/{id}")).await;
        assert!([400, 404].contains(&answer.status), "{answer:?}");
    }
    let unauthenticated = Arm::unauthenticated(&server);
    let results = format!("{SUBSCRIPTION}/operationresults/RESOURCEGROUPDELETIONJOB-ZGV2");
    assert_eq!(unauthenticated.request("GET", &results).await.status, 401);
}

/// The requests of Ansible's `azure.azcollection.azure_rm_resourcegroup`: it reads the group, lists its resources, creates
/// the group if it is missing, and reports `changed` by what it reads.
#[tokio::test]
async fn ansible_resource_group_requests_are_idempotent() {
    let server = Server::start();
    let owner = Arm::authenticated(&server, "owner").await;
    let group = format!("{SUBSCRIPTION}/resourcegroups/ansible");
    let wanted = json!({"location": "westeurope", "tags": {"team": "blue"}});
    assert_eq!(assert_arm_error(&owner.request("GET", &group).await, 404).0, "ResourceGroupNotFound");
    assert_eq!(owner.request("HEAD", &group).await.status, 404);
    owner.send("PUT", &group, &wanted).await.json(201);

    let read = owner.get(&group).await;
    for member in ["location", "tags"] {
        assert_eq!(read[member], wanted[member], "{member}");
    }
    assert_eq!(read["properties"]["provisioningState"], "Succeeded");
    let inside = owner.get(&format!("{SUBSCRIPTION}/resourceGroups/ansible/resources")).await;
    assert_eq!(inside, json!({"value": []}));

    // `state: absent`, twice.
    owner.run_to_completion("DELETE", &group, &Value::Null).await;
    assert_eq!(assert_arm_error(&owner.request("GET", &group).await, 404).0, "ResourceGroupNotFound");
}
