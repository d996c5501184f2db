//! Checking access in a vault, by access policies and by Azure RBAC.

use strongroom::api::grpc::pb;
use tonic::{Code, Response};

use crate::control::support::{CONTRIBUTOR, assign, vault};
use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::{Client, Server};
use crate::vaults::{create, policy};

/// A server with the vault `payroll`, in which access policies or Azure RBAC decide.
async fn with_vault(rbac: bool, policies: Vec<pb::AccessPolicy>) -> (Server, Client, String) {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let request = container.vault_request_with("payroll", |vault| {
        vault.rbac_authorization = Some(rbac);
        vault.access_policies = policies;
        for policy in &mut vault.access_policies {
            policy.tenant_id = server.connection().tenant_id;
        }
    });
    create(&mut owner, request).await.unwrap();
    let name = container.vault("payroll");
    (server, owner, name)
}

fn request(vault: &str, principal: u32, action: &str, object: &str) -> pb::CheckVaultAccessRequest {
    pb::CheckVaultAccessRequest {
        name: vault.to_owned(),
        principal_id: guid(principal),
        action: action.to_owned(),
        object: object.to_owned(),
        ..Default::default()
    }
}

async fn check(client: &mut Client, request: pb::CheckVaultAccessRequest) -> pb::CheckVaultAccessResponse {
    client.vaults.check_vault_access(request).await.map(Response::into_inner).unwrap()
}

#[tokio::test]
async fn reports_the_deciding_policy_or_what_is_missing() {
    let application = guid(7);
    let compound =
        pb::AccessPolicy { application_id: application.clone(), ..policy("", &guid(3), &["purge"]) };
    let policies = vec![policy("", &guid(1), &["Get", "wrapKey"]), policy("", &guid(2), &["all"]), compound];
    let (server, mut owner, name) = with_vault(false, policies).await;
    let scope = |tail: &str| format!("/{}{tail}", vault("payroll"));

    let yes = check(&mut owner, request(&name, 1, "KEYS/get", "keys/a")).await;
    let by = pb::AccessPolicy {
        tenant_id: server.connection().tenant_id,
        ..policy("", &guid(1), &["Get", "wrapKey"])
    };
    let expected = pb::CheckVaultAccessResponse {
        allowed: true,
        action: "Microsoft.KeyVault/vaults/keys/read".to_owned(),
        permission: "keys get".to_owned(),
        scope: scope("/keys/a"),
        access_policy: Some(by),
        reason: format!("keys get is granted by the access policy of {}, which lists 'Get'", guid(1)),
        ..Default::default()
    };
    assert_eq!(yes, expected);

    let (one, two, three) = (guid(1), guid(2), guid(3));
    for (principal, action, wanted, why) in [
        (
            1,
            "keys/list",
            "keys list",
            format!("the access policies of {one} list for keys only Get, wrapKey"),
        ),
        (1, "secrets/get", "secrets get", format!("no access policy of {one} lists permissions for secrets")),
        (
            2,
            "keys/purge",
            "keys purge",
            format!("the access policies of {two} list 'all' for keys, which does not include purge"),
        ),
        (
            3,
            "keys/purge/action",
            "keys purge",
            format!("the access policy of {three} grants it only for calls of application {application}"),
        ),
        (4, "keys/get", "keys get", format!("{} has no access policy in this vault", guid(4))),
    ] {
        let no = check(&mut owner, request(&name, principal, action, "")).await;
        assert!(!no.allowed && no.access_policy.is_none() && no.role_assignment.is_none(), "{no:?}");
        let reason = format!("missing {wanted}: {why}");
        assert_eq!((no.permission.as_str(), no.reason, no.scope), (wanted, reason, scope("")));
    }
    let by_application =
        pb::CheckVaultAccessRequest { application_id: application, ..request(&name, 3, "keys/purge", "") };
    assert!(check(&mut owner, by_application).await.allowed);
    // The groups are those of the request.
    let as_member =
        pb::CheckVaultAccessRequest { group_ids: vec![guid(2)], ..request(&name, 1, "keys/sign", "") };
    let answer = owner.vaults.check_vault_access(as_member).await;
    assert_audited(&server, metadata(&answer), "VaultAccessCheck", "OK", &scope(""));
    let reason = answer.unwrap().into_inner().reason;
    assert_eq!(reason, format!("keys sign is granted by the access policy of {two}, which lists 'all'"));
}

#[tokio::test]
async fn reports_the_deciding_role_assignment_or_what_is_missing() {
    let (_server, mut owner, name) = with_vault(true, vec![policy("", &guid(1), &["all"])]).await;
    // Access policies have no effect, and roles without data actions grant nothing.
    let none = check(&mut owner, request(&name, 1, "keys/sign", "keys/a")).await;
    let action = "Microsoft.KeyVault/vaults/keys/sign/action";
    assert!(!none.allowed && none.access_policy.is_none(), "{none:?}");
    let reason = format!("missing {action}: {} has no role assignment that holds in this vault", guid(1));
    assert_eq!((none.action.as_str(), none.reason), (action, reason));
    assign(&mut owner, CONTRIBUTOR, &guid(1), &vault("payroll")).await;
    let no = check(&mut owner, request(&name, 1, "keys/sign", "keys/a")).await;
    assert!(!no.allowed && no.role_assignment.is_none(), "{no:?}");
    assert_eq!(
        no.reason,
        format!("missing {action}: none of the roles of {} grants it (Contributor)", guid(1))
    );
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let (server, mut owner, name) = with_vault(true, Vec::new()).await;
    let valid = request(&name, 1, "secrets/get", "secrets/a");
    let wrong = |change: fn(&mut pb::CheckVaultAccessRequest)| {
        let mut request = valid.clone();
        change(&mut request);
        request
    };
    for (field, request) in [
        ("action", wrong(|request| request.action = "keys/sing".to_owned())),
        ("action", wrong(|request| request.action = "Microsoft.KeyVault/vaults/read".to_owned())),
        ("application_id", wrong(|request| request.application_id = "x".to_owned())),
        ("group_ids", wrong(|request| request.group_ids = vec!["x".to_owned()])),
        ("name", wrong(|request| request.name = "vaults/payroll".to_owned())),
        ("object", wrong(|request| request.object = "secrets/a_b".to_owned())),
        ("principal_id", wrong(|request| request.principal_id = "x".to_owned())),
    ] {
        assert_bad_parameter(owner.vaults.check_vault_access(request).await, field);
    }
    let absent = wrong(|request| request.name = request.name.replace("payroll", "unknown"));
    assert_grpc_error(
        owner.vaults.check_vault_access(absent.clone()).await,
        Code::NotFound,
        "VAULT_NOT_FOUND",
    );
    let mut nobody = server.client("nobody").await;
    for request in [valid, absent] {
        assert_not_granted(nobody.vaults.check_vault_access(request).await);
    }
}

#[tokio::test]
async fn every_principal_may_ask_about_itself_and_learns_nothing_about_the_vault() {
    let server = Server::start();
    let container = Container::of(&server);
    let own = server.principal("nobody").object_id;
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    for (name, rbac) in [("payroll", true), ("policies", false)] {
        let request = container.vault_request_with(name, |vault| {
            vault.rbac_authorization = Some(rbac);
            vault.access_policies = if rbac { Vec::new() } else { vec![policy("", &own, &["list"])] };
            for policy in &mut vault.access_policies {
                policy.tenant_id = server.connection().tenant_id;
            }
        });
        create(&mut owner, request).await.unwrap();
    }
    let about = |vault: &str, action: &str| pb::CheckVaultAccessRequest {
        principal_id: own.clone(),
        actions: vec!["secrets/set".to_owned()],
        ..request(&container.vault(vault), 0, action, "keys/a")
    };
    // The answers are the same for a vault with roles, one with access policies, and one that does not exist.
    let mut answers = Vec::new();
    for vault in ["payroll", "policies", "unknown"] {
        let answer = check(&mut nobody, about(vault, "keys/sign")).await;
        assert!(!answer.allowed && !answer.decisions[0].allowed, "{answer:?}");
        assert!(answer.reason.ends_with(&format!("{own} has no role assignment that you may read")));
        answers.push(format!("{answer:?}").replace(vault, "VAULT"));
    }
    assert_eq!(answers, [answers[0].as_str(); 3]);
    let yes = check(&mut nobody, about("policies", "keys/list")).await;
    assert_eq!((yes.allowed, yes.access_policy.map(|policy| policy.principal_id)), (true, Some(own.clone())));
    // The others still need permission to read role assignments.
    for vault in ["payroll", "unknown"] {
        let other = request(&container.vault(vault), 1, "keys/list", "");
        assert_not_granted(nobody.vaults.check_vault_access(other).await);
    }
}
