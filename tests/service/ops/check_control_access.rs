//! Checking access by ARM RBAC (control plane).

use strongroom::api::grpc::pb;

use crate::control::support::{READER, assign, check, create_group, group, hsm};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, guid, metadata};
use crate::support::Server;

const READ: &str = "Microsoft.KeyVault/managedHSMs/read";
const WRITE: &str = "Microsoft.KeyVault/managedHSMs/write";

fn request(action: &str, scope: &str) -> pb::CheckControlAccessRequest {
    pb::CheckControlAccessRequest {
        parent: scope.to_owned(),
        principal_id: guid(99),
        group_ids: Vec::new(),
        action: action.to_owned(),
        actions: Vec::new(),
    }
}

#[tokio::test]
async fn reports_the_deciding_assignment_or_missing_action() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let assigned = assign(&mut owner, READER, &guid(99), &group("dev")).await;

    let yes = check(&mut owner, &guid(99), "microsoft.keyvault/MANAGEDHSMS/read", &hsm("local")).await;
    assert!(yes.allowed, "{yes:?}");
    assert_eq!((yes.action.as_str(), yes.scope.as_str()), (READ, format!("/{}", hsm("local")).as_str()));
    assert_eq!((yes.role_assignment.as_ref(), yes.role_name.as_str()), (Some(&assigned), "Reader"));

    for (action, scope, why) in
        [(WRITE, group("dev"), "none of the roles"), (READ, SUBSCRIPTION.to_owned(), "is assigned at")]
    {
        let no = check(&mut owner, &guid(99), action, &scope).await;
        assert!(!no.allowed && no.role_assignment.is_none(), "{no:?}");
        assert!(no.reason.starts_with(&format!("missing {action}")) && no.reason.contains(why), "{no:?}");
    }
    let none = check(&mut owner, &guid(98), READ, SUBSCRIPTION).await;
    assert!(none.reason.ends_with("has no role assignment in this subscription"), "{none:?}");
    // The reason does not disclose assignments at sibling scopes.
    create_group(&mut owner, "team").await;
    let beside = check(&mut owner, &guid(99), READ, &group("team")).await;
    assert!(!beside.allowed && !beside.reason.contains("dev"), "{beside:?}");
}

#[tokio::test]
async fn considers_only_groups_in_the_request() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    assign(&mut owner, READER, &guid(50), SUBSCRIPTION).await;
    let with = pb::CheckControlAccessRequest { group_ids: vec![guid(50)], ..request(READ, SUBSCRIPTION) };
    let answer = owner.authorization.check_control_access(with).await;
    let target = format!("/{SUBSCRIPTION}");
    assert_audited(&server, metadata(&answer), "ControlAccessCheck", "OK", &target);
    assert!(answer.unwrap().into_inner().allowed);
    let without = owner.authorization.check_control_access(request(READ, SUBSCRIPTION)).await;
    assert!(!without.unwrap().into_inner().allowed);
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let (mut reader, mut nobody) = (server.client("reader").await, server.client("nobody").await);
    // A data action is not an action of the control plane.
    let local = request("Microsoft.KeyVault/managedHsm/keys/sign/action", SUBSCRIPTION);
    assert_bad_parameter(reader.authorization.check_control_access(local).await, "action");
    assert_bad_parameter(reader.authorization.check_control_access(request(READ, "/keys")).await, "parent");
    assert_not_granted(nobody.authorization.check_control_access(request(READ, SUBSCRIPTION)).await);
}

#[tokio::test]
async fn every_principal_may_ask_about_itself_and_learns_no_assignment() {
    let server = Server::start();
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let own = server.principal("nobody").object_id;
    let about = |action: &str, scope: &str| pb::CheckControlAccessRequest {
        principal_id: own.clone(),
        actions: vec![WRITE.to_owned()],
        ..request(action, scope)
    };
    // A scope that does not exist has the same answer as one that does.
    for scope in [SUBSCRIPTION.to_owned(), group("dev"), group("absent"), hsm("local"), hsm("absent")] {
        let no = nobody.authorization.check_control_access(about(READ, &scope)).await.unwrap().into_inner();
        let reason = |action| format!("missing {action}: {own} has no role assignment that you may read");
        assert_eq!((no.allowed, no.reason), (false, reason(READ)));
        let further: Vec<_> = no.decisions.into_iter().map(|one| (one.allowed, one.reason)).collect();
        assert_eq!(further, [(false, reason(WRITE))]);
    }
    // A role that does not permit reading role assignments.
    let definition = pb::PutControlRoleDefinitionRequest {
        parent: SUBSCRIPTION.to_owned(),
        role_definition_id: guid(1),
        role_definition: Some(pb::RoleDefinition {
            role_name: "Lists HSMs".to_owned(),
            permissions: vec![pb::Permission { actions: vec![READ.to_owned()], ..Default::default() }],
            assignable_scopes: vec![format!("/{SUBSCRIPTION}")],
            ..Default::default()
        }),
    };
    owner.authorization.put_control_role_definition(definition).await.unwrap();
    assign(&mut owner, &guid(1), &own, &group("dev")).await;
    let yes = nobody.authorization.check_control_access(about(READ, &hsm("local"))).await;
    let yes = yes.unwrap().into_inner();
    assert!(yes.allowed && yes.role_assignment.is_none() && yes.role_name.is_empty(), "{yes:?}");
    assert!(yes.reason.ends_with("by a role assignment that you may not read"), "{yes:?}");
    let above = nobody.authorization.check_control_access(about(READ, SUBSCRIPTION)).await;
    let above = above.unwrap().into_inner();
    assert!(!above.allowed && !above.reason.contains("dev"), "{above:?}");
    // Role assignments of others stay hidden.
    assert_not_granted(nobody.authorization.check_control_access(request(READ, SUBSCRIPTION)).await);
}
