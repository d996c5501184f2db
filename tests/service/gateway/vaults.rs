//! Tests vaults created over a gateway's control plane.

use strongroom::api::grpc::pb;
use tonic::Code;

use super::fixture::{ADMIN, Gateway, TENANT};
use crate::roles::support::assert_grpc_error;
use crate::support::Client;
use crate::vaults;

const OTHER_SUBSCRIPTION: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0009";

/// Starts a gateway with HSMs in two subscriptions, which the administrator owns, and with a pool of tokens.
async fn start(pool: &[&str], shared: bool) -> (Gateway, Client) {
    let mut gateway = Gateway::new();
    for label in pool.iter().chain(&["other"]) {
        gateway.initialize(label, super::PIN);
    }
    let tokens: Vec<String> = pool.iter().map(|label| format!("{{ label = {label:?} }}")).collect();
    let token = format!("[token]\npool = [{}]\npool_shared = {shared}\n", tokens.join(", "));
    let mut text = gateway.configuration().replace("[token]\n", &token);
    text.push_str(&format!(
        "\n[[hsm]]\nname = \"other\"\ntoken = {{ label = \"other\" }}\ntenant_id = \"{TENANT}\"\n\
         subscription_id = \"{OTHER_SUBSCRIPTION}\"\nadministrators = [\"{ADMIN}\"]\n"
    ));
    for subscription in [TENANT, OTHER_SUBSCRIPTION] {
        text.push_str(&format!(
            "\n[[control_plane_role]]\nprincipal = \"{ADMIN}\"\nrole = \"Owner\"\n\
             scope = \"/subscriptions/{subscription}\"\n"
        ));
    }
    gateway.write("strongroom.toml", &text);
    let port = gateway.start();
    let client = Client::with_tokens(gateway.connect(port, None).await.unwrap(), &gateway.bearers(ADMIN));
    (gateway, client)
}

/// Creates a vault in the default resource group of a subscription, whose secrets the administrator may use.
async fn create_vault(admin: &mut Client, subscription: &str, name: &str) {
    let group = format!("subscriptions/{subscription}/resourceGroups/default");
    let mut request = vaults::create_request(&group, name);
    let vault = request.vault.as_mut().unwrap();
    let names = ["all", "purge"].map(str::to_owned).to_vec();
    vault.rbac_authorization = Some(false);
    vault.access_policies = vec![pb::AccessPolicy {
        tenant_id: TENANT.to_owned(),
        principal_id: ADMIN.to_owned(),
        application_id: String::new(),
        permissions: Some(pb::AccessPermissions {
            secrets: Some(pb::PermissionNames { names }),
            ..Default::default()
        }),
    }];
    vaults::create(admin, request).await.unwrap();
}

/// Stores the secret `password` in a vault.
async fn set(admin: &mut Client, vault: &str, value: &str) {
    let request = pb::SetSecretRequest {
        parent: format!("vaults/{vault}"),
        secret_id: "password".to_owned(),
        value: Some(value.to_owned()),
        ..Default::default()
    };
    admin.secrets.set_secret(request).await.unwrap();
}

/// Returns the value of the secret `password` of a vault.
async fn value(admin: &mut Client, vault: &str) -> String {
    let request = pb::GetSecretRequest { name: format!("vaults/{vault}/secrets/password") };
    admin.secrets.get_secret(request).await.unwrap().into_inner().value.unwrap()
}

#[tokio::test]
async fn backups_are_restored_in_the_same_subscription_only() {
    let (_gateway, mut admin) = start(&["spare-1", "spare-2", "spare-3"], false).await;
    create_vault(&mut admin, TENANT, "first").await;
    create_vault(&mut admin, TENANT, "second").await;
    create_vault(&mut admin, OTHER_SUBSCRIPTION, "third").await;
    set(&mut admin, "first", "carried").await;
    let request = pb::BackupSecretRequest { name: "vaults/first/secrets/password".to_owned() };
    let backup = admin.secrets.backup_secret(request).await.unwrap().into_inner().backup;

    let restore = |vault: &str| pb::RestoreSecretRequest { parent: vault.to_owned(), backup: backup.clone() };
    let refused = admin.secrets.restore_secret(restore("vaults/third")).await;
    let status = assert_grpc_error(refused, Code::InvalidArgument, "MALFORMED_BACKUP");
    assert!(status.message().contains("another subscription"), "{status:?}");
    let list = pb::ListSecretsRequest { parent: "vaults/third".to_owned(), ..Default::default() };
    assert_eq!(admin.secrets.list_secrets(list).await.unwrap().into_inner().secrets, []);

    admin.secrets.restore_secret(restore("vaults/second")).await.unwrap();
    assert_eq!(value(&mut admin, "second").await, "carried");
}

#[tokio::test]
async fn vaults_share_a_token_and_purge_only_their_own_objects() {
    let (mut gateway, mut admin) = start(&["shared"], true).await;
    for name in ["first", "second"] {
        create_vault(&mut admin, TENANT, name).await;
        set(&mut admin, name, name).await;
    }
    let group = format!("subscriptions/{TENANT}/resourceGroups/default");
    vaults::delete(&mut admin, format!("{group}/vaults/first")).await.unwrap();
    let deleted = format!("subscriptions/{TENANT}/locations/localhost/deletedVaults/first");
    vaults::purge(&mut admin, deleted).await.unwrap();
    assert_eq!(value(&mut admin, "second").await, "second");

    gateway.stop();
    let port = gateway.start();
    let mut admin = Client::with_tokens(gateway.connect(port, None).await.unwrap(), &gateway.bearers(ADMIN));
    assert_eq!(value(&mut admin, "second").await, "second");
    // A new vault of the former name has a sealing key of its own.
    create_vault(&mut admin, TENANT, "first").await;
    set(&mut admin, "first", "again").await;
    assert_eq!(value(&mut admin, "first").await, "again");
}
