//! Recovering a deleted vault. `vaults.rs` tests what is recovered with it.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{CONTRIBUTOR, assign, group};
use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Server, days};
use crate::vaults::{create, delete, get, live_names, recover};

#[tokio::test]
async fn recovered_vault_is_unchanged_and_can_be_deleted_again() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let first = delete(&mut owner, container.vault("payroll")).await.unwrap();
    let request = pb::RecoverDeletedVaultRequest { name: container.deleted_vault("payroll") };
    let answer = owner.vaults.recover_deleted_vault(request).await;
    let scope = format!(
        "/{}/providers/Microsoft.KeyVault/locations/localhost/deletedVaults/payroll",
        container.subscription
    );
    assert_audited(&server, metadata(&answer), "VaultRecover", "OK", &scope);
    let recovered = answer.unwrap().into_inner();
    assert_eq!(get(&mut owner, container.vault("payroll")).await.unwrap(), recovered);
    let deleted = first.vault.unwrap();
    // The recovery is the last change.
    assert_ne!(recovered.updated, deleted.updated);
    assert_eq!(recovered, pb::Vault { updated: recovered.updated, ..deleted });
    assert_eq!(live_names(&mut owner, &container).await, ["payroll"]);
    assert_grpc_error(
        recover(&mut owner, container.deleted_vault("payroll")).await,
        Code::NotFound,
        "DELETED_VAULT_NOT_FOUND",
    );

    let mut dev = server.client("dev").await;
    dev.clock.advance_clock(days(10)).await.unwrap();
    delete(&mut owner, container.vault("payroll")).await.unwrap();
    // Nothing is purged on the first scheduled purge date.
    assert_eq!(dev.clock.advance_clock(days(85)).await.unwrap().into_inner().happenings, []);
    assert_eq!(dev.clock.advance_clock(days(5)).await.unwrap().into_inner().happenings.len(), 1);
}

#[tokio::test]
async fn requires_vault_write_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    delete(&mut owner, container.vault("payroll")).await.unwrap();
    for name in ["reader", "contributor", "administrator", "crypto-officer", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(recover(&mut caller, container.deleted_vault("payroll")).await);
    }
    assert_bad_parameter(recover(&mut owner, container.vault("payroll")).await, "name");
    // The permission at the former resource group suffices.
    assign(&mut owner, CONTRIBUTOR, &server.principal("nobody").object_id, &group("dev")).await;
    recover(&mut server.client("nobody").await, container.deleted_vault("payroll")).await.unwrap();
}
