//! Tests vaults created over a gateway's control plane.

use strongroom::api::grpc::pb;
use tonic::Code;

use super::fixture::{ADMIN, Gateway, TENANT};
use crate::roles::support::assert_grpc_error;
use crate::support::Client;
use crate::vaults;

const OTHER_SUBSCRIPTION: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0009";

/// Starts a gateway with HSMs in two subscriptions, which the administrator owns, and with a pool of three tokens.
async fn start() -> (Gateway, Client) {
    let mut gateway = Gateway::new();
    for label in ["other", "spare-1", "spare-2", "spare-3"] {
        gateway.initialize(label, super::PIN);
    }
    let pool =
        "[token]\npool = [{ label = \"spare-1\" }, { label = \"spare-2\" }, { label = \"spare-3\" }]\n";
    let mut text = gateway.configuration().replace("[token]\n", pool);
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

#[tokio::test]
async fn backups_are_restored_in_the_same_subscription_only() {
    let (_gateway, mut admin) = start().await;
    create_vault(&mut admin, TENANT, "first").await;
    create_vault(&mut admin, TENANT, "second").await;
    create_vault(&mut admin, OTHER_SUBSCRIPTION, "third").await;
    let request = pb::SetSecretRequest {
        parent: "vaults/first".to_owned(),
        secret_id: "password".to_owned(),
        value: Some("carried".to_owned()),
        ..Default::default()
    };
    admin.secrets.set_secret(request).await.unwrap();
    let request = pb::BackupSecretRequest { name: "vaults/first/secrets/password".to_owned() };
    let backup = admin.secrets.backup_secret(request).await.unwrap().into_inner().backup;

    let restore = |vault: &str| pb::RestoreSecretRequest { parent: vault.to_owned(), backup: backup.clone() };
    let refused = admin.secrets.restore_secret(restore("vaults/third")).await;
    let status = assert_grpc_error(refused, Code::InvalidArgument, "MALFORMED_BACKUP");
    assert!(status.message().contains("another subscription"), "{status:?}");
    let list = pb::ListSecretsRequest { parent: "vaults/third".to_owned(), ..Default::default() };
    assert_eq!(admin.secrets.list_secrets(list).await.unwrap().into_inner().secrets, []);

    admin.secrets.restore_secret(restore("vaults/second")).await.unwrap();
    let request = pb::GetSecretRequest { name: "vaults/second/secrets/password".to_owned() };
    let secret = admin.secrets.get_secret(request).await.unwrap().into_inner();
    assert_eq!(secret.value.as_deref(), Some("carried"));
}
