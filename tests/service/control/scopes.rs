//! The scopes of ARM role assignments: inheritance, immediate effect, and deletion with the resource.

use strongroom::api::grpc::pb;
use tonic::Code;

use super::support::{
    ACCESS_ADMINISTRATOR, OWNER, READER, assign, assignment_request, check, create_group, delete_group,
    get_assignment, get_group, group, hsm, list_assignments, unassign,
};
use crate::hsms::{self, Container};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_grpc_error, assert_not_granted};
use crate::support::Server;

#[tokio::test]
async fn assignments_are_inherited_downwards_only_and_immediately() {
    let server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    create_group(&mut owner, "team").await;

    assert_not_granted(get_group(&mut nobody, "team").await);
    let assigned = assign(&mut owner, READER, &principal, &group("team")).await;
    assert_eq!(get_group(&mut nobody, "team").await.unwrap().name, group("team"));
    // Names are case-insensitive.
    assert!(get_group(&mut nobody, "TEAM").await.is_ok());
    // Neither at sibling scopes nor above.
    assert_not_granted(get_group(&mut nobody, "dev").await);
    let above = pb::GetSubscriptionRequest { name: SUBSCRIPTION.to_owned() };
    assert_not_granted(nobody.resources.get_subscription(above.clone()).await);
    // The subscription is listed, because the caller has a role inside it.
    let listed = nobody.resources.list_subscriptions(pb::ListSubscriptionsRequest {}).await;
    assert_eq!(listed.unwrap().into_inner().subscriptions.len(), 1);

    unassign(&mut owner, &assigned.name).await.unwrap();
    assert_not_granted(get_group(&mut nobody, "team").await);
    assign(&mut owner, READER, &principal, SUBSCRIPTION).await;
    assert!(get_group(&mut nobody, "team").await.is_ok() && get_group(&mut nobody, "dev").await.is_ok());
    assert!(nobody.resources.get_subscription(above).await.is_ok());
}

#[tokio::test]
async fn assignment_at_an_hsm_applies_there_only() {
    let server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    assign(&mut owner, OWNER, &principal, &hsm("local")).await;
    let read = "Microsoft.KeyVault/managedHSMs/read";
    assert!(check(&mut owner, &principal, read, &hsm("LOCAL")).await.allowed);
    assert!(!check(&mut owner, &principal, read, &hsm("other")).await.allowed);
    assert!(!check(&mut owner, &principal, read, &group("dev")).await.allowed);
    // The owner of the HSM resource may assign roles there only.
    let reader = server.principal("reader").object_id;
    assign(&mut nobody, READER, &reader, &hsm("local")).await;
    let above = nobody.authorization.create_control_role_assignment(assignment_request(
        OWNER,
        &principal,
        &group("dev"),
    ));
    assert_not_granted(above.await);
    assert_not_granted(get_group(&mut nobody, "dev").await);
}

#[tokio::test]
async fn assign_permission_is_limited_to_its_scope() {
    let server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    let other = server.principal("crypto-user").object_id;
    create_group(&mut owner, "team").await;
    assign(&mut owner, ACCESS_ADMINISTRATOR, &principal, &group("team")).await;

    let assigned = assign(&mut nobody, READER, &other, &group("team")).await;
    assert_eq!(get_assignment(&mut nobody, &assigned.name).await.unwrap(), assigned);
    let elsewhere = [SUBSCRIPTION.to_owned(), group("dev"), hsm("local")];
    for scope in &elsewhere {
        let refused =
            nobody.authorization.create_control_role_assignment(assignment_request(READER, &other, scope));
        assert_not_granted(refused.await);
    }
    // The caller lists the assignments that apply at its scope, including inherited ones.
    let seen = list_assignments(&mut nobody, &group("team"), "").await;
    assert!(seen.contains(&assigned) && seen.iter().any(|one| one.scope == format!("/{SUBSCRIPTION}")));
    // The role grants nothing else.
    assert_not_granted(delete_group(&mut nobody, "team").await);
}

#[tokio::test]
async fn assignments_are_deleted_with_their_resource_group() {
    let mut server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    create_group(&mut owner, "team").await;
    let assigned = assign(&mut owner, OWNER, &principal, &group("team")).await;
    delete_group(&mut owner, "team").await.unwrap();
    assert_grpc_error(
        get_assignment(&mut owner, &assigned.name).await,
        Code::NotFound,
        "ROLE_ASSIGNMENT_NOT_FOUND",
    );
    // They do not apply to a new group of the same name.
    create_group(&mut owner, "team").await;
    assert_not_granted(get_group(&mut nobody, "team").await);
    server.restart();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    assert_not_granted(get_group(&mut nobody, "team").await);
    assert!(list_assignments(&mut owner, SUBSCRIPTION, &principal).await.is_empty());
}

#[tokio::test]
async fn assignments_survive_recovery_but_not_purge_of_an_hsm() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    owner.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap();
    let assigned = assign(&mut owner, OWNER, &principal, &container.hsm("payroll")).await;
    assert_eq!(assigned.scope, format!("/{}", hsm("payroll")));
    // Soft deletion keeps assignments for recovery, and new ones are rejected.
    let deleted = hsms::delete(&mut nobody, container.hsm("payroll")).await.unwrap();
    let refused = owner.authorization.create_control_role_assignment(assignment_request(
        READER,
        &principal,
        &hsm("payroll"),
    ));
    assert_grpc_error(refused.await, Code::NotFound, "HSM_NOT_FOUND");
    hsms::recover(&mut owner, deleted.name.clone()).await.unwrap();
    assert_eq!(get_assignment(&mut nobody, &assigned.name).await.unwrap(), assigned);

    hsms::delete(&mut nobody, container.hsm("payroll")).await.unwrap();
    hsms::purge(&mut owner, deleted.name).await.unwrap();
    owner.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap();
    assert_not_granted(hsms::delete(&mut nobody, container.hsm("payroll")).await);
    server.restart();
    let mut nobody = server.client("nobody").await;
    assert_not_granted(hsms::delete(&mut nobody, container.hsm("payroll")).await);
}
