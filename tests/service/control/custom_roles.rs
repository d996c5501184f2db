//! Custom roles of the control plane: what they grant there and in vaults, and where they can be assigned.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use super::support::{
    ACCESS_ADMINISTRATOR, CONTRIBUTOR, OWNER, READER, assign, assignment_request, create_group, group, vault,
};
use crate::hsms::Container;
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_grpc_error, assert_not_granted, guid};
use crate::secrets;
use crate::support::{Client, Server, error_metadata};
use crate::vaults;

/// Returns a request for a role that can be assigned at some scopes, below the scope of the subscription.
pub(crate) fn definition_request(
    id: &str,
    role_name: &str,
    permission: pb::Permission,
    scopes: &[&str],
) -> pb::PutControlRoleDefinitionRequest {
    pb::PutControlRoleDefinitionRequest {
        parent: SUBSCRIPTION.to_owned(),
        role_definition_id: id.to_owned(),
        role_definition: Some(pb::RoleDefinition {
            role_name: role_name.to_owned(),
            description: "A custom role".to_owned(),
            permissions: vec![permission],
            assignable_scopes: scopes.iter().map(|tail| format!("/{SUBSCRIPTION}{tail}")).collect(),
            ..Default::default()
        }),
    }
}

/// Returns a permission of these actions and data actions.
pub(crate) fn permission(actions: &[&str], data_actions: &[&str]) -> pb::Permission {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    pb::Permission { actions: owned(actions), data_actions: owned(data_actions), ..Default::default() }
}

async fn put(
    client: &mut Client,
    request: pb::PutControlRoleDefinitionRequest,
) -> Result<pb::RoleDefinition, Status> {
    client.authorization.put_control_role_definition(request).await.map(Response::into_inner)
}

async fn delete(client: &mut Client, id: &str) -> Result<pb::RoleDefinition, Status> {
    let request =
        pb::DeleteControlRoleDefinitionRequest { name: format!("{SUBSCRIPTION}/roleDefinitions/{id}") };
    client.authorization.delete_control_role_definition(request).await.map(Response::into_inner)
}

async fn names_at(client: &mut Client, scope: &str) -> Vec<String> {
    let request = pb::ListControlRoleDefinitionsRequest { parent: scope.to_owned() };
    let list = client.authorization.list_control_role_definitions(request).await.unwrap().into_inner();
    let custom = list.role_definitions.into_iter().filter(|role| role.r#type == "CustomRole");
    custom.map(|role| role.role_name).collect()
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: Result<T, Status>, field: &str) {
    let refused = assert_grpc_error(result, Code::InvalidArgument, "BAD_PARAMETER");
    assert_eq!(error_metadata(&refused, "field"), field);
}

#[tokio::test]
async fn custom_role_grants_actions_and_data_actions_with_exclusions() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    let nobody = server.principal("nobody").object_id;
    let request = Container::of(&server).vault_request("sample");
    vaults::create(&mut owner, request).await.unwrap();
    let permission = pb::Permission {
        actions: vec!["microsoft.keyvault/VAULTS/*".to_owned()],
        not_actions: vec!["Microsoft.KeyVault/vaults/write".to_owned(), "*/delete".to_owned()],
        data_actions: vec!["Microsoft.KeyVault/vaults/secrets/*".to_owned()],
        not_data_actions: vec!["Microsoft.KeyVault/vaults/secrets/getSecret/action".to_owned()],
    };
    put(&mut owner, definition_request(&guid(1), "Secret writer", permission, &[""])).await.unwrap();
    assign(&mut owner, &guid(1), &nobody, &vault("sample")).await;
    for restarted in [false, true] {
        if restarted {
            server.restart();
        }
        let mut user = server.client("nobody").await;
        let container = Container::of(&server);
        vaults::get(&mut user, container.vault("sample")).await.unwrap();
        assert_not_granted(vaults::delete(&mut user, container.vault("sample")).await);
        let tag = vaults::tag_request(container.vault("sample"), "a");
        assert_not_granted(user.vaults.update_vault(tag).await);
        secrets::set(&mut user, "written", "value").await.unwrap();
        assert_not_granted(secrets::get(&mut user, &secrets::secret("written")).await);
    }
    // A replaced role takes effect at once.
    let mut owner = server.client("owner").await;
    let reading = permission_of("Microsoft.KeyVault/vaults/secrets/getSecret/action");
    put(&mut owner, definition_request(&guid(1), "Secret writer", reading, &[""])).await.unwrap();
    let mut user = server.client("nobody").await;
    assert_eq!(secrets::value(&mut user, "written").await, "value");
    assert_not_granted(secrets::set(&mut user, "written", "other").await);
    assert_not_granted(vaults::get(&mut user, Container::of(&server).vault("sample")).await);
}

fn permission_of(data_action: &str) -> pb::Permission {
    permission(&[], &[data_action])
}

#[tokio::test]
async fn roles_are_assigned_within_their_assignable_scopes_only() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let nobody = server.principal("nobody").object_id;
    create_group(&mut owner, "payroll").await;
    let reading = || permission(&["*/read"], &[]);
    let request = definition_request(&guid(1), "Payroll reader", reading(), &["/resourceGroups/payroll"]);
    put(&mut owner, request).await.unwrap();
    // Listed at its scope, above and below, and not beside it.
    assert_eq!(names_at(&mut owner, SUBSCRIPTION).await, ["Payroll reader"]);
    assert_eq!(names_at(&mut owner, &group("Payroll")).await, ["Payroll reader"]);
    assert_eq!(names_at(&mut owner, &group("dev")).await, [""; 0]);
    let beside =
        pb::GetControlRoleDefinitionRequest { name: format!("{}/roleDefinitions/{}", group("dev"), guid(1)) };
    let beside = owner.authorization.get_control_role_definition(beside).await;
    assert_grpc_error(beside, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");

    let mut assigned = async |scope: &str| {
        let request = assignment_request(&guid(1), &nobody, scope);
        owner.authorization.create_control_role_assignment(request).await
    };
    assert_invalid(assigned(SUBSCRIPTION).await, "role_definition");
    assert_invalid(assigned(&group("dev")).await, "role_definition");
    let made = assigned(&group("payroll")).await.unwrap().into_inner();
    // An assignment outside of the new scopes would be left.
    let moved = definition_request(&guid(1), "Payroll reader", reading(), &["/resourceGroups/dev"]);
    assert_invalid(put(&mut owner, moved).await, "role_definition.assignable_scopes");
    let assigned = assert_grpc_error(
        delete(&mut owner, &guid(1)).await,
        Code::FailedPrecondition,
        "ROLE_DEFINITION_ASSIGNED",
    );
    assert_eq!(error_metadata(&assigned, "role_definition"), guid(1));
    let request = pb::DeleteControlRoleAssignmentRequest { name: made.name };
    owner.authorization.delete_control_role_assignment(request).await.unwrap();
    delete(&mut owner, &guid(1)).await.unwrap();
    assert_eq!(names_at(&mut owner, SUBSCRIPTION).await, [""; 0]);
}

#[tokio::test]
async fn writing_a_role_requires_the_permission_at_every_scope() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let nobody = server.principal("nobody").object_id;
    create_group(&mut owner, "payroll").await;
    let mut user = server.client("nobody").await;
    let request = |scopes: &[&str]| {
        let mut request = definition_request(&guid(1), "Reader of all", permission(&["*/read"], &[]), scopes);
        request.parent = group("payroll");
        request
    };
    assign(&mut owner, CONTRIBUTOR, &nobody, &group("payroll")).await;
    assert_not_granted(put(&mut user, request(&["/resourceGroups/payroll"])).await);
    assign(&mut owner, ACCESS_ADMINISTRATOR, &nobody, &group("payroll")).await;
    let refused = assert_not_granted(put(&mut user, request(&["/resourceGroups/payroll", ""])).await);
    assert_eq!(error_metadata(&refused, "action"), "Microsoft.Authorization/roleDefinitions/write");
    assert_eq!(error_metadata(&refused, "scope"), format!("/{SUBSCRIPTION}"));
    put(&mut user, request(&["/resourceGroups/payroll"])).await.unwrap();
    // The scopes of the existing definition count, too.
    put(&mut owner, request(&["/resourceGroups/payroll", "/resourceGroups/dev"])).await.unwrap();
    assert_not_granted(put(&mut user, request(&["/resourceGroups/payroll"])).await);
    let name = format!("{}/roleDefinitions/{}", group("payroll"), guid(1));
    let delete = pb::DeleteControlRoleDefinitionRequest { name };
    assert_not_granted(user.authorization.delete_control_role_definition(delete.clone()).await);
    owner.authorization.delete_control_role_definition(delete).await.unwrap();
}

#[tokio::test]
async fn invalid_definitions_name_the_field_and_change_nothing() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let reading = || permission(&["*/read"], &[]);
    put(&mut owner, definition_request(&guid(1), "Known", reading(), &[""])).await.unwrap();
    let invalid = [
        (definition_request(&guid(2), "a", reading(), &[]), "role_definition.assignable_scopes"),
        (
            definition_request(&guid(2), "a", reading(), &["/resourceGroups/dev/vaults/demo"]),
            "role_definition.assignable_scopes",
        ),
        (
            {
                let mut request = definition_request(&guid(2), "a", reading(), &[]);
                let scope = format!("/subscriptions/{}", guid(9));
                request.role_definition.as_mut().unwrap().assignable_scopes = vec![scope];
                request
            },
            // The caller has no permission there.
            "",
        ),
        (definition_request(&guid(2), "a", permission(&["read"], &[]), &[""]), "role_definition.permissions"),
        (
            definition_request(&guid(2), "a", permission(&[], &["a b/c"]), &[""]),
            "role_definition.permissions",
        ),
        (definition_request(&guid(2), &"x".repeat(513), reading(), &[""]), "role_definition.role_name"),
        (definition_request("x", "a", reading(), &[""]), "role_definition_id"),
    ];
    for (request, field) in invalid {
        match field {
            "" => drop(assert_not_granted(put(&mut owner, request).await)),
            field => assert_invalid(put(&mut owner, request).await, field),
        }
    }
    for name in ["KNOWN", "Reader"] {
        let taken = put(&mut owner, definition_request(&guid(2), name, reading(), &[""])).await;
        let taken = assert_grpc_error(taken, Code::AlreadyExists, "ROLE_NAME_TAKEN");
        assert_eq!(error_metadata(&taken, "role_name"), name);
    }
    for id in [OWNER, READER] {
        let refused = put(&mut owner, definition_request(id, "a", reading(), &[""])).await;
        assert_grpc_error(refused, Code::FailedPrecondition, "ROLE_DEFINITION_BUILT_IN");
        let refused = delete(&mut owner, id).await;
        assert_grpc_error(refused, Code::FailedPrecondition, "ROLE_DEFINITION_BUILT_IN");
    }
    assert_eq!(names_at(&mut owner, SUBSCRIPTION).await, ["Known"]);
}
