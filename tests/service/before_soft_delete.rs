//! Vaults without soft-delete, which a simulator may have until February 2025.

use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::arm::client::{Arm, SUBSCRIPTION, assert_arm_error};
use crate::control::support::{create_group, delete_group, group};
use crate::crash::count_objects;
use crate::hsms::Container;
use crate::rest::client::Rest;
use crate::roles::support::assert_grpc_error;
use crate::secrets;
use crate::support::{AccessTokens, Client, Server, error_metadata, hsm_tokens};
use crate::vaults::{self, create_request};

/// The settings of a simulator in the era before soft-delete.
pub(crate) const OPT_OUT: [(&str, &str); 2] = [
    ("STRONGROOM_SIMULATOR__CLOCK_START", "2024-11-01T00:00:00Z"),
    ("STRONGROOM_SIMULATOR__SOFT_DELETE_OPT_OUT", "true"),
];

/// Starts a server with the vault `sample` without soft-delete, in which `dev` has every permission.
async fn start() -> (Server, Client, Rest) {
    let server = Server::start_with(&[], &OPT_OUT);
    let tokens = server.access_tokens("dev").await;
    let mut owner = server.client("owner").await;
    let all = || Some(pb::PermissionNames { names: vec!["all".to_owned(), "purge".to_owned()] });
    let request = Container::of(&server).vault_request_with("sample", |vault| {
        vault.soft_delete = Some(false);
        vault.rbac_authorization = Some(false);
        let mut policy = secrets::policy(&server, "dev", &[]);
        policy.permissions = Some(pb::AccessPermissions {
            keys: all(),
            secrets: all(),
            certificates: all(),
            ..Default::default()
        });
        vault.access_policies = vec![policy];
    });
    let made = vaults::create(&mut owner, request).await.unwrap();
    assert_eq!((made.soft_delete, made.retention_days), (Some(false), Some(90)));
    assert_eq!(made.recovery_level, "Purgeable");
    let hsm = Rest::unauthenticated(&server);
    let host = hsm.base.replace("https://local.managedhsm.", "sample.vault.");
    let rest = hsm.at_host(&host).with_token(&tokens.vault);
    let dev = AccessTokens { data: tokens.vault.clone(), ..tokens };
    let client = Client::with_tokens(server.channel().await, &dev);
    (server, client, rest)
}

fn update_request(name: &str, path: &str, vault: pb::Vault) -> pb::UpdateVaultRequest {
    pb::UpdateVaultRequest {
        vault: Some(pb::Vault { name: name.to_owned(), ..vault }),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
    }
}

async fn update(client: &mut Client, path: &str, vault: pb::Vault) -> Result<pb::Vault, Status> {
    let request = update_request(&format!("{}/vaults/sample", group("dev")), path, vault);
    client.vaults.update_vault(request).await.map(tonic::Response::into_inner)
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: Result<T, Status>, field: &str) {
    let refused = assert_grpc_error(result, Code::InvalidArgument, "BAD_PARAMETER");
    assert_eq!(error_metadata(&refused, "field"), field);
}

/// Creates an object of each kind over REST, and returns its path.
async fn create_objects(rest: &Rest) -> Vec<(&'static str, &'static str)> {
    rest.put("/secrets/database", json!({"value": "first"})).await.json(200);
    rest.create("payroll", json!({"kty": "EC"})).await;
    let policy = json!({
        "key_props": {"kty": "EC", "crv": "P-256", "exportable": true},
        "secret_props": {"contentType": "application/x-pem-file"},
        "x509_props": {"subject": "CN=www.example.com"},
        "issuer": {"name": "Self"},
    });
    rest.post("/certificates/web/create", json!({ "policy": policy })).await.json(202);
    vec![("secrets", "database"), ("keys", "payroll"), ("certificates", "web")]
}

#[tokio::test]
async fn objects_are_deleted_permanently() {
    let (server, mut dev, rest) = start().await;
    let empty = count_objects(&server).complete;
    for (collection, name) in create_objects(&rest).await {
        let deleted = rest.delete(&format!("/{collection}/{name}")).await.json(200);
        // Clients wait for a deletion that has one.
        for member in ["recoveryId", "deletedDate", "scheduledPurgeDate"] {
            assert_eq!(deleted[member], Value::Null, "{collection}: {deleted}");
        }
        assert_eq!(deleted["attributes"]["recoveryLevel"], "Purgeable", "{deleted}");
        assert_eq!(deleted["attributes"]["recoverableDays"], Value::Null, "{deleted}");
        assert_eq!(rest.get(&format!("/{collection}/{name}")).await.status, 404);

        let path = format!("/deleted{collection}/{name}");
        let answers = [
            ("list", rest.get(&format!("/deleted{collection}")).await),
            ("get", rest.get(&path).await),
            ("recover", rest.post(&format!("{path}/recover"), Value::Null).await),
            ("purge", rest.delete(&path).await),
        ];
        for (operation, answer) in answers {
            let error = &answer.json(400)["error"];
            let message = format!("Operation \"{operation}\" is not enabled for this vault.");
            assert_eq!((&error["code"], &error["message"]), (&json!("NotSupported"), &json!(message)));
        }
    }
    // The companions of the certificate went with it, and all material with the keys.
    assert_eq!(rest.get("/keys/web").await.status, 404);
    assert_eq!(rest.get("/secrets/web").await.status, 404);
    assert_eq!(count_objects(&server).complete, empty);
    // The names are free.
    create_objects(&rest).await;

    // Over gRPC, the dates are equal.
    let request = pb::DeleteKeyRequest { name: "vaults/sample/keys/payroll".to_owned() };
    let key = dev.keys.delete_key(request).await.unwrap().into_inner();
    assert!(key.deleted_at.is_some() && key.deleted_at == key.scheduled_purge_at, "{key:?}");
    assert_eq!(key.key.unwrap().recoverable_days, 0);
    let secret = secrets::delete(&mut dev, "database").await.unwrap();
    assert!(secret.deleted_at.is_some() && secret.deleted_at == secret.scheduled_purge_at, "{secret:?}");
    let refused = secrets::purge(&mut dev, "database").await;
    let refused = assert_grpc_error(refused, Code::FailedPrecondition, "SOFT_DELETE_DISABLED");
    assert_eq!(error_metadata(&refused, "operation"), "purge");
    assert_eq!(secrets::set(&mut dev, "database", "again").await.unwrap().recovery_level, "Purgeable");
}

/// The versions in a backup have the identifiers of the objects that a deletion destroys.
#[tokio::test]
async fn deleted_key_returns_from_its_backup_only() {
    let (_server, _, rest) = start().await;
    let made = rest.create("payroll", json!({"kty": "EC"})).await;
    let backup = rest.post("/keys/payroll/backup", Value::Null).await.json(200);
    for _ in 0..3 {
        rest.delete("/keys/payroll").await.json(200);
        assert_eq!(rest.get("/keys/payroll").await.status, 404);
        let restored = rest.post("/keys/restore", backup.clone()).await.json(200);
        assert_eq!(restored["key"], made["key"]);
        let digest = json!({"alg": "ES256", "value": crate::rest::client::base64url(&[7; 32])});
        rest.post("/keys/payroll/sign", digest).await.json(200);
    }
}

#[tokio::test]
async fn permanent_deletions_survive_restarts() {
    let (mut server, mut dev, rest) = start().await;
    create_objects(&rest).await;
    secrets::set(&mut dev, "kept", "a value").await.unwrap();
    secrets::delete(&mut dev, "database").await.unwrap();
    rest.delete("/keys/payroll").await.json(200);
    let objects = count_objects(&server).complete;
    server.kill();
    server.start_again();
    let mut dev = server.client("dev").await;
    let names: Vec<_> = secrets::list(&mut dev).await.into_iter().map(|one| one.name).collect();
    assert_eq!(names, [secrets::secret("kept"), secrets::secret("web")]);
    assert_eq!(count_objects(&server).complete, objects);
    let vault = vaults::get(&mut server.client("owner").await, Container::of(&server).vault("sample")).await;
    assert_eq!(vault.unwrap().soft_delete, Some(false));
}

#[tokio::test]
async fn vaults_are_deleted_permanently() {
    let (server, _, rest) = start().await;
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create_objects(&rest).await;
    let before = hsm_tokens(&server).len();
    let deleted = vaults::delete(&mut owner, container.vault("sample")).await.unwrap();
    assert!(deleted.deleted_at.is_some() && deleted.deleted_at == deleted.scheduled_purge_at, "{deleted:?}");
    assert_eq!(vaults::deleted_names(&mut owner, &container).await, [""; 0]);
    assert_eq!(vaults::live_names(&mut owner, &container).await, [""; 0]);
    // A token that is wiped has no files.
    assert!(hsm_tokens(&server).len() <= before);
    // The name is free, and a later vault has nothing of it.
    let arm = Arm::authenticated(&server, "owner").await;
    let check = json!({"name": "sample", "type": "Microsoft.KeyVault/vaults"});
    let path = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkNameAvailability");
    assert_eq!(arm.send("POST", &path, &check).await.json(200)["nameAvailable"], true);
    secrets::create_vault(&server, &mut owner, |_| {}).await;
    let mut dev = server.client("dev").await;
    assert!(secrets::list(&mut dev).await.is_empty());

    // With its resource group, too.
    create_group(&mut owner, "old").await;
    let mut request = create_request(&group("old"), "archive");
    request.vault.as_mut().unwrap().soft_delete = Some(false);
    vaults::create(&mut owner, request).await.unwrap();
    delete_group(&mut owner, "old").await.unwrap();
    // Of both vaults.
    server.audit_where(2, |record| record["operationName"] == "VaultPurge");
    let again = create_request(&group("dev"), "archive");
    vaults::create(&mut owner, again).await.unwrap();
}

#[tokio::test]
async fn soft_delete_is_enabled_once_and_forever() {
    let (server, mut dev, rest) = start().await;
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let arm = Arm::authenticated(&server, "owner").await;
    let id = format!("{SUBSCRIPTION}/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/sample");
    assert_eq!(arm.get(&id).await["properties"]["enableSoftDelete"], false);

    // Purge protection and another interval require it.
    let protect = pb::Vault { purge_protection: true, ..Default::default() };
    assert_invalid(update(&mut owner, "purge_protection", protect.clone()).await, "purge_protection");
    let week = pb::Vault { retention_days: Some(7), ..Default::default() };
    assert_invalid(update(&mut owner, "retention_days", week).await, "vault.retention_days");
    let request = container.vault_request_with("other", |vault| {
        vault.soft_delete = Some(false);
        vault.purge_protection = true;
    });
    assert_invalid(vaults::create(&mut owner, request).await, "purge_protection");

    // A client sends back what it has read.
    let off = json!({"properties": {"enableSoftDelete": false}});
    assert_eq!(arm.send("PATCH", &id, &off).await.json(200)["properties"]["enableSoftDelete"], false);
    let on = json!({"properties": {"enableSoftDelete": true, "softDeleteRetentionInDays": 7}});
    let properties = arm.send("PATCH", &id, &on).await.json(200)["properties"].clone();
    assert_eq!(
        (&properties["enableSoftDelete"], &properties["softDeleteRetentionInDays"]),
        (&json!(true), &json!(7))
    );
    let refused = arm.send("PATCH", &id, &off).await;
    assert_eq!(
        assert_arm_error(&refused, 400).1,
        "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the 'soft delete' functionality is an irreversible action."
    );
    let off = pb::Vault { soft_delete: Some(false), ..Default::default() };
    assert_invalid(update(&mut owner, "soft_delete", off).await, "soft_delete");
    update(&mut owner, "purge_protection", protect).await.unwrap();

    // From now on, deleted objects are kept.
    secrets::set(&mut dev, "database", "value").await.unwrap();
    let deleted = rest.delete("/secrets/database").await.json(200);
    assert!(deleted["recoveryId"].is_string(), "{deleted}");
    assert_eq!(deleted["attributes"]["recoveryLevel"], "CustomizedRecoverable");
    secrets::recover(&mut dev, "database").await.unwrap();
}

#[tokio::test]
async fn opting_out_ends_in_february_2025() {
    let (server, _, rest) = start().await;
    let (mut owner, mut dev) = (server.client("owner").await, server.client("dev").await);
    let request =
        |name| Container::of(&server).vault_request_with(name, |vault| vault.soft_delete = Some(false));
    let to = |at: &str| pb::AdvanceClockRequest {
        target: Some(pb::advance_clock_request::Target::To(at.parse().unwrap())),
        ..Default::default()
    };
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    dev.clock.advance_clock(to("2025-01-31T23:59:59Z")).await.unwrap();
    vaults::create(&mut owner, request("last")).await.unwrap();
    dev.clock.advance_clock(to("2025-02-01T00:00:00Z")).await.unwrap();
    assert_invalid(vaults::create(&mut owner, request("late")).await, "soft_delete");
    let arm = Arm::authenticated(&server, "owner").await;
    let id = format!("{SUBSCRIPTION}/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/late");
    let body = json!({"location": "localhost", "properties": {
        "tenantId": server.connection().tenant_id,
        "sku": {"family": "A", "name": "standard"},
        "enableSoftDelete": false,
    }});
    let (_, message) = assert_arm_error(&arm.send("PUT", &id, &body).await, 400);
    assert!(message.contains("since February 2025"), "{message}");
    assert_eq!(arm.request("GET", &id).await.status, 404);
    // Vaults that exist stay as they are.
    rest.put("/secrets/database", json!({"value": "first"})).await.json(200);
    let deleted = rest.delete("/secrets/database").await.json(200);
    assert_eq!(deleted["recoveryId"], Value::Null);
}

#[tokio::test]
async fn simulator_without_the_setting_refuses_to_opt_out() {
    let server = Server::start_with(&[], &OPT_OUT[..1]);
    let mut owner = server.client("owner").await;
    let clock = owner.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner();
    assert_eq!(clock.now.unwrap().to_string()[..7], *"2024-11");
    let request = Container::of(&server).vault_request_with("old", |vault| vault.soft_delete = Some(false));
    assert_invalid(vaults::create(&mut owner, request).await, "soft_delete");
}
