//! Reading a managed HSM as a resource.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::hsms::Place;
use crate::roles::ask::{assert_recorded, bad, fails, metadata, not_granted};
use crate::support::Server;

fn request(name: String) -> pb::GetManagedHsmRequest {
    pb::GetManagedHsmRequest { name }
}

#[tokio::test]
async fn reader_reads_the_resource() {
    let server = Server::start();
    let container = Place::of(&server);
    let mut reader = server.client("reader").await;
    let answer = reader.hsms.get_managed_hsm(request(container.hsm("local"))).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/managedHSMs/local", container.group);
    assert_recorded(&server, metadata(&answer), "ManagedHsmGet", "OK", &scope);
    let read = answer.unwrap().into_inner();
    assert_eq!((read.activated, read.location.as_str()), (true, "localhost"));
    assert_eq!(read.tenant_id, server.connection().tenant_id);
    let upper = container.hsm("LOCAL");
    assert_eq!(reader.hsms.get_managed_hsm(request(upper)).await.unwrap().into_inner(), read);
}

#[tokio::test]
async fn local_rbac_roles_cannot_read_the_resource() {
    let server = Server::start();
    let container = Place::of(&server);
    for name in ["administrator", "crypto-officer", "nobody"] {
        let mut caller = server.client(name).await;
        not_granted(caller.hsms.get_managed_hsm(request(container.hsm("local"))).await);
        // The refusal does not disclose whether the HSM exists.
        not_granted(caller.hsms.get_managed_hsm(request(container.hsm("missing"))).await);
    }
}

#[tokio::test]
async fn rejects_unknown_hsms_and_invalid_names() {
    let server = Server::start();
    let container = Place::of(&server);
    let mut reader = server.client("reader").await;
    let missing = reader.hsms.get_managed_hsm(request(container.hsm("missing"))).await;
    fails(missing, Code::NotFound, "HSM_NOT_FOUND");
    let elsewhere = format!("{}/resourceGroups/other/managedHsms/local", container.subscription);
    fails(reader.hsms.get_managed_hsm(request(elsewhere)).await, Code::NotFound, "HSM_NOT_FOUND");
    for name in ["", "hsms/local", "managedHsms/local", &container.group] {
        bad(reader.hsms.get_managed_hsm(request(name.to_owned())).await, "name");
    }
}
