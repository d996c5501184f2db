//! Creating an ARM role assignment (control plane).

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{OWNER, READER, assign, assignment_request, get_assignment, group, hsm};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::Server;

#[tokio::test]
async fn created_assignment_survives_a_restart() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    for (number, scope) in [SUBSCRIPTION.to_owned(), group("dev"), hsm("local")].into_iter().enumerate() {
        let id = guid(u32::try_from(number).unwrap());
        let request = pb::CreateControlRoleAssignmentRequest {
            role_assignment_id: id.clone(),
            role_definition: format!("{SUBSCRIPTION}/roleDefinitions/{READER}"),
            ..assignment_request(READER, &guid(99), &scope)
        };
        let answer = owner.authorization.create_control_role_assignment(request).await;
        let target = format!("/{scope}/roleAssignments");
        assert_audited(&server, metadata(&answer), "ControlRoleAssignmentCreate", "OK", &target);
        let expected = pb::RoleAssignment {
            name: format!("{scope}/roleAssignments/{id}"),
            role_definition: format!("{scope}/roleDefinitions/{READER}"),
            principal_id: guid(99),
            scope: format!("/{scope}"),
        };
        assert_eq!(answer.unwrap().into_inner(), expected);
        server.restart();
        owner = server.client("owner").await;
        assert_eq!(get_assignment(&mut owner, &expected.name).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn rejects_duplicate_assignments() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let first = assign(&mut owner, READER, &guid(99), &group("dev")).await;
    let id = first.name.rsplit('/').next().unwrap().to_owned();
    let again = [
        (assignment_request(READER, &guid(99), &group("DEV")), "ROLE_ASSIGNMENT_MATCHES"),
        (
            pb::CreateControlRoleAssignmentRequest {
                role_assignment_id: id,
                ..assignment_request(OWNER, &guid(98), SUBSCRIPTION)
            },
            "ROLE_ASSIGNMENT_EXISTS",
        ),
    ];
    for (request, reason) in again {
        let answer = owner.authorization.create_control_role_assignment(request).await;
        assert_grpc_error(answer, Code::AlreadyExists, reason);
    }
}

#[tokio::test]
async fn role_definition_and_scope_must_exist() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let mut create = async |request| owner.authorization.create_control_role_assignment(request).await;
    let unknown = create(assignment_request(&guid(1), &guid(99), SUBSCRIPTION)).await;
    assert_grpc_error(unknown, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    // A role of local RBAC cannot be assigned in ARM RBAC.
    let local = "a290e904-7015-4bba-90c8-60543313cdb4";
    let local = create(assignment_request(local, &guid(99), SUBSCRIPTION)).await;
    assert_grpc_error(local, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    let nowhere = create(assignment_request(READER, &guid(99), &group("none"))).await;
    assert_grpc_error(nowhere, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    let nothing = create(assignment_request(READER, &guid(99), &hsm("none"))).await;
    assert_grpc_error(nothing, Code::NotFound, "HSM_NOT_FOUND");
    let missing = create(assignment_request(READER, &guid(99), &format!("subscriptions/{}", guid(1)))).await;
    assert_grpc_error(missing, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    let foreign = format!("subscriptions/{}/roleDefinitions/{READER}", guid(1));
    assert_bad_parameter(
        create(assignment_request(&foreign, &guid(99), SUBSCRIPTION)).await,
        "role_definition",
    );
    assert_bad_parameter(create(assignment_request(READER, "nobody", SUBSCRIPTION)).await, "principal_id");
}

#[tokio::test]
async fn requires_role_assignment_write_permission() {
    let server = Server::start();
    for name in ["contributor", "reader", "administrator", "policy-administrator", "nobody"] {
        let mut caller = server.client(name).await;
        let own = server.principal(name).object_id;
        for scope in [SUBSCRIPTION.to_owned(), group("dev"), hsm("local"), group("none")] {
            let request = assignment_request(OWNER, &own, &scope);
            assert_not_granted(caller.authorization.create_control_role_assignment(request).await);
        }
    }
}
