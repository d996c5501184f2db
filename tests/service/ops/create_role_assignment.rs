//! Creating role assignments of local RBAC. `roles/scopes.rs` tests where an assignment applies.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    CRYPTO_AUDITOR, CRYPTO_USER, HSM, assert_audited, assert_bad_parameter, assert_grpc_error,
    assert_not_granted, assign, assignment_name, assignment_request, definition_name, definition_request,
    guid, metadata, unassign,
};
use crate::support::{Client, Server, error_metadata};

async fn all(client: &mut Client) -> usize {
    let request = pb::ListRoleAssignmentsRequest { parent: HSM.to_owned(), ..Default::default() };
    client.access.list_role_assignments(request).await.unwrap().into_inner().role_assignments.len()
}

#[tokio::test]
async fn uses_the_requested_id_or_generates_one() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    // Neither the principal nor the key needs to exist.
    let request = pb::CreateRoleAssignmentRequest {
        role_assignment_id: guid(1).to_uppercase(),
        ..assignment_request(CRYPTO_USER, &guid(100).to_uppercase(), "/keys/Invoices")
    };
    let answer = dev.access.create_role_assignment(request).await;
    let target = "hsms/local/roleAssignments at /keys/Invoices";
    assert_audited(&server, metadata(&answer), "RoleAssignmentCreate", "OK", target);
    let made = answer.unwrap().into_inner();
    let expected = pb::RoleAssignment {
        name: assignment_name(&guid(1)),
        role_definition: definition_name(CRYPTO_USER),
        principal_id: guid(100),
        scope: "/keys/Invoices".to_owned(),
    };
    assert_eq!(made, expected);
    let read = dev.access.get_role_assignment(pb::GetRoleAssignmentRequest { name: made.name }).await;
    assert_eq!(read.unwrap().into_inner(), expected);

    let made = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys").await;
    let id = made.name.strip_prefix(&assignment_name("")).unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 4);
}

#[tokio::test]
async fn accepts_role_definition_id_or_resource_name() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let custom =
        dev.access.put_role_definition(definition_request("", &["keys/*"], &[])).await.unwrap().into_inner();
    for (number, role) in [
        CRYPTO_USER,
        &CRYPTO_AUDITOR.to_uppercase(),
        &definition_name("515eb02d-2335-4d2d-92f2-b1cbdf9c3778"),
        &custom.name,
        &definition_name("4bd23610-cdcf-4971-bdee-bdc562cc28e4").replace("local", "LOCAL"),
    ]
    .into_iter()
    .enumerate()
    {
        let made = assign(&mut dev, role, &guid(100), "/").await;
        assert!(
            made.role_definition.eq_ignore_ascii_case(&definition_name(role.rsplit('/').next().unwrap())),
            "{number}"
        );
    }
    let unknown = dev.access.create_role_assignment(assignment_request(&guid(9), &guid(100), "/")).await;
    assert_grpc_error(unknown, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    for role in ["", "Managed HSM Crypto User", "hsms/local/roleDefinitions/x", &assignment_name(CRYPTO_USER)]
    {
        assert_bad_parameter(
            dev.access.create_role_assignment(assignment_request(role, &guid(100), "/")).await,
            "role_definition",
        );
    }
    let foreign = format!("hsms/elsewhere/roleDefinitions/{CRYPTO_USER}");
    assert_bad_parameter(
        dev.access.create_role_assignment(assignment_request(&foreign, &guid(100), "/")).await,
        "role_definition",
    );
}

#[tokio::test]
async fn rejects_duplicate_assignments() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = pb::CreateRoleAssignmentRequest {
        role_assignment_id: guid(1),
        ..assignment_request(CRYPTO_USER, &guid(100), "/keys/invoices")
    };
    let made = dev.access.create_role_assignment(first.clone()).await.unwrap().into_inner();
    let before = all(&mut dev).await;

    let other_scope = pb::CreateRoleAssignmentRequest { scope: "/keys".to_owned(), ..first.clone() };
    let other_id = pb::CreateRoleAssignmentRequest { role_assignment_id: guid(2), ..first.clone() };
    let other_spelling =
        pb::CreateRoleAssignmentRequest { scope: "/keys/INVOICES".to_owned(), ..other_id.clone() };
    for (request, reason) in [
        (first.clone(), "ROLE_ASSIGNMENT_EXISTS"),
        (other_scope, "ROLE_ASSIGNMENT_EXISTS"),
        (other_id, "ROLE_ASSIGNMENT_MATCHES"),
        (other_spelling, "ROLE_ASSIGNMENT_MATCHES"),
    ] {
        let target = format!("{HSM}/roleAssignments at {}", request.scope);
        let again = dev.access.create_role_assignment(request).await;
        assert_audited(&server, metadata(&again), "RoleAssignmentCreate", reason, &target);
        if reason == "ROLE_ASSIGNMENT_MATCHES" {
            assert_eq!(error_metadata(again.as_ref().unwrap_err(), "role_assignment"), guid(1));
        }
        assert_grpc_error(again, Code::AlreadyExists, reason);
    }
    assert_eq!(all(&mut dev).await, before);

    // Of eight concurrent requests for the same assignment, one succeeds.
    let requests = (0..8).map(|_| {
        let mut dev = dev.clone();
        async move {
            dev.access.create_role_assignment(assignment_request(CRYPTO_AUDITOR, &guid(101), "/keys")).await
        }
    });
    let answers = futures_util::future::join_all(requests).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert_eq!(all(&mut dev).await, before + 1);

    unassign(&mut dev, &made.name).await;
    dev.access.create_role_assignment(first).await.unwrap();
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    for scope in ["", "keys", "/key", "/keys/a/b", "/keys/a b", "/secrets"] {
        assert_bad_parameter(
            dev.access.create_role_assignment(assignment_request(CRYPTO_USER, &guid(100), scope)).await,
            "scope",
        );
    }
    assert_bad_parameter(
        dev.access.create_role_assignment(assignment_request(CRYPTO_USER, "dev", "/")).await,
        "principal_id",
    );
    let request = pb::CreateRoleAssignmentRequest {
        role_assignment_id: "mine".to_owned(),
        ..assignment_request(CRYPTO_USER, &guid(100), "/")
    };
    assert_bad_parameter(dev.access.create_role_assignment(request).await, "role_assignment_id");
    assert_not_granted(
        nobody.access.create_role_assignment(assignment_request(CRYPTO_USER, &guid(100), "/")).await,
    );
}

#[tokio::test]
async fn limits_assignments_to_50_per_scope_and_10_per_key() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let request = pb::ListRoleAssignmentsRequest {
        parent: HSM.to_owned(),
        scope: "/".to_owned(),
        ..Default::default()
    };
    let at_hsm = dev.access.list_role_assignments(request).await.unwrap().into_inner().role_assignments.len();
    let at_hsm = u32::try_from(at_hsm).unwrap();
    for (scope, there, limit) in [("/", at_hsm, 50), ("/keys", 0, 50), ("/keys/invoices", 0, 10)] {
        for number in there..limit {
            assign(&mut dev, CRYPTO_USER, &guid(number), scope).await;
        }
        let more =
            dev.access.create_role_assignment(assignment_request(CRYPTO_USER, &guid(1_000), scope)).await;
        let status = assert_grpc_error(more, Code::ResourceExhausted, "LIMIT_EXCEEDED");
        assert_eq!(error_metadata(&status, "limit"), limit.to_string(), "{scope}");
    }
    // Key names are case-insensitive, and the limit applies per key.
    let more = dev
        .access
        .create_role_assignment(assignment_request(CRYPTO_USER, &guid(1_000), "/keys/INVOICES"))
        .await;
    assert_grpc_error(more, Code::ResourceExhausted, "LIMIT_EXCEEDED");
    let elsewhere = assign(&mut dev, CRYPTO_USER, &guid(1_000), "/keys/letters").await;
    unassign(&mut dev, &elsewhere.name).await;
}
