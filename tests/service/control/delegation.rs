//! A role that may delegate some roles only.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use super::support::{OWNER, assign, assignment_request, group, list_assignments, unassign, vault};
use crate::roles::support::{assert_grpc_error, assert_not_granted, guid};
use crate::support::{Client, Server, error_metadata};

/// Key Vault Data Access Administrator.
const DATA_ACCESS_ADMINISTRATOR: &str = "8b54135c-b56d-4d72-a534-26097cfdc8d8";
/// Key Vault Secrets User.
const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";
/// Key Vault Certificate User, which is not among its roles.
const CERTIFICATE_USER: &str = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba";

async fn create(
    client: &mut Client,
    role: &str,
    principal: &str,
    scope: &str,
) -> Result<pb::RoleAssignment, Status> {
    let request = assignment_request(role, principal, scope);
    client.authorization.create_control_role_assignment(request).await.map(Response::into_inner)
}

#[tokio::test]
async fn data_access_administrator_delegates_its_roles_only() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let mut nobody = server.client("nobody").await;
    let (own, other, scope) = (server.principal("nobody").object_id, guid(7), vault("demo"));
    assign(&mut owner, DATA_ACCESS_ADMINISTRATOR, &own, &scope).await;

    let made = create(&mut nobody, SECRETS_USER, &other, &scope).await.unwrap();
    for role in [OWNER, CERTIFICATE_USER, DATA_ACCESS_ADMINISTRATOR] {
        let refused = assert_not_granted(create(&mut nobody, role, &other, &scope).await);
        assert_eq!(error_metadata(&refused, "action"), "Microsoft.Authorization/roleAssignments/write");
        assert_eq!(error_metadata(&refused, "scope"), format!("/{scope}"));
    }
    // Not above its own scope.
    assert_not_granted(create(&mut nobody, SECRETS_USER, &other, &group("dev")).await);
    let unknown = create(&mut nobody, &guid(9), &other, &scope).await;
    assert_grpc_error(unknown, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");

    let kept = create(&mut owner, CERTIFICATE_USER, &other, &scope).await.unwrap();
    let refused = assert_not_granted(unassign(&mut nobody, &kept.name).await);
    assert_eq!(error_metadata(&refused, "action"), "Microsoft.Authorization/roleAssignments/delete");
    unassign(&mut nobody, &made.name).await.unwrap();
    assert_eq!(list_assignments(&mut owner, &scope, &other).await, std::slice::from_ref(&kept));

    // Another role without the condition permits the rest.
    assign(&mut owner, OWNER, &own, &scope).await;
    unassign(&mut nobody, &kept.name).await.unwrap();
    create(&mut nobody, CERTIFICATE_USER, &other, &scope).await.unwrap();
}
