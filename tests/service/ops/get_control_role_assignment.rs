//! Reading an ARM role assignment (control plane).

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{READER, assign, get_assignment, group};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::Server;

#[tokio::test]
async fn returns_the_assignment_at_its_own_scope_only() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let assigned = assign(&mut owner, READER, &guid(99), &group("dev")).await;
    let mut reader = server.client("reader").await;
    let request = pb::GetControlRoleAssignmentRequest { name: assigned.name.clone() };
    let answer = reader.authorization.get_control_role_assignment(request).await;
    let target = format!("/{}", assigned.name);
    assert_audited(&server, metadata(&answer), "ControlRoleAssignmentGet", "OK", &target);
    assert_eq!(answer.unwrap().into_inner(), assigned);
    // The name contains the scope: at another scope, no assignment has this id.
    let elsewhere = assigned.name.replace(&group("dev"), SUBSCRIPTION);
    assert_grpc_error(
        get_assignment(&mut reader, &elsewhere).await,
        Code::NotFound,
        "ROLE_ASSIGNMENT_NOT_FOUND",
    );
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let assigned = assign(&mut owner, READER, &guid(99), SUBSCRIPTION).await;
    let unknown = format!("{SUBSCRIPTION}/roleAssignments/{}", guid(1));
    assert_grpc_error(
        get_assignment(&mut owner, &unknown).await,
        Code::NotFound,
        "ROLE_ASSIGNMENT_NOT_FOUND",
    );
    for name in ["", SUBSCRIPTION, &format!("{SUBSCRIPTION}/roleAssignments/x"), &format!("/{unknown}")] {
        assert_bad_parameter(get_assignment(&mut owner, name).await, "name");
    }
    for name in [&assigned.name, &unknown] {
        assert_not_granted(get_assignment(&mut nobody, name).await);
    }
}
