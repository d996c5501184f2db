//! Purging a deleted vault. `vaults.rs` tests what remains of it.

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::happening::What;
use tonic::Code;

use crate::control::support::{KEY_VAULT_CONTRIBUTOR, KEY_VAULT_PURGE_OPERATOR, assign};
use crate::hsms::Container;
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Server, days, error_metadata};
use crate::vaults::{create, delete, purge};

#[tokio::test]
async fn rejects_live_vaults_and_missing_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let name = container.deleted_vault("payroll");
    let live = purge(&mut owner, name.clone()).await;
    assert_grpc_error(live, Code::NotFound, "DELETED_VAULT_NOT_FOUND");
    delete(&mut owner, container.vault("payroll")).await.unwrap();
    // Key Vault Contributor excludes purging.
    let reader = server.principal("reader").object_id;
    assign(&mut owner, KEY_VAULT_CONTRIBUTOR, &reader, SUBSCRIPTION).await;
    for who in ["reader", "contributor", "administrator", "crypto-officer", "nobody"] {
        let status = assert_not_granted(purge(&mut server.client(who).await, name.clone()).await);
        assert_eq!(
            error_metadata(&status, "action"),
            "Microsoft.KeyVault/locations/deletedVaults/purge/action"
        );
    }
    assert_bad_parameter(purge(&mut owner, container.vault("payroll")).await, "name");
    let nobody = server.principal("nobody").object_id;
    assign(&mut owner, KEY_VAULT_PURGE_OPERATOR, &nobody, SUBSCRIPTION).await;
    let mut operator = server.client("nobody").await;
    let answer =
        operator.vaults.purge_deleted_vault(pb::PurgeDeletedVaultRequest { name: name.clone() }).await;
    let scope = format!(
        "/{}/providers/Microsoft.KeyVault/locations/localhost/deletedVaults/payroll",
        container.subscription
    );
    assert_audited(&server, metadata(&answer), "VaultPurge", "OK", &scope);
    assert_grpc_error(purge(&mut operator, name).await, Code::NotFound, "DELETED_VAULT_NOT_FOUND");
}

/// With purge protection, purge requests fail on day 92, and the service purges on day 93.
#[tokio::test]
async fn purge_protection_holds_until_the_scheduled_purge() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let request = container.vault_request_with("payroll", |vault| vault.purge_protection = true);
    create(&mut owner, request).await.unwrap();
    let mut dev = server.client("dev").await;
    dev.clock.advance_clock(days(3)).await.unwrap();
    let deleted = delete(&mut owner, container.vault("payroll")).await.unwrap();
    dev.clock.advance_clock(days(89)).await.unwrap();
    for who in ["owner", "dev"] {
        let refused = purge(&mut server.client(who).await, deleted.name.clone()).await;
        let status = assert_grpc_error(refused, Code::FailedPrecondition, "PURGE_PROTECTED");
        assert_eq!(error_metadata(&status, "recovery_level"), "Recoverable");
    }
    let events = dev.clock.advance_clock(days(1)).await.unwrap().into_inner().happenings;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].what, Some(What::PurgedVault(deleted.name.clone())));
    assert_eq!(events[0].at, deleted.scheduled_purge_at);
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let purges = server.audit_where(1, |record| {
        record["operationName"] == "VaultPurge" && record["resultType"] == "Success"
    });
    assert_eq!(purges[0]["httpStatusCode"], 200);
}
