//! Deleting an ARM role assignment (control plane).

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{READER, assign, get_assignment, get_group, group, unassign};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_grpc_error, assert_not_granted, guid, metadata};
use crate::support::Server;

#[tokio::test]
async fn takes_effect_immediately_and_survives_a_restart() {
    let mut server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    let assigned = assign(&mut owner, READER, &principal, &group("dev")).await;
    assert!(get_group(&mut nobody, "dev").await.is_ok());
    let request = pb::DeleteControlRoleAssignmentRequest { name: assigned.name.clone() };
    let answer = owner.authorization.delete_control_role_assignment(request).await;
    let target = format!("/{}", assigned.name);
    assert_audited(&server, metadata(&answer), "ControlRoleAssignmentDelete", "OK", &target);
    assert_eq!(answer.unwrap().into_inner(), assigned);
    assert_not_granted(get_group(&mut nobody, "dev").await);
    server.restart();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    assert_not_granted(get_group(&mut nobody, "dev").await);
    for _ in 0..2 {
        assert_grpc_error(
            unassign(&mut owner, &assigned.name).await,
            Code::NotFound,
            "ROLE_ASSIGNMENT_NOT_FOUND",
        );
    }
}

#[tokio::test]
async fn requires_role_assignment_delete_permission() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let assigned = assign(&mut owner, READER, &guid(99), &group("dev")).await;
    let unknown = format!("{SUBSCRIPTION}/roleAssignments/{}", guid(1));
    for name in ["contributor", "reader", "administrator", "nobody"] {
        let mut caller = server.client(name).await;
        for name in [&assigned.name, &unknown] {
            assert_not_granted(unassign(&mut caller, name).await);
        }
    }
    assert_eq!(get_assignment(&mut owner, &assigned.name).await.unwrap(), assigned);
}
