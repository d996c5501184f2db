//! Listing ARM role definitions (control plane).

use strongroom::api::grpc::pb;

use crate::control::support::{ACCESS_ADMINISTRATOR, OWNER, group, hsm};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, metadata};
use crate::support::Server;

fn request(scope: &str) -> pb::ListControlRoleDefinitionsRequest {
    pb::ListControlRoleDefinitionsRequest { parent: scope.to_owned() }
}

#[tokio::test]
async fn lists_the_built_in_roles_of_azure() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    for scope in [SUBSCRIPTION.to_owned(), group("dev"), hsm("local")] {
        let answer = reader.authorization.list_control_role_definitions(request(&scope)).await;
        let target = format!("/{scope}");
        assert_audited(&server, metadata(&answer), "ControlRoleDefinitionList", "OK", &target);
        let roles = answer.unwrap().into_inner().role_definitions;
        let found: Vec<_> = roles.iter().map(|role| (role.name.as_str(), role.role_name.as_str())).collect();
        let named = |id: &str| format!("{scope}/roleDefinitions/{id}");
        assert_eq!(
            found,
            [
                (named(OWNER).as_str(), "Owner"),
                (named("b24988ac-6180-42a0-ab88-20f7382dd24c").as_str(), "Contributor"),
                (named("acdd72a7-3385-48ef-bd42-f606fba81ae7").as_str(), "Reader"),
                (named(ACCESS_ADMINISTRATOR).as_str(), "User Access Administrator"),
                (named("18500a29-7fe2-46b2-a342-b16a415e101d").as_str(), "Managed HSM contributor"),
                (named("f25e0fa2-a7c8-4377-a976-54943a77a395").as_str(), "Key Vault Contributor"),
                (named("a68e7c17-0ab2-4c09-9a58-125dae29748c").as_str(), "Key Vault Purge Operator"),
                (named("00482a5a-887f-4fb3-b363-3b7fe8e74483").as_str(), "Key Vault Administrator"),
                (named("db79e9a7-68ee-4b58-9aeb-b90e7c24fcba").as_str(), "Key Vault Certificate User"),
                (named("a4417e6f-fecd-4de8-b567-7b0420556985").as_str(), "Key Vault Certificates Officer"),
                (named("14b46e9e-c2b7-41b4-b07b-48a6ebf60603").as_str(), "Key Vault Crypto Officer"),
                (
                    named("e147488a-f6f5-4113-8e2d-b22465e65bf6").as_str(),
                    "Key Vault Crypto Service Encryption User"
                ),
                (
                    named("08bbd89e-9f13-488c-ac41-acfcb10c90ab").as_str(),
                    "Key Vault Crypto Service Release User"
                ),
                (named("12338af0-0e69-4776-bea7-57ae8d297424").as_str(), "Key Vault Crypto User"),
                (
                    named("8b54135c-b56d-4d72-a534-26097cfdc8d8").as_str(),
                    "Key Vault Data Access Administrator"
                ),
                (named("21090545-7ca7-4776-b22c-e363652d74d2").as_str(), "Key Vault Reader"),
                (named("b86a8fe4-44ce-4948-aee5-eccb2c155cd7").as_str(), "Key Vault Secrets Officer"),
                (named("4633458b-17de-408a-b874-0445c86b69e6").as_str(), "Key Vault Secrets User"),
            ]
        );
        assert!(roles.iter().all(|role| role.r#type == "BuiltInRole" && !role.description.is_empty()));
        // Only roles of vaults have data actions.
        let of_vaults = |action: &String| action.starts_with("Microsoft.KeyVault/vaults/");
        for role in &roles {
            let mut data_actions = role.permissions.iter().flat_map(|block| &block.data_actions);
            assert!(data_actions.all(of_vaults), "{role:?}");
        }
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let (mut reader, mut nobody) = (server.client("reader").await, server.client("nobody").await);
    for scope in ["", "/", "subscriptions", &format!("/{SUBSCRIPTION}"), &format!("{SUBSCRIPTION}/")] {
        assert_bad_parameter(
            reader.authorization.list_control_role_definitions(request(scope)).await,
            "parent",
        );
    }
    assert_not_granted(nobody.authorization.list_control_role_definitions(request(SUBSCRIPTION)).await);
}
