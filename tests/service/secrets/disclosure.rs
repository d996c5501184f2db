//! Refusals do not disclose which secrets exist.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{create_vault, delete, enable_request, get, purge, recover, secret, set};
use crate::hsms::Container;
use crate::support::{Client, Server};

/// Returns the code, the message and all details of an error, without the name of the secret or certificate.
pub(crate) fn parts(status: &Status, name: &str) -> String {
    let info = status.get_details_error_info().unwrap();
    let mut facts: Vec<_> = info.metadata.into_iter().collect();
    facts.sort();
    let text = format!("{:?} {} {} {facts:?}", status.code(), info.reason, status.message());
    text.replace(name, "NAME")
}

/// Returns the error of a call that must be refused, by either permission model.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Status>) -> Status {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    status
}

/// Returns the refusals of all calls that name a secret.
async fn refusals(client: &mut Client, name: &str) -> Vec<String> {
    let version = format!("{}/versions/{}", secret(name), "0".repeat(32));
    let versions = pb::ListSecretVersionsRequest { parent: secret(name), ..Default::default() };
    let deleted = pb::GetDeletedSecretRequest { name: super::deleted_secret(name) };
    let backup = pb::BackupSecretRequest { name: secret(name) };
    let all = [
        refused(set(client, name, "x").await),
        refused(get(client, &secret(name)).await),
        refused(get(client, &version).await),
        refused(client.secrets.list_secret_versions(versions).await),
        refused(client.secrets.update_secret_version(enable_request(&secret(name), true)).await),
        refused(client.secrets.backup_secret(backup).await),
        refused(delete(client, name).await),
        refused(client.secrets.get_deleted_secret(deleted).await),
        refused(recover(client, name).await),
        refused(purge(client, name).await),
    ];
    all.iter().map(|status| parts(status, name)).collect()
}

#[tokio::test]
async fn refusals_are_the_same_for_existing_deleted_and_unknown_secrets() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    create_vault(&server, &mut dev, |_| {}).await;
    for name in ["live", "disabled", "deleted"] {
        set(&mut dev, name, "a value").await.unwrap();
    }
    dev.secrets.update_secret_version(enable_request(&secret("disabled"), false)).await.unwrap();
    delete(&mut dev, "deleted").await.unwrap();
    let mut nobody = server.client("nobody").await;
    for with_roles in [false, true] {
        if with_roles {
            let name = Container::of(&server).vault("sample");
            let vault = pb::Vault { name, rbac_authorization: Some(true), ..Default::default() };
            let update_mask = Some(prost_types::FieldMask { paths: vec!["rbac_authorization".to_owned()] });
            let request = pb::UpdateVaultRequest { vault: Some(vault), update_mask };
            dev.vaults.update_vault(request).await.unwrap();
        }
        let unknown = refusals(&mut nobody, "unknown").await;
        for name in ["live", "disabled", "deleted"] {
            assert_eq!(refusals(&mut nobody, name).await, unknown, "{name}");
        }
    }
}
