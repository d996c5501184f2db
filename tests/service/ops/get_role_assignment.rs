//! Reading a role assignment.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    CRYPTO_AUDITOR, CRYPTO_USER, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted,
    assign, assignment_name, guid, metadata,
};
use crate::support::{Server, error_metadata};

fn request(name: &str) -> pb::GetRoleAssignmentRequest {
    pb::GetRoleAssignmentRequest { name: name.to_owned() }
}

#[tokio::test]
async fn returns_an_assignment_by_its_name() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/invoices").await;
    let answer = dev.access.get_role_assignment(request(&made.name)).await;
    assert_audited(&server, metadata(&answer), "RoleAssignmentGet", "OK", &made.name);
    assert_eq!(answer.unwrap().into_inner(), made);

    let unknown = dev.access.get_role_assignment(request(&assignment_name(&guid(1)))).await;
    assert_grpc_error(unknown, Code::NotFound, "ROLE_ASSIGNMENT_NOT_FOUND");
    for name in
        ["", &guid(1), &assignment_name("x"), &made.name.replace("roleAssignments", "roleDefinitions")]
    {
        assert_bad_parameter(dev.access.get_role_assignment(request(name)).await, "name");
    }
    let elsewhere = dev.access.get_role_assignment(request(&made.name.replace("local", "elsewhere"))).await;
    assert_grpc_error(elsewhere, Code::NotFound, "HSM_NOT_FOUND");
}

/// Read permission at one key covers the assignments of that key and discloses no others.
#[tokio::test]
async fn read_permission_is_limited_to_its_scope() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    let own = assign(&mut dev, CRYPTO_AUDITOR, &principal, "/keys/invoices").await;
    let near = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/INVOICES").await;
    let far = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/letters").await;
    for name in [&own.name, &near.name] {
        nobody.access.get_role_assignment(request(name)).await.unwrap();
    }
    assert_not_granted(nobody.access.get_role_assignment(request(&far.name)).await);
    let unknown =
        assert_not_granted(nobody.access.get_role_assignment(request(&assignment_name(&guid(1)))).await);
    assert_eq!(error_metadata(&unknown, "scope"), "/");
}
