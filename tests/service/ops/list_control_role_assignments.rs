//! Listing ARM role assignments (control plane).

use strongroom::api::grpc::pb;

use crate::control::support::{READER, assign, create_group, group, hsm, list_assignments};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, guid, metadata};
use crate::support::Server;

#[tokio::test]
async fn lists_inherited_own_and_descendant_assignments() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    create_group(&mut owner, "team").await;
    let mut names = Vec::new();
    for scope in [SUBSCRIPTION.to_owned(), group("dev"), hsm("local"), group("team")] {
        names.push(assign(&mut owner, READER, &guid(99), &scope).await.name);
    }
    for (scope, expected) in [
        (SUBSCRIPTION.to_owned(), &names[..]),
        (group("dev"), &names[..3]),
        (hsm("local"), &names[..3]),
        (group("team"), &[names[0].clone(), names[3].clone()]),
    ] {
        let found: Vec<_> =
            list_assignments(&mut owner, &scope, &guid(99)).await.into_iter().map(|one| one.name).collect();
        assert_eq!(found, expected, "{scope}");
    }
    // The seed assigns Owner twice, Managed HSM contributor, Reader, and a role at its vault.
    assert_eq!(list_assignments(&mut owner, SUBSCRIPTION, "").await.len(), 5 + names.len());
    assert!(list_assignments(&mut owner, SUBSCRIPTION, &guid(98)).await.is_empty());
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let (mut reader, mut nobody) = (server.client("reader").await, server.client("nobody").await);
    let request = |parent: &str, principal: &str| pb::ListControlRoleAssignmentsRequest {
        parent: parent.to_owned(),
        principal_id: principal.to_owned(),
    };
    let answer = reader.authorization.list_control_role_assignments(request(SUBSCRIPTION, "")).await;
    let target = format!("/{SUBSCRIPTION}");
    assert_audited(&server, metadata(&answer), "ControlRoleAssignmentList", "OK", &target);
    let by_name = reader.authorization.list_control_role_assignments(request(SUBSCRIPTION, "reader")).await;
    assert_bad_parameter(by_name, "principal_id");
    assert_bad_parameter(
        reader.authorization.list_control_role_assignments(request("hsms/local", "")).await,
        "parent",
    );
    assert_not_granted(nobody.authorization.list_control_role_assignments(request(SUBSCRIPTION, "")).await);
}
