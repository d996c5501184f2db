//! Refusals and access checks do not disclose what exists at scopes that the caller may not read.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::support::{
    CRYPTO_AUDITOR, CRYPTO_USER, HSM, POLICY_ADMINISTRATOR, assert_not_granted, assign, assignment_name,
    check, guid,
};
use crate::arm::client::{Arm, SUBSCRIPTION, hsm_body};
use crate::control;
use crate::hsms::{self, Container};
use crate::rest::client::{Rest, RestResponse};
use crate::support::{Client, Server, error_metadata};
use crate::vaults;

/// Returns the code, the message and all details of an error.
fn error_parts(status: &Status) -> (Code, String, Vec<(String, String)>) {
    let info = status.get_details_error_info().unwrap();
    let mut facts: Vec<_> = info.metadata.into_iter().collect();
    facts.sort();
    facts.push((info.reason, info.domain));
    (status.code(), status.message().to_owned(), facts)
}

/// Returns the status and the body of a response, without the request id.
fn response_parts(answer: &RestResponse) -> (u16, String) {
    let id = answer.header("x-ms-request-id");
    (answer.status, answer.text.replace(id, "ID"))
}

async fn get_assignment(client: &mut Client, id: &str) -> Status {
    let name = assignment_name(id);
    assert_not_granted(client.access.get_role_assignment(pb::GetRoleAssignmentRequest { name }).await)
}

async fn delete_assignment(client: &mut Client, id: &str) -> Status {
    let name = assignment_name(id);
    assert_not_granted(client.access.delete_role_assignment(pb::DeleteRoleAssignmentRequest { name }).await)
}

async fn get_budget(client: &mut Client, name: String) -> Status {
    assert_not_granted(client.usage.get_budget(pb::GetBudgetRequest { name }).await)
}

async fn delete_budget(client: &mut Client, name: String) -> Status {
    assert_not_granted(client.usage.delete_budget(pb::DeleteBudgetRequest { name }).await)
}

/// Operations whose scope depends on stored state, each called with an existing and with an unknown name.
#[tokio::test]
async fn refusals_are_the_same_for_existing_and_unknown_names() {
    let server = Server::start();
    let container = Container::of(&server);
    let (mut dev, mut owner) = (server.client("dev").await, server.client("owner").await);
    let mut nobody = server.client("nobody").await;
    // Roles at other scopes make no difference.
    let principal = server.principal("nobody").object_id;
    assign(&mut dev, POLICY_ADMINISTRATOR, &principal, "/keys/mine").await;
    control::support::create_group(&mut owner, "mine").await;
    control::support::assign(
        &mut owner,
        control::support::OWNER,
        &principal,
        &control::support::group("mine"),
    )
    .await;

    let hidden = assign(&mut dev, CRYPTO_USER, &guid(100), "/keys/hidden").await.name;
    let hidden = hidden.rsplit('/').next().unwrap();
    let budget = pb::CreateBudgetRequest {
        parent: container.hsm("local"),
        budget_id: "hidden".to_owned(),
        amount: "768".to_owned(),
    };
    owner.usage.create_budget(budget).await.unwrap();
    let budget = |name: &str| format!("{}/budgets/{name}", container.subscription);
    owner.hsms.create_managed_hsm(container.create_request("hidden")).await.unwrap();
    hsms::delete(&mut owner, container.hsm("hidden")).await.unwrap();
    vaults::create(&mut owner, container.vault_request("hidden")).await.unwrap();
    vaults::delete(&mut owner, container.vault("hidden")).await.unwrap();

    let absent = guid(1);
    let pairs = [
        (get_assignment(&mut nobody, hidden).await, get_assignment(&mut nobody, &absent).await, "/"),
        (delete_assignment(&mut nobody, hidden).await, delete_assignment(&mut nobody, &absent).await, "/"),
        (
            get_budget(&mut nobody, budget("hidden")).await,
            get_budget(&mut nobody, budget("absent")).await,
            SUBSCRIPTION,
        ),
        (
            delete_budget(&mut nobody, budget("hidden")).await,
            delete_budget(&mut nobody, budget("absent")).await,
            SUBSCRIPTION,
        ),
        (
            assert_not_granted(hsms::recover(&mut nobody, container.deleted("hidden")).await),
            assert_not_granted(hsms::recover(&mut nobody, container.deleted("absent")).await),
            SUBSCRIPTION,
        ),
        (
            assert_not_granted(vaults::recover(&mut nobody, container.deleted_vault("hidden")).await),
            assert_not_granted(vaults::recover(&mut nobody, container.deleted_vault("absent")).await),
            SUBSCRIPTION,
        ),
    ];
    for (there, absent, scope) in &pairs {
        assert_eq!(error_parts(there), error_parts(absent));
        assert_eq!(error_metadata(there, "scope"), *scope);
    }

    // The same over Azure's surfaces.
    let rest = Rest::authenticated(&server, "nobody").await;
    let roles = "/providers/Microsoft.Authorization/roleAssignments";
    for at in ["", "/keys", "/keys/hidden"] {
        let path = |id: &str| format!("{at}{roles}/{id}");
        let (there, absent) = (rest.get(&path(hidden)).await, rest.get(&path(&absent)).await);
        assert_eq!(
            (response_parts(&there).0, response_parts(&there)),
            (403, response_parts(&absent)),
            "GET {at}"
        );
        let (there, absent) = (rest.delete(&path(hidden)).await, rest.delete(&path(&guid(1))).await);
        assert_eq!(
            (response_parts(&there).0, response_parts(&there)),
            (403, response_parts(&absent)),
            "DELETE {at}"
        );
    }
    let arm = Arm::authenticated(&server, "nobody").await;
    let recovering = serde_json::json!({"location": "localhost", "properties": {"createMode": "recover"}});
    let there = arm.send("PUT", &crate::arm::client::hsm("hidden"), &recovering).await;
    let absent = arm.send("PUT", &crate::arm::client::hsm("absent"), &recovering).await;
    assert_eq!((response_parts(&there).0, response_parts(&there)), (403, response_parts(&absent)));
    // Other errors in a request are reported to authorized callers only.
    for body in [
        serde_json::json!({}),
        serde_json::json!({"location": "localhost", "properties": {"createMode": "sideways"}}),
        serde_json::json!({"properties": {"networkAcls": {"ipRules": [{"value": "nowhere"}]}}}),
    ] {
        let there = arm.send("PUT", &crate::arm::client::hsm("local"), &body).await;
        let absent = arm.send("PUT", &crate::arm::client::hsm("absent"), &body).await;
        let (there, absent) = (response_parts(&there), response_parts(&absent));
        assert_eq!(
            (there.0, there.1.replace("managedHSMs/local", "?")),
            (absent.0, absent.1.replace("managedHSMs/absent", "?")),
            "{body}"
        );
    }
    let results =
        format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/localhost/managedHsmOperationResults");
    let live = Arm::authenticated(&server, "owner").await;
    let begun = live.send("PUT", &crate::arm::client::hsm("known"), &hsm_body(&guid(100))).await;
    let known = begun.header("location").split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let there = arm.request("GET", &format!("{results}/{known}")).await;
    let absent = arm.request("GET", &format!("{results}/{}", guid(1))).await;
    assert_eq!((response_parts(&there).0, response_parts(&there)), (403, response_parts(&absent)));
}

#[tokio::test]
async fn access_checks_disclose_only_readable_assignments() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    // The caller may read the assignments of one key.
    let caller = server.principal("nobody").object_id;
    assign(&mut dev, CRYPTO_AUDITOR, &caller, "/keys/mine").await;
    let (above, beside, here) = (guid(100), guid(101), guid(102));
    assign(&mut dev, CRYPTO_USER, &above, "/").await;
    assign(&mut dev, CRYPTO_USER, &beside, "/keys/secret-project").await;
    let own = assign(&mut dev, CRYPTO_USER, &here, "/keys/mine").await;
    let sign = "Microsoft.KeyVault/managedHsm/keys/sign/action";

    let decided = check(&mut nobody, &above, &[], sign, "/keys/mine").await;
    let reason = format!("{sign} is granted at /keys/mine by a role assignment that you may not read");
    assert_eq!((decided.allowed, decided.role_assignment, decided.reason), (true, None, reason));
    assert_eq!(decided.role_name, "");
    let shown = check(&mut nobody, &here, &[], sign, "/keys/mine").await;
    assert_eq!((shown.allowed, shown.role_assignment.as_ref()), (true, Some(&own)));
    // A principal with roles elsewhere gets the same reason as one without roles.
    let elsewhere = check(&mut nobody, &beside, &[], sign, "/keys/mine").await;
    let none = check(&mut nobody, &guid(103), &[], sign, "/keys/mine").await;
    assert_eq!(elsewhere.reason.replace(&beside, "?"), none.reason.replace(&guid(103), "?"));
    assert!(!elsewhere.allowed && !elsewhere.reason.contains("secret"), "{elsewhere:?}");
    // A caller that may read all assignments gets the full reason.
    let full = check(&mut dev, &beside, &[], sign, "/keys/mine").await;
    assert!(full.reason.contains("/keys/secret-project"), "{full:?}");

    // On the control plane, too.
    let mut owner = server.client("owner").await;
    for group in ["mine", "secret-project"] {
        control::support::create_group(&mut owner, group).await;
    }
    let group = control::support::group;
    control::support::assign(&mut owner, control::support::READER, &caller, &group("mine")).await;
    control::support::assign(&mut owner, control::support::OWNER, &beside, &group("secret-project")).await;
    let read = "Microsoft.KeyVault/managedHSMs/read";
    let elsewhere = control::support::check(&mut nobody, &beside, read, &group("mine")).await;
    let none = control::support::check(&mut nobody, &guid(103), read, &group("mine")).await;
    assert_eq!(elsewhere.reason.replace(&beside, "?"), none.reason.replace(&guid(103), "?"));
    assert!(!elsewhere.allowed && !elsewhere.reason.contains("secret"), "{elsewhere:?}");
}

#[tokio::test]
async fn refusal_names_the_plane_and_the_granting_built_in_roles() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    // Custom roles are not disclosed to callers that may not read them.
    dev.access
        .put_role_definition(super::support::definition_request(&guid(1), &["keys/*"], &[]))
        .await
        .unwrap();
    let refused = assert_not_granted(super::support::sign(&mut nobody, "invoices").await);
    assert_eq!(
        (error_metadata(&refused, "plane").as_str(), error_metadata(&refused, "roles").as_str()),
        ("data", "Managed HSM Crypto User")
    );
    let parent = HSM.to_owned();
    let list = pb::ListKeysRequest { parent, ..Default::default() };
    let refused = assert_not_granted(nobody.keys.list_keys(list).await);
    let roles = error_metadata(&refused, "roles");
    assert!(roles.starts_with("Managed HSM Crypto Service Encryption User, "), "{roles}");
    let refused = assert_not_granted(control::support::get_group(&mut nobody, "dev").await);
    let roles = error_metadata(&refused, "roles");
    assert_eq!(error_metadata(&refused, "plane"), "control");
    assert!(roles.contains("Reader") && roles.contains("Owner"), "{roles}");

    // Errors of Azure Resource Manager have a member for the roles, those of data planes do not.
    let answer = Arm::authenticated(&server, "nobody")
        .await
        .request("GET", &format!("/{}", control::support::group("dev")))
        .await;
    let error = &answer.json(403)["error"];
    assert_eq!(error["code"], "AuthorizationFailed");
    // The roles of vaults' administrators and officers also grant to read resource groups.
    let info = &error["additionalInfo"][0];
    assert_eq!(
        (&info["type"], info["info"]["roles"].as_array().unwrap().len()),
        (&"RolesThatGrant".into(), 11)
    );
    let rest = Rest::authenticated(&server, "nobody").await;
    rest.get("/keys").await.error(403, "AccessDenied");
}
