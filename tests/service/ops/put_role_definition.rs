//! Creating and replacing custom role definitions.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    CRYPTO_USER, HSM, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted,
    data_action, definition_name, definition_request, guid, metadata,
};
use crate::support::{Client, Server, error_metadata};

async fn get(client: &mut Client, id: &str) -> pb::RoleDefinition {
    let request = pb::GetRoleDefinitionRequest { name: definition_name(id) };
    client.access.get_role_definition(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn creates_and_fully_replaces_a_role() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let permission = pb::Permission {
        actions: vec!["Microsoft.KeyVault/managedHSMs/read".to_owned()],
        not_actions: vec!["*".to_owned()],
        data_actions: vec![data_action("keys/*")],
        not_data_actions: vec![data_action("keys/delete")],
    };
    let role = pb::RoleDefinition {
        // The service ignores these three and sets its own values.
        name: definition_name(CRYPTO_USER),
        r#type: "AKVBuiltInRole".to_owned(),
        assignable_scopes: vec!["/keys".to_owned()],
        role_name: "Signers of 契約".to_owned(),
        description: "Sign contracts".to_owned(),
        permissions: vec![permission.clone(), permission],
    };
    let request = pb::PutRoleDefinitionRequest {
        parent: HSM.to_owned(),
        role_definition_id: guid(1).to_uppercase(),
        role_definition: Some(role.clone()),
    };
    let answer = dev.access.put_role_definition(request).await;
    assert_audited(&server, metadata(&answer), "RoleDefinitionCreate", "OK", HSM);
    let made = answer.unwrap().into_inner();
    let expected = pb::RoleDefinition {
        name: definition_name(&guid(1)),
        r#type: "CustomRole".to_owned(),
        assignable_scopes: vec!["/".to_owned()],
        ..role
    };
    assert_eq!(made, expected);
    assert_eq!(get(&mut dev, &guid(1)).await, expected);

    // Omitted fields are cleared, and a role without a name is named by its id.
    let request = pb::PutRoleDefinitionRequest {
        parent: HSM.to_owned(),
        role_definition_id: guid(1),
        role_definition: Some(pb::RoleDefinition::default()),
    };
    let replaced = dev.access.put_role_definition(request).await.unwrap().into_inner();
    assert_eq!(replaced.role_name, guid(1));
    assert_eq!((replaced.description.as_str(), replaced.permissions.len()), ("", 0));
    assert_eq!(get(&mut dev, &guid(1)).await, replaced);
}

#[tokio::test]
async fn generates_ids_and_allows_duplicate_names() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first =
        dev.access.put_role_definition(definition_request("", &["keys/*"], &[])).await.unwrap().into_inner();
    let second =
        dev.access.put_role_definition(definition_request("", &["keys/*"], &[])).await.unwrap().into_inner();
    assert_ne!(first.name, second.name);
    assert_eq!(first.role_name, second.role_name);
    for role in [first, second] {
        let id = role.name.strip_prefix(&definition_name("")).unwrap();
        assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 4);
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let refused = dev.access.put_role_definition(definition_request(CRYPTO_USER, &["keys/*"], &[])).await;
    assert_audited(&server, metadata(&refused), "RoleDefinitionCreate", "ROLE_DEFINITION_BUILT_IN", HSM);
    let status = assert_grpc_error(refused, Code::FailedPrecondition, "ROLE_DEFINITION_BUILT_IN");
    assert_eq!(error_metadata(&status, "role_definition"), CRYPTO_USER);
    assert_eq!(get(&mut dev, CRYPTO_USER).await.role_name, "Managed HSM Crypto User");

    assert_bad_parameter(
        dev.access.put_role_definition(definition_request("signers", &[], &[])).await,
        "role_definition_id",
    );
    let nothing =
        pb::PutRoleDefinitionRequest { role_definition: None, ..definition_request(&guid(1), &[], &[]) };
    assert_bad_parameter(dev.access.put_role_definition(nothing).await, "role_definition");

    // A pattern that matches no data action is rejected in either list.
    for pattern in ["keys/sing/action", "keys/sign", "secrets/*", "", "keys/*x"] {
        let permissions = "role_definition.permissions";
        assert_bad_parameter(
            dev.access.put_role_definition(definition_request(&guid(1), &[pattern], &[])).await,
            permissions,
        );
        assert_bad_parameter(
            dev.access.put_role_definition(definition_request(&guid(1), &["keys/*"], &[pattern])).await,
            permissions,
        );
    }
    let with = |change: fn(&mut pb::RoleDefinition)| {
        let mut request = definition_request(&guid(1), &["keys/*"], &[]);
        change(request.role_definition.as_mut().unwrap());
        request
    };
    for (request, field) in [
        (with(|role| role.role_name = "x".repeat(513)), "role_definition.role_name"),
        (with(|role| role.description = "x".repeat(2049)), "role_definition.role_name"),
        (with(|role| role.permissions = vec![pb::Permission::default(); 17]), "role_definition.permissions"),
        (
            with(|role| role.permissions[0].data_actions = vec!["*".to_owned(); 257]),
            "role_definition.permissions",
        ),
        (with(|role| role.permissions[0].actions = vec!["a".repeat(257)]), "role_definition.permissions"),
    ] {
        assert_bad_parameter(dev.access.put_role_definition(request).await, field);
    }
    let request = pb::GetRoleDefinitionRequest { name: definition_name(&guid(1)) };
    let missing = dev.access.get_role_definition(request).await;
    assert_grpc_error(missing, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    assert_not_granted(
        nobody.access.put_role_definition(definition_request(&guid(1), &["keys/*"], &[])).await,
    );
}

/// Data actions are compared case-insensitively, and stored as they were sent.
#[tokio::test]
async fn accepts_data_actions_in_any_case() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut request = definition_request(&guid(1), &[], &[]);
    let written = vec![
        data_action("keys/sign/action").to_lowercase(),
        data_action("KEYS/verify/ACTION"),
        "*".to_owned(),
    ];
    request.role_definition.as_mut().unwrap().permissions[0].data_actions = written.clone();
    dev.access.put_role_definition(request).await.unwrap();
    assert_eq!(get(&mut dev, &guid(1)).await.permissions[0].data_actions, written);
}

#[tokio::test]
async fn limits_custom_roles_to_50() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for number in 1..=50 {
        dev.access.put_role_definition(definition_request(&guid(number), &["keys/*"], &[])).await.unwrap();
    }
    let more = dev.access.put_role_definition(definition_request(&guid(51), &["keys/*"], &[])).await;
    let status = assert_grpc_error(more, Code::ResourceExhausted, "LIMIT_EXCEEDED");
    assert_eq!(error_metadata(&status, "limit"), "50");
    // Replacing a role does not count, and deleting one frees capacity.
    dev.access.put_role_definition(definition_request(&guid(50), &["*"], &[])).await.unwrap();
    let name = definition_name(&guid(7));
    dev.access.delete_role_definition(pb::DeleteRoleDefinitionRequest { name }).await.unwrap();
    dev.access.put_role_definition(definition_request(&guid(51), &["keys/*"], &[])).await.unwrap();
}
