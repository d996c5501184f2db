//! Checking access by local RBAC. `roles/matrix.rs` compares the answers with what is enforced.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    CRYPTO_AUDITOR, CRYPTO_USER, HSM, assert_audited, assert_bad_parameter, assert_grpc_error,
    assert_not_granted, assign, check, data_action, definition_name, definition_request, guid, metadata,
};
use crate::support::{Server, error_metadata};

fn request(principal: &str, action: &str, scope: &str) -> pb::CheckAccessRequest {
    pb::CheckAccessRequest {
        parent: HSM.to_owned(),
        principal_id: principal.to_owned(),
        group_ids: Vec::new(),
        action: action.to_owned(),
        scope: scope.to_owned(),
        actions: Vec::new(),
    }
}

#[tokio::test]
async fn reports_the_deciding_role_assignment() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    // Neither the key nor the principal needs to exist.
    let assigned = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/invoices").await;
    let answer = dev.access.check_access(request(&guid(100), "keys/sign", "/keys/Invoices")).await;
    let target = "hsms/local/roleAssignments at /keys/Invoices";
    assert_audited(&server, metadata(&answer), "AccessCheck", "OK", target);
    let expected = pb::CheckAccessResponse {
        allowed: true,
        action: data_action("keys/sign/action"),
        scope: "/keys/Invoices".to_owned(),
        role_assignment: Some(assigned.clone()),
        role_name: "Managed HSM Crypto User".to_owned(),
        reason: format!(
            "{} is granted by role 'Managed HSM Crypto User', assigned to {} at /keys/invoices",
            data_action("keys/sign/action"),
            guid(100)
        ),
        decisions: Vec::new(),
        granting_roles: Vec::new(),
    };
    assert_eq!(answer.unwrap().into_inner(), expected);
    for spelling in ["keys/sign/action", "/keys/sign", &data_action("keys/sign/action"), "KEYS/SIGN"] {
        assert!(check(&mut dev, &guid(100), &[], spelling, "/keys/invoices").await.allowed, "{spelling}");
    }

    // A group's role decides for its members, and the assignment shown is the group's.
    let by_group = check(&mut dev, &guid(1), &[&guid(2), &guid(100)], "keys/sign", "/keys/invoices").await;
    assert_eq!((by_group.allowed, by_group.role_assignment), (true, Some(assigned)));
}

#[tokio::test]
async fn denial_reports_the_missing_data_action() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let missing = data_action("keys/sign/action");
    let unassigned = check(&mut dev, &guid(100), &[], "keys/sign", "/keys/invoices").await;
    let expected = pb::CheckAccessResponse {
        action: missing.clone(),
        scope: "/keys/invoices".to_owned(),
        reason: format!("missing {missing}: {} has no role assignment in this HSM", guid(100)),
        granting_roles: vec!["Managed HSM Crypto User".to_owned()],
        ..Default::default()
    };
    assert_eq!(unassigned, expected);

    assign(&mut dev, CRYPTO_AUDITOR, &guid(100), "/").await;
    let without = check(&mut dev, &guid(100), &[], "keys/sign", "/keys/invoices").await;
    let roles = "(Managed HSM Crypto Auditor)";
    let reason = format!("missing {missing}: none of the roles of {} grants it {roles}", guid(100));
    assert_eq!((without.allowed, without.reason), (false, reason));

    assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/letters").await;
    for scope in ["/keys/invoices", "/keys", "/"] {
        let elsewhere = check(&mut dev, &guid(100), &[], "keys/sign", scope).await;
        let reason = format!(
            "missing {missing} at {scope}: role 'Managed HSM Crypto User' grants it, but is assigned at /keys/letters"
        );
        assert_eq!((elsewhere.allowed, elsewhere.reason), (false, reason));
    }

    // An assignment whose role definition was deleted grants nothing.
    dev.access.put_role_definition(definition_request(&guid(1), &["keys/*"], &[])).await.unwrap();
    assign(&mut dev, &guid(1), &guid(101), "/").await;
    assert!(check(&mut dev, &guid(101), &[], "keys/sign", "/keys/invoices").await.allowed);
    let request = pb::DeleteRoleDefinitionRequest { name: definition_name(&guid(1)) };
    dev.access.delete_role_definition(request).await.unwrap();
    let defunct = check(&mut dev, &guid(101), &[], "keys/sign", "/keys/invoices").await;
    assert!(!defunct.allowed && defunct.reason.contains("no role assignment"), "{defunct:?}");
}

#[tokio::test]
async fn requires_read_permission_and_valid_arguments() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let own = server.principal("nobody").object_id;
    let other = server.principal("dev").object_id;
    let refusal =
        assert_not_granted(nobody.access.check_access(request(&other, "keys/sign", "/keys/invoices")).await);
    assert_eq!(error_metadata(&refusal, "action"), data_action("roleAssignments/read/action"));
    assert_eq!(error_metadata(&refusal, "scope"), "/keys/invoices");
    // Permission to read role assignments at a key allows checks at that key only.
    assign(&mut dev, CRYPTO_AUDITOR, &own, "/keys/invoices").await;
    nobody.access.check_access(request(&other, "keys/sign", "/keys/invoices")).await.unwrap();
    assert_not_granted(nobody.access.check_access(request(&other, "keys/sign", "/keys")).await);

    for scope in ["", "keys", "/keys/a/b"] {
        assert_bad_parameter(dev.access.check_access(request(&own, "keys/sign", scope)).await, "scope");
    }
    let many = pb::CheckAccessRequest {
        actions: vec!["keys/sign".to_owned(); 101],
        ..request(&own, "keys/sign", "/")
    };
    assert_bad_parameter(dev.access.check_access(many).await, "actions");
    let wrong = pb::CheckAccessRequest {
        actions: vec!["keys/sign".to_owned(), "keys/sing".to_owned()],
        ..request(&own, "", "/")
    };
    assert_bad_parameter(dev.access.check_access(wrong).await, "actions");
    for wrong in ["", "keys", "keys/sing", "keys/*", "Microsoft.KeyVault/vaults/keys/sign/action"] {
        assert_bad_parameter(dev.access.check_access(request(&own, wrong, "/")).await, "action");
    }
    assert_bad_parameter(dev.access.check_access(request("nobody", "keys/sign", "/")).await, "principal_id");
    let with = |group_ids| pb::CheckAccessRequest { group_ids, ..request(&own, "keys/sign", "/") };
    assert_bad_parameter(dev.access.check_access(with(vec![guid(1); 1001])).await, "group_ids");
    dev.access.check_access(with(vec![guid(1); 1000])).await.unwrap();
    let unreadable = dev.access.check_access(with(vec!["friends".to_owned()])).await;
    assert_grpc_error(unreadable, Code::InvalidArgument, "BAD_PARAMETER");
    let elsewhere = pb::CheckAccessRequest { parent: "hsms/elsewhere".to_owned(), ..with(Vec::new()) };
    assert_grpc_error(dev.access.check_access(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
}

#[tokio::test]
async fn several_actions_are_checked_in_one_call() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    assign(&mut dev, CRYPTO_AUDITOR, &guid(100), "/").await;
    let actions: Vec<String> = ["keys/read", "keys/sign", "keys/read"].map(ToOwned::to_owned).into();
    let entries = server.audit(0).len();
    let both =
        pb::CheckAccessRequest { actions: actions.clone(), ..request(&guid(100), "keys/sign", "/keys") };
    let both = dev.access.check_access(both).await.unwrap().into_inner();
    // One call is one audit entry, whatever the number of actions.
    let written: Vec<_> = server.audit(entries + 1)[entries..].to_vec();
    let checks = written.iter().filter(|entry| entry["operationName"] == "AccessCheck").count();
    assert_eq!(checks, 1, "{written:?}");
    let single = check(&mut dev, &guid(100), &[], "keys/sign", "/keys").await;
    assert_eq!(pb::CheckAccessResponse { decisions: Vec::new(), ..both.clone() }, single);
    let allowed: Vec<bool> = both.decisions.iter().map(|decision| decision.allowed).collect();
    assert_eq!(allowed, [true, false, true]);
    for (action, decision) in actions.iter().zip(&both.decisions) {
        let alone = check(&mut dev, &guid(100), &[], action, "/keys").await;
        let pb::CheckAccessResponse {
            allowed,
            action,
            scope,
            role_assignment,
            role_name,
            reason,
            granting_roles,
            ..
        } = alone;
        let alone =
            pb::AccessDecision { allowed, action, scope, role_assignment, role_name, reason, granting_roles };
        assert_eq!(*decision, alone);
    }
    let list = pb::CheckAccessRequest { actions, ..request(&guid(100), "", "/keys") };
    let list = dev.access.check_access(list).await.unwrap().into_inner();
    assert_eq!(list, pb::CheckAccessResponse { decisions: both.decisions, ..Default::default() });
}

#[tokio::test]
async fn every_principal_may_ask_about_itself_and_learns_no_assignment() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let own = server.principal("nobody").object_id;
    let missing = data_action("keys/sign/action");
    for scope in ["/", "/keys", "/keys/invoices"] {
        let no = check(&mut nobody, &own, &[], "keys/sign", scope).await;
        let expected = pb::CheckAccessResponse {
            action: missing.clone(),
            scope: scope.to_owned(),
            reason: format!("missing {missing}: {own} has no role assignment that you may read"),
            granting_roles: vec!["Managed HSM Crypto User".to_owned()],
            ..Default::default()
        };
        assert_eq!(no, expected);
    }
    // A role that does not permit reading role assignments, unlike the built-in ones.
    dev.access.put_role_definition(definition_request(&guid(1), &["keys/sign/action"], &[])).await.unwrap();
    assign(&mut dev, &guid(1), &own, "/keys/invoices").await;
    let yes = check(&mut nobody, &own, &[], "keys/sign", "/keys/invoices").await;
    let expected = pb::CheckAccessResponse {
        allowed: true,
        action: missing.clone(),
        scope: "/keys/invoices".to_owned(),
        reason: format!("{missing} is granted at /keys/invoices by a role assignment that you may not read"),
        ..Default::default()
    };
    assert_eq!(yes, expected);
    assert!(!check(&mut nobody, &own, &[], "keys/sign", "/keys/letters").await.allowed);

    // Groups that its access token does not name are no part of itself.
    let member = pb::CheckAccessRequest { group_ids: vec![guid(1)], ..request(&own, "keys/sign", "/") };
    assert_not_granted(nobody.access.check_access(member).await);
    // The permission to ask about itself on one plane is none on the other.
    let control = pb::CheckControlAccessRequest {
        parent: crate::requests::SUBSCRIPTION.to_owned(),
        principal_id: server.principal("dev").object_id,
        action: "Microsoft.KeyVault/managedHSMs/read".to_owned(),
        ..Default::default()
    };
    assert_not_granted(nobody.authorization.check_control_access(control).await);
}
