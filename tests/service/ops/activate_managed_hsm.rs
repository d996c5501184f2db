//! Activating a managed HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Server, ec};

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
