//! Reading a deleted vault.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{KEY_VAULT_PURGE_OPERATOR, assign};
use crate::hsms::Container;
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::Server;
use crate::vaults::{create, delete};

fn request(name: String) -> pb::GetDeletedVaultRequest {
    pb::GetDeletedVaultRequest { name }
}

#[tokio::test]
async fn returns_the_resource_that_deletion_returned() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let name = container.deleted_vault("payroll");
    let missing = owner.vaults.get_deleted_vault(request(name.clone())).await;
    assert_grpc_error(missing, Code::NotFound, "DELETED_VAULT_NOT_FOUND");
    let deleted = delete(&mut owner, container.vault("payroll")).await.unwrap();
    let answer = owner.vaults.get_deleted_vault(request(name.clone())).await;
    let scope = format!(
        "/{}/providers/Microsoft.KeyVault/locations/localhost/deletedVaults/payroll",
        container.subscription
    );
    assert_audited(&server, metadata(&answer), "VaultGetDeleted", "OK", &scope);
    assert_eq!(answer.unwrap().into_inner(), deleted);
    let spelled = format!("{}/locations/LOCAL HOST/deletedVaults/PAYROLL", container.subscription);
    assert_eq!(owner.vaults.get_deleted_vault(request(spelled)).await.unwrap().into_inner(), deleted);
    let elsewhere = format!("{}/locations/westeurope/deletedVaults/payroll", container.subscription);
    let elsewhere = owner.vaults.get_deleted_vault(request(elsewhere)).await;
    assert_grpc_error(elsewhere, Code::NotFound, "DELETED_VAULT_NOT_FOUND");
    let live = owner.vaults.get_deleted_vault(request(container.vault("payroll"))).await;
    assert_bad_parameter(live, "name");

    let mut nobody = server.client("nobody").await;
    assert_not_granted(nobody.vaults.get_deleted_vault(request(name.clone())).await);
    let principal = server.principal("nobody").object_id;
    assign(&mut owner, KEY_VAULT_PURGE_OPERATOR, &principal, SUBSCRIPTION).await;
    assert_eq!(nobody.vaults.get_deleted_vault(request(name)).await.unwrap().into_inner(), deleted);
}
