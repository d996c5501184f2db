//! Secrets and keys of vaults as resources.

use serde_json::{Value, json};

use super::client::{Arm, SUBSCRIPTION, assert_arm_error};
use crate::control::support::{KEY_VAULT_CONTRIBUTOR, OWNER, READER, assign, vault};
use crate::hsms::Container;
use crate::rest::client::Rest;
use crate::support::Server;
use crate::vaults;

const VAULT: &str = "/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/contoso";

/// Returns the id of an object of the vault `contoso`.
fn id(path: &str) -> String {
    format!("{SUBSCRIPTION}{VAULT}/{path}")
}

/// Starts a server with the vault `contoso`, whose access policies give `dev` every permission. Returns a client of the control
/// plane of `nobody`, who is a Key Vault Contributor, and clients of its data plane of `dev` and `nobody`.
async fn start() -> (Server, Arm, Rest, Rest) {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let all = || Some(pb_names(&["all"]));
    let request = Container::of(&server).vault_request_with("contoso", |vault| {
        vault.sku = Some("premium".to_owned());
        vault.rbac_authorization = Some(false);
        let mut policy = crate::secrets::policy(&server, "dev", &["all"]);
        policy.permissions.as_mut().unwrap().keys = all();
        let other = crate::secrets::policy(&server, "crypto-officer", &["all"]);
        vault.access_policies = vec![policy, other];
    });
    vaults::create(&mut owner, request).await.unwrap();
    let nobody = server.principal("nobody").object_id;
    assign(&mut owner, KEY_VAULT_CONTRIBUTOR, &nobody, &vault("contoso")).await;
    let hsm = Rest::unauthenticated(&server);
    let data = hsm.at_host(&hsm.base.replace("https://local.managedhsm.", "contoso.vault."));
    let token = async |name| server.access_token_for(name, "https://vault.azure.net").await;
    let dev = data.with_token(&token("dev").await);
    let nobody = data.with_token(&token("nobody").await);
    let contributor = Arm::authenticated(&server, "nobody").await;
    (server, contributor, dev, nobody)
}

fn pb_names(names: &[&str]) -> strongroom::api::grpc::pb::PermissionNames {
    strongroom::api::grpc::pb::PermissionNames {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[tokio::test]
async fn contributor_writes_secrets_and_reads_no_value() {
    let (server, contributor, dev, nobody) = start().await;
    let body = json!({
        "tags": {"team": "web"},
        "properties": {"value": "first", "contentType": "text/plain", "attributes": {"exp": 4_000_000_000_i64}},
    });
    let made = contributor.send("PUT", &id("secrets/Database"), &body).await.json(200);
    assert_eq!(made["id"], id("secrets/Database"));
    assert_eq!((&made["name"], &made["location"]), (&json!("Database"), &json!("localhost")));
    assert_eq!(made["type"], "Microsoft.KeyVault/vaults/secrets");
    assert_eq!(made["tags"], json!({"team": "web"}));
    let properties = &made["properties"];
    assert_eq!((&properties["contentType"], &properties["value"]), (&json!("text/plain"), &Value::Null));
    assert_eq!(properties["secretUri"], format!("{}/secrets/Database", dev.base));
    let attributes = &properties["attributes"];
    assert_eq!((&attributes["enabled"], &attributes["exp"]), (&json!(true), &json!(4_000_000_000_i64)));
    assert!(!made.to_string().contains("first"), "{made}");

    // The value is that of the data plane, which the role does not open.
    let version = dev.path(&properties["secretUriWithVersion"]);
    assert_eq!(dev.get(version).await.json(200)["value"], "first");
    assert_eq!(nobody.get(version).await.status, 403);

    // An update keeps the value, and what it does not name.
    let update = json!({"properties": {"contentType": "text/html"}});
    let updated = contributor.send("PATCH", &id("secrets/database"), &update).await.json(200);
    assert_eq!(updated["properties"]["secretUriWithVersion"], properties["secretUriWithVersion"]);
    assert_eq!(updated["properties"]["contentType"], "text/html");
    assert_eq!(updated["tags"], json!({"team": "web"}));
    let second = json!({"properties": {"value": "second"}});
    let second = contributor.send("PATCH", &id("secrets/database"), &second).await.json(200);
    assert_ne!(second["properties"]["secretUriWithVersion"], properties["secretUriWithVersion"]);
    assert_eq!(second["properties"]["contentType"], "text/html");
    assert_eq!(dev.get("/secrets/database").await.json(200)["value"], "second");
    // A `PUT` inherits nothing.
    let third = json!({"properties": {"value": "third"}});
    let third = contributor.send("PUT", &id("secrets/database"), &third).await.json(200);
    assert_eq!((&third["tags"], &third["properties"]["contentType"]), (&Value::Null, &Value::Null));
    assert_eq!(contributor.get(&id("secrets/DATABASE")).await, third);
    assert_eq!(contributor.get(&id("secrets")).await, json!({"value": [third]}));

    // A disabled version is described, too.
    let off = json!({"properties": {"attributes": {"enabled": false}}});
    contributor.send("PATCH", &id("secrets/database"), &off).await.json(200);
    assert_eq!(contributor.get(&id("secrets/database")).await["properties"]["attributes"]["enabled"], false);

    let audited = server.audit_where(2, |record| record["operationName"] == "VaultSecretPut");
    assert!(audited.iter().all(|record| !record.to_string().contains("third")), "{audited:?}");
}

#[tokio::test]
async fn keys_are_created_only_if_there_are_none() {
    let (_server, contributor, dev, nobody) = start().await;
    let body = json!({"properties": {"kty": "EC", "curveName": "P-384", "keyOps": ["sign"]}});
    let made = contributor.send("PUT", &id("keys/payroll"), &body).await.json(200);
    assert_eq!((&made["id"], &made["name"]), (&json!(id("keys/payroll")), &json!("payroll")));
    let properties = &made["properties"];
    assert_eq!((&properties["kty"], &properties["curveName"]), (&json!("EC"), &json!("P-384")));
    assert_eq!((&properties["keyOps"], &properties["keySize"]), (&json!(["sign"]), &Value::Null));
    assert_eq!(properties["attributes"]["recoveryLevel"], "Recoverable+Purgeable");
    assert_eq!(properties["keyUri"], format!("{}/keys/payroll", dev.base));
    let uri = dev.path(&properties["keyUriWithVersion"]).to_owned();
    assert_eq!(dev.get(&uri).await.json(200)["key"]["crv"], "P-384");
    assert_eq!(nobody.get(&uri).await.status, 403);

    // Another `PUT` changes nothing.
    let other = json!({"tags": {"a": "b"}, "properties": {"kty": "RSA-HSM", "keySize": 3072}});
    assert_eq!(contributor.send("PUT", &id("keys/Payroll"), &other).await.json(200), made);
    assert_eq!(contributor.get(&id("keys/payroll")).await, made);

    let rotated = dev.create("payroll", json!({"kty": "RSA-HSM"})).await;
    let current = contributor.get(&id("keys/payroll")).await;
    assert_eq!(current["properties"]["keyUriWithVersion"], rotated["key"]["kid"]);
    assert_eq!(current["properties"]["keySize"], 2048);
    let versions = contributor.get(&id("keys/payroll/versions")).await;
    let versions = versions["value"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    let first = uri.rsplit('/').next().unwrap();
    assert_eq!(
        (&versions[0]["name"], &versions[0]["id"]),
        (&json!(first), &json!(id(&format!("keys/payroll/versions/{first}"))))
    );
    assert_eq!(contributor.get(&id(&format!("keys/payroll/versions/{first}"))).await, versions[0]);
    let listed = contributor.get(&id("keys")).await;
    assert_eq!(listed, json!({"value": [current]}));
}

#[tokio::test]
async fn invalid_requests_name_the_member_and_change_nothing() {
    let (_server, contributor, dev, _) = start().await;
    let long = "x".repeat(25_601);
    for (path, body, member) in [
        ("secrets/a", json!({}), "properties.value"),
        ("secrets/a", json!({"properties": {"value": long}}), "value"),
        ("secrets/a_b", json!({"properties": {"value": "x"}}), "name"),
        (
            "secrets/a",
            json!({"properties": {"value": "x", "attributes": {"exp": 1_000_000_000_000_000_i64}}}),
            "attributes.exp",
        ),
        ("keys/a", json!({"properties": {}}), "properties.kty"),
        ("keys/a", json!({"properties": {"kty": "EC", "keyOps": ["encrypt"]}}), "key_ops"),
        ("keys/a", json!({"properties": {"kty": "RSA", "keySize": 512}}), "key_size"),
    ] {
        let refused = contributor.send("PUT", &id(path), &body).await;
        let (code, message) = assert_arm_error(&refused, 400);
        assert_eq!(code, "BadRequest", "{message}");
        assert!(message.contains(member), "{path}: {message}");
    }
    let policy = json!({"properties": {"kty": "EC", "rotationPolicy": {}}});
    assert_arm_error(&contributor.send("PUT", &id("keys/a"), &policy).await, 501);
    for collection in ["secrets", "keys"] {
        assert_eq!(contributor.get(&id(collection)).await, json!({"value": []}));
        assert_arm_error(&contributor.request("GET", &id(&format!("{collection}/a"))).await, 404);
    }
    let patch = json!({"properties": {"value": "x"}});
    assert_arm_error(&contributor.send("PATCH", &id("secrets/a"), &patch).await, 404);
    // A deleted name is taken.
    dev.put("/secrets/gone", json!({"value": "x"})).await.json(200);
    dev.delete("/secrets/gone").await.json(200);
    assert_arm_error(&contributor.send("PUT", &id("secrets/gone"), &patch).await, 409);
}

#[tokio::test]
async fn control_plane_roles_decide_about_secrets_as_resources() {
    let (server, contributor, dev, _) = start().await;
    let mut owner = server.client("owner").await;
    let body = json!({"properties": {"value": "x"}});
    contributor.send("PUT", &id("secrets/a"), &body).await.json(200);
    // Permissions for the contents do not suffice.
    let officer = Arm::authenticated(&server, "crypto-officer").await;
    let refused = officer.send("PUT", &id("secrets/a"), &body).await;
    let (code, message) = assert_arm_error(&refused, 403);
    assert_eq!(code, "AuthorizationFailed");
    assert!(message.contains("Microsoft.KeyVault/vaults/secrets/write"), "{message}");
    let token = server.access_token_for("crypto-officer", "https://vault.azure.net").await;
    dev.with_token(&token).get("/secrets/a").await.json(200);
    // A reader reads; a role at the secret suffices.
    let principal = server.principal("crypto-officer").object_id;
    assign(&mut owner, READER, &principal, &vault("contoso")).await;
    officer.get(&id("secrets/a")).await;
    assert_arm_error(&officer.send("PUT", &id("keys/k"), &json!({"properties": {"kty": "EC"}})).await, 403);
    assign(&mut owner, OWNER, &principal, &format!("{}/secrets/a", vault("contoso"))).await;
    officer.send("PUT", &id("secrets/a"), &body).await.json(200);
    assert_arm_error(&officer.send("PUT", &id("secrets/b"), &body).await, 403);
    // A vault that does not exist is not disclosed.
    let missing = id("secrets/a").replace("contoso", "unknown");
    let refused = assert_arm_error(&officer.send("PUT", &missing, &body).await, 403).1;
    assert!(refused.contains("/vaults/unknown/secrets/a"), "{refused}");
    let arm = Arm::authenticated(&server, "owner").await;
    assert_eq!(assert_arm_error(&arm.send("PUT", &missing, &body).await, 404).0, "ResourceNotFound");
}
