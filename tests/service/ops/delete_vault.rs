//! Soft-deleting a vault.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{CONTRIBUTOR, assign, group};
use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::Server;
use crate::vaults::{create, delete, deleted_names, live_names};

#[tokio::test]
async fn reports_the_purge_date_and_leaves_the_list() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let made =
        create(&mut owner, container.vault_request_with("payroll", |vault| vault.retention_days = Some(30)))
            .await
            .unwrap();
    let answer = owner.vaults.delete_vault(pb::DeleteVaultRequest { name: container.vault("PAYROLL") }).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/vaults/PAYROLL", container.group);
    assert_audited(&server, metadata(&answer), "VaultDelete", "OK", &scope);
    let deleted = answer.unwrap().into_inner();
    assert_eq!(deleted.name, container.deleted_vault("payroll"));
    let (at, until) = (deleted.deleted_at.unwrap(), deleted.scheduled_purge_at.unwrap());
    assert_eq!((until.seconds - at.seconds, until.nanos), (30 * 86_400, at.nanos));
    // The deletion is the last change.
    assert_eq!(deleted.vault, Some(pb::Vault { updated: deleted.deleted_at, ..made }));
    assert!(live_names(&mut owner, &container).await.is_empty());
    assert_eq!(deleted_names(&mut owner, &container).await, ["payroll"]);
    let again = delete(&mut owner, container.vault("payroll")).await;
    assert_grpc_error(again, Code::NotFound, "VAULT_NOT_FOUND");
}

#[tokio::test]
async fn rejects_missing_permission_and_unknown_vaults() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    for name in ["reader", "contributor", "administrator", "crypto-officer", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(delete(&mut caller, container.vault("payroll")).await);
        assert_not_granted(delete(&mut caller, container.vault("missing")).await);
    }
    let missing = delete(&mut owner, container.vault("missing")).await;
    assert_grpc_error(missing, Code::NotFound, "VAULT_NOT_FOUND");
    for name in ["vaults/payroll".to_owned(), container.hsm("payroll"), container.deleted_vault("payroll")] {
        assert_bad_parameter(delete(&mut owner, name).await, "name");
    }
    assert_eq!(live_names(&mut owner, &container).await, ["payroll"]);
    assign(&mut owner, CONTRIBUTOR, &server.principal("nobody").object_id, &group("dev")).await;
    delete(&mut server.client("nobody").await, container.vault("payroll")).await.unwrap();
}
