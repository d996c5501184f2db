//! Reading a deleted managed HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::hsms::{Container, delete};
use crate::roles::support::{assert_bad_parameter, assert_grpc_error, assert_not_granted};
use crate::support::Server;

fn request(name: String) -> pb::GetDeletedManagedHsmRequest {
    pb::GetDeletedManagedHsmRequest { name }
}

#[tokio::test]
async fn returns_the_resource_that_deletion_returned() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let name = container.deleted("local");
    let missing = contributor.hsms.get_deleted_managed_hsm(request(name.clone())).await;
    assert_grpc_error(missing, Code::NotFound, "DELETED_HSM_NOT_FOUND");
    let deleted = delete(&mut contributor, container.hsm("local")).await.unwrap();
    let read = contributor.hsms.get_deleted_managed_hsm(request(name)).await.unwrap().into_inner();
    assert_eq!(read, deleted);
    let spelled = format!("{}/locations/LOCAL HOST/deletedManagedHsms/LOCAL", container.subscription);
    let read = contributor.hsms.get_deleted_managed_hsm(request(spelled)).await.unwrap().into_inner();
    assert_eq!(read, deleted);
    let elsewhere = format!("{}/locations/westeurope/deletedManagedHsms/local", container.subscription);
    let elsewhere = contributor.hsms.get_deleted_managed_hsm(request(elsewhere)).await;
    assert_grpc_error(elsewhere, Code::NotFound, "DELETED_HSM_NOT_FOUND");
    assert_bad_parameter(
        contributor.hsms.get_deleted_managed_hsm(request(container.hsm("local"))).await,
        "name",
    );
    let mut officer = server.client("crypto-officer").await;
    assert_not_granted(officer.hsms.get_deleted_managed_hsm(request(container.deleted("local"))).await);
}
