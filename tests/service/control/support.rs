//! Requests shared by the tests of the control plane.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::requests::SUBSCRIPTION;
use crate::support::Client;

/// Owner.
pub(crate) const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
/// Contributor.
pub(crate) const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
/// Key Vault Contributor.
pub(crate) const KEY_VAULT_CONTRIBUTOR: &str = "f25e0fa2-a7c8-4377-a976-54943a77a395";
/// Key Vault Purge Operator.
pub(crate) const KEY_VAULT_PURGE_OPERATOR: &str = "a68e7c17-0ab2-4c09-9a58-125dae29748c";
/// Reader.
pub(crate) const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// User Access Administrator.
pub(crate) const ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";

/// Returns the resource name of a resource group in the seed's subscription.
pub(crate) fn group(name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/{name}")
}

/// Returns the scope of an HSM in the seed's resource group.
pub(crate) fn hsm(name: &str) -> String {
    format!("{}/providers/Microsoft.KeyVault/managedHSMs/{name}", group("dev"))
}

/// Returns the scope of a vault in the seed's resource group.
pub(crate) fn vault(name: &str) -> String {
    format!("{}/providers/Microsoft.KeyVault/vaults/{name}", group("dev"))
}

/// Returns a request for a resource group.
pub(crate) fn group_request(name: &str) -> pb::CreateResourceGroupRequest {
    pb::CreateResourceGroupRequest {
        parent: SUBSCRIPTION.to_owned(),
        resource_group_id: name.to_owned(),
        location: "localhost".to_owned(),
        ..Default::default()
    }
}

/// Returns a request for a role assignment whose id the service generates.
pub(crate) fn assignment_request(
    role: &str,
    principal: &str,
    scope: &str,
) -> pb::CreateControlRoleAssignmentRequest {
    pb::CreateControlRoleAssignmentRequest {
        parent: scope.to_owned(),
        role_assignment_id: String::new(),
        role_definition: role.to_owned(),
        principal_id: principal.to_owned(),
    }
}

/// Assigns a role, which must succeed.
pub(crate) async fn assign(
    client: &mut Client,
    role: &str,
    principal: &str,
    scope: &str,
) -> pb::RoleAssignment {
    let answer =
        client.authorization.create_control_role_assignment(assignment_request(role, principal, scope)).await;
    answer.unwrap().into_inner()
}

/// Creates a resource group, which must succeed.
pub(crate) async fn create_group(client: &mut Client, name: &str) -> pb::ResourceGroup {
    client.resources.create_resource_group(group_request(name)).await.unwrap().into_inner()
}

/// Reads a resource group.
pub(crate) async fn get_group(client: &mut Client, name: &str) -> Result<pb::ResourceGroup, Status> {
    let request = pb::GetResourceGroupRequest { name: group(name) };
    client.resources.get_resource_group(request).await.map(tonic::Response::into_inner)
}

/// Deletes a resource group.
pub(crate) async fn delete_group(client: &mut Client, name: &str) -> Result<pb::ResourceGroup, Status> {
    let request = pb::DeleteResourceGroupRequest { name: group(name) };
    client.resources.delete_resource_group(request).await.map(tonic::Response::into_inner)
}

/// Reads a role assignment.
pub(crate) async fn get_assignment(client: &mut Client, name: &str) -> Result<pb::RoleAssignment, Status> {
    let request = pb::GetControlRoleAssignmentRequest { name: name.to_owned() };
    client.authorization.get_control_role_assignment(request).await.map(tonic::Response::into_inner)
}

/// Deletes a role assignment.
pub(crate) async fn unassign(client: &mut Client, name: &str) -> Result<pb::RoleAssignment, Status> {
    let request = pb::DeleteControlRoleAssignmentRequest { name: name.to_owned() };
    client.authorization.delete_control_role_assignment(request).await.map(tonic::Response::into_inner)
}

/// Returns the role assignments that apply at a scope, and those below it.
pub(crate) async fn list_assignments(
    client: &mut Client,
    scope: &str,
    principal: &str,
) -> Vec<pb::RoleAssignment> {
    let (parent, principal_id) = (scope.to_owned(), principal.to_owned());
    let request = pb::ListControlRoleAssignmentsRequest { parent, principal_id };
    let answer = client.authorization.list_control_role_assignments(request).await;
    answer.unwrap().into_inner().role_assignments
}

/// Calls `CheckControlAccess` for a principal.
pub(crate) async fn check(
    client: &mut Client,
    principal: &str,
    action: &str,
    scope: &str,
) -> pb::CheckAccessResponse {
    let request = pb::CheckControlAccessRequest {
        parent: scope.to_owned(),
        principal_id: principal.to_owned(),
        group_ids: Vec::new(),
        action: action.to_owned(),
        actions: Vec::new(),
    };
    client.authorization.check_control_access(request).await.unwrap().into_inner()
}
