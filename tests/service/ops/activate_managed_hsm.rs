//! Activating a managed HSM.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::hsms::Container;
use crate::key_backups::{backup, remove, restore};
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Server, ec, reason};

fn request(name: &str) -> pb::ActivateManagedHsmRequest {
    pb::ActivateManagedHsmRequest { name: name.to_owned() }
}

#[tokio::test]
async fn data_plane_is_unavailable_before_activation() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let mut creation = container.create_request("payroll");
    let dev = server.principal("dev").object_id;
    creation.managed_hsm.as_mut().unwrap().administrators.push(dev);
    owner.hsms.create_managed_hsm(creation).await.unwrap();
    let mut dev = server.client("dev").await;
    let list = pb::ListRoleAssignmentsRequest { parent: "hsms/payroll".to_owned(), ..Default::default() };
    assert_grpc_error(
        dev.access.list_role_assignments(list.clone()).await,
        Code::FailedPrecondition,
        "HSM_NOT_ACTIVATED",
    );
    let key = pb::CreateKeyRequest { parent: "hsms/payroll".to_owned(), ..ec("k", "P-256") };
    assert_not_granted(dev.create(key).await);

    let answer = dev.hsms.activate_managed_hsm(request("hsms/payroll")).await;
    assert_audited(&server, metadata(&answer), "ManagedHsmActivate", "OK", "hsms/payroll");
    assert_eq!(dev.access.list_role_assignments(list).await.unwrap().into_inner().role_assignments.len(), 2);
    server.restart();
    let read = pb::GetManagedHsmRequest { name: container.hsm("payroll") };
    let mut owner = server.client("owner").await;
    assert!(owner.hsms.get_managed_hsm(read).await.unwrap().into_inner().activated);
    // Activation is idempotent.
    server.client("dev").await.hsms.activate_managed_hsm(request("hsms/payroll")).await.unwrap();
}

#[tokio::test]
async fn only_hsm_administrators_activate() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    owner.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap();
    for name in ["owner", "contributor", "dev", "crypto-officer", "nobody"] {
        assert_not_granted(
            server.client(name).await.hsms.activate_managed_hsm(request("hsms/payroll")).await,
        );
    }
    let mut administrator = server.client("administrator").await;
    assert_grpc_error(
        administrator.hsms.activate_managed_hsm(request("hsms/missing")).await,
        Code::NotFound,
        "HSM_NOT_FOUND",
    );
    assert_bad_parameter(
        administrator.hsms.activate_managed_hsm(request(&container.hsm("payroll"))).await,
        "name",
    );
    crate::hsms::delete(&mut owner, container.hsm("payroll")).await.unwrap();
    assert_grpc_error(
        administrator.hsms.activate_managed_hsm(request("hsms/payroll")).await,
        Code::FailedPrecondition,
        "HSM_DELETED",
    );
}

/// An HSM that an older version has activated has no security domain. It gets one at the next start, and keeps it.
#[tokio::test]
async fn active_hsm_without_security_domain_gets_one_at_start() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let before = backup(&mut dev, "invoices").await.unwrap();
    assert!(server.stop().success());

    let file = server.directory().join("strongroom.db");
    std::fs::remove_file(file.with_extension("db.sha256")).unwrap();
    let mut database = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let sql = "UPDATE hsms SET resource = json_remove(resource, '$.security_domain')";
    assert_eq!(sqlx::query(sql).execute(&mut database).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();
    server.start_again();
    let mut dev = server.client("dev").await;
    let after = backup(&mut dev, "invoices").await.unwrap();
    remove(&mut dev, "invoices").await;
    // The new domain is another one.
    let status = restore(&mut dev, "local", &before).await.unwrap_err();
    assert_eq!(reason(&status), "MALFORMED_BACKUP");
    server.restart();
    let mut dev = server.client("dev").await;
    restore(&mut dev, "local", &after).await.unwrap();
}
