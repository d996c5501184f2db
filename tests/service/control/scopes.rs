//! The scopes of ARM role assignments: inheritance, immediate effect, and deletion with the resource.

use strongroom::api::grpc::pb;
use tonic::Code;

use super::ask::{
    ACCESS_ADMINISTRATOR, OWNER, READER, assign, assigning, check, delete_group, get, get_group, group, hsm,
    list, make_group, unassign,
};
use crate::hsms::{self, Place};
use crate::requests::SUBSCRIPTION;
use crate::roles::ask::{fails, not_granted};
use crate::support::Server;

#[tokio::test]
async fn assignments_are_inherited_downwards_only_and_immediately() {
    let server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    make_group(&mut owner, "team").await;

    not_granted(get_group(&mut nobody, "team").await);
    let assigned = assign(&mut owner, READER, &principal, &group("team")).await;
    assert_eq!(get_group(&mut nobody, "team").await.unwrap().name, group("team"));
    // Names are case-insensitive.
    assert!(get_group(&mut nobody, "TEAM").await.is_ok());
    // Neither at sibling scopes nor above.
    not_granted(get_group(&mut nobody, "dev").await);
    let above = pb::GetSubscriptionRequest { name: SUBSCRIPTION.to_owned() };
    not_granted(nobody.resources.get_subscription(above.clone()).await);
    // The subscription is listed, because the caller has a role inside it.
    let listed = nobody.resources.list_subscriptions(pb::ListSubscriptionsRequest {}).await;
    assert_eq!(listed.unwrap().into_inner().subscriptions.len(), 1);

    unassign(&mut owner, &assigned.name).await.unwrap();
    not_granted(get_group(&mut nobody, "team").await);
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
    let above =
        nobody.authorization.create_control_role_assignment(assigning(OWNER, &principal, &group("dev")));
    not_granted(above.await);
    not_granted(get_group(&mut nobody, "dev").await);
}

#[tokio::test]
async fn assign_permission_is_limited_to_its_scope() {
    let server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    let other = server.principal("crypto-user").object_id;
    make_group(&mut owner, "team").await;
    assign(&mut owner, ACCESS_ADMINISTRATOR, &principal, &group("team")).await;

    let assigned = assign(&mut nobody, READER, &other, &group("team")).await;
    assert_eq!(get(&mut nobody, &assigned.name).await.unwrap(), assigned);
    let elsewhere = [SUBSCRIPTION.to_owned(), group("dev"), hsm("local")];
    for scope in &elsewhere {
        let refused = nobody.authorization.create_control_role_assignment(assigning(READER, &other, scope));
        not_granted(refused.await);
    }
    // The caller lists the assignments that apply at its scope, including inherited ones.
    let seen = list(&mut nobody, &group("team"), "").await;
    assert!(seen.contains(&assigned) && seen.iter().any(|one| one.scope == format!("/{SUBSCRIPTION}")));
    // The role grants nothing else.
    not_granted(delete_group(&mut nobody, "team").await);
}

#[tokio::test]
async fn assignments_are_deleted_with_their_resource_group() {
    let mut server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    make_group(&mut owner, "team").await;
    let assigned = assign(&mut owner, OWNER, &principal, &group("team")).await;
    delete_group(&mut owner, "team").await.unwrap();
    fails(get(&mut owner, &assigned.name).await, Code::NotFound, "ROLE_ASSIGNMENT_NOT_FOUND");
    // They do not apply to a new group of the same name.
    make_group(&mut owner, "team").await;
    not_granted(get_group(&mut nobody, "team").await);
    server.restart();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    not_granted(get_group(&mut nobody, "team").await);
    assert!(list(&mut owner, SUBSCRIPTION, &principal).await.is_empty());
}

#[tokio::test]
async fn assignments_survive_recovery_but_not_purge_of_an_hsm() {
    let mut server = Server::start();
    let container = Place::of(&server);
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let principal = server.principal("nobody").object_id;
    owner.hsms.create_managed_hsm(container.creating("payroll")).await.unwrap();
    let assigned = assign(&mut owner, OWNER, &principal, &container.hsm("payroll")).await;
    assert_eq!(assigned.scope, format!("/{}", hsm("payroll")));
    // Soft deletion keeps assignments for recovery, and new ones are rejected.
    let deleted = hsms::delete(&mut nobody, container.hsm("payroll")).await.unwrap();
    let refused =
        owner.authorization.create_control_role_assignment(assigning(READER, &principal, &hsm("payroll")));
    fails(refused.await, Code::NotFound, "HSM_NOT_FOUND");
    hsms::recover(&mut owner, deleted.name.clone()).await.unwrap();
    assert_eq!(get(&mut nobody, &assigned.name).await.unwrap(), assigned);

    hsms::delete(&mut nobody, container.hsm("payroll")).await.unwrap();
    hsms::purge(&mut owner, deleted.name).await.unwrap();
    owner.hsms.create_managed_hsm(container.creating("payroll")).await.unwrap();
    not_granted(hsms::delete(&mut nobody, container.hsm("payroll")).await);
    server.restart();
    let mut nobody = server.client("nobody").await;
    not_granted(hsms::delete(&mut nobody, container.hsm("payroll")).await);
}
