//! Deleting role assignments of local RBAC.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    CRYPTO_USER, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, assign,
    assignment_name, guid, metadata, sign,
};
use crate::support::{Server, ec};

fn request(name: &str) -> pb::DeleteRoleAssignmentRequest {
    pb::DeleteRoleAssignmentRequest { name: name.to_owned() }
}

#[tokio::test]
async fn deletion_takes_effect_and_survives_a_restart() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let principal = server.principal("nobody").object_id;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let assigned = assign(&mut dev, CRYPTO_USER, &principal, "/keys/invoices").await;
    let remaining = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/invoices").await;

    let answer = dev.access.delete_role_assignment(request(&assigned.name)).await;
    assert_audited(&server, metadata(&answer), "RoleAssignmentDelete", "OK", &assigned.name);
    assert_eq!(answer.unwrap().into_inner(), assigned);
    let again = dev.access.delete_role_assignment(request(&assigned.name)).await;
    assert_audited(
        &server,
        metadata(&again),
        "RoleAssignmentDelete",
        "ROLE_ASSIGNMENT_NOT_FOUND",
        &assigned.name,
    );
    assert_grpc_error(again, Code::NotFound, "ROLE_ASSIGNMENT_NOT_FOUND");

    server.restart();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    assert_not_granted(sign(&mut nobody, "invoices").await);
    let read = |name: &str| pb::GetRoleAssignmentRequest { name: name.to_owned() };
    let deleted = dev.access.get_role_assignment(read(&assigned.name)).await;
    assert_grpc_error(deleted, Code::NotFound, "ROLE_ASSIGNMENT_NOT_FOUND");
    assert_eq!(dev.access.get_role_assignment(read(&remaining.name)).await.unwrap().into_inner(), remaining);
}

#[tokio::test]
async fn rejects_missing_permission_and_invalid_names() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let assigned = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/invoices").await;
    let refused = nobody.access.delete_role_assignment(request(&assigned.name)).await;
    assert_audited(&server, metadata(&refused), "RoleAssignmentDelete", "ACTION_NOT_GRANTED", &assigned.name);
    assert_not_granted(refused);
    assert_not_granted(nobody.access.delete_role_assignment(request(&assignment_name(&guid(1)))).await);
    for name in ["", &guid(1), &assignment_name("x")] {
        assert_bad_parameter(dev.access.delete_role_assignment(request(name)).await, "name");
    }
    let remaining =
        dev.access.get_role_assignment(pb::GetRoleAssignmentRequest { name: assigned.name }).await;
    remaining.unwrap();
}

/// Of eight concurrent deletions of one assignment, one succeeds.
#[tokio::test]
async fn concurrent_deletions_succeed_once() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let assigned = assign(&mut dev, CRYPTO_USER, &guid(100), "/").await;
    let calls = (0..8).map(|_| {
        let (mut dev, name) = (dev.clone(), assigned.name.clone());
        async move { dev.access.delete_role_assignment(request(&name)).await }
    });
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_grpc_error(answer, Code::NotFound, "ROLE_ASSIGNMENT_NOT_FOUND");
    }
}
