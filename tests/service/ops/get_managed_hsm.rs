//! Reading a managed HSM as a resource.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::Server;

fn request(name: String) -> pb::GetManagedHsmRequest {
    pb::GetManagedHsmRequest { name }
}

#[tokio::test]
async fn reader_reads_the_resource() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut reader = server.client("reader").await;
    let answer = reader.hsms.get_managed_hsm(request(container.hsm("local"))).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/managedHSMs/local", container.group);
    assert_audited(&server, metadata(&answer), "ManagedHsmGet", "OK", &scope);
    let read = answer.unwrap().into_inner();
    assert_eq!((read.activated, read.location.as_str()), (true, "localhost"));
    assert_eq!(read.tenant_id, server.connection().tenant_id);
    let upper = container.hsm("LOCAL");
    assert_eq!(reader.hsms.get_managed_hsm(request(upper)).await.unwrap().into_inner(), read);
}

#[tokio::test]
async fn local_rbac_roles_cannot_read_the_resource() {
    let server = Server::start();
    let container = Container::of(&server);
    for name in ["administrator", "crypto-officer", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(caller.hsms.get_managed_hsm(request(container.hsm("local"))).await);
        // The refusal does not disclose whether the HSM exists.
        assert_not_granted(caller.hsms.get_managed_hsm(request(container.hsm("missing"))).await);
    }
}

#[tokio::test]
async fn rejects_unknown_hsms_and_invalid_names() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut reader = server.client("reader").await;
    let missing = reader.hsms.get_managed_hsm(request(container.hsm("missing"))).await;
    assert_grpc_error(missing, Code::NotFound, "HSM_NOT_FOUND");
    let elsewhere = format!("{}/resourceGroups/other/managedHsms/local", container.subscription);
    assert_grpc_error(reader.hsms.get_managed_hsm(request(elsewhere)).await, Code::NotFound, "HSM_NOT_FOUND");
    for name in ["", "hsms/local", "managedHsms/local", &container.group] {
        assert_bad_parameter(reader.hsms.get_managed_hsm(request(name.to_owned())).await, "name");
    }
}
