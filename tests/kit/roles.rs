//! Requests and assertions shared by the tests of roles.

use std::fmt::Debug;

use strongroom::api::grpc::pb;
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status};

use crate::support::{Client, Server, reason};

/// The resource name of the seed's HSM.
pub(crate) const HSM: &str = "hsms/local";
/// Managed HSM Administrator.
pub(crate) const ADMINISTRATOR: &str = "a290e904-7015-4bba-90c8-60543313cdb4";
/// Managed HSM Crypto Auditor.
pub(crate) const CRYPTO_AUDITOR: &str = "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3";
/// Managed HSM Crypto User.
pub(crate) const CRYPTO_USER: &str = "21dbd100-6940-42c2-9190-5d6cb909625b";
/// Managed HSM Policy Administrator.
pub(crate) const POLICY_ADMINISTRATOR: &str = "4bd23610-cdcf-4971-bdee-bdc562cc28e4";

/// Returns a GUID that only tests use.
pub(crate) fn guid(number: u32) -> String {
    format!("7e570000-0000-4000-8000-{number:012}")
}

/// Returns the resource name of a role definition.
pub(crate) fn definition_name(id: &str) -> String {
    format!("{HSM}/roleDefinitions/{id}")
}

/// Returns the resource name of a role assignment.
pub(crate) fn assignment_name(id: &str) -> String {
    format!("{HSM}/roleAssignments/{id}")
}

/// Returns the full name of a data action.
pub(crate) fn data_action(tail: &str) -> String {
    format!("Microsoft.KeyVault/managedHsm/{tail}")
}

/// Returns a request for a role assignment whose id the service generates.
pub(crate) fn assignment_request(
    role: &str,
    principal: &str,
    scope: &str,
) -> pb::CreateRoleAssignmentRequest {
    pb::CreateRoleAssignmentRequest {
        parent: HSM.to_owned(),
        role_assignment_id: String::new(),
        role_definition: role.to_owned(),
        principal_id: principal.to_owned(),
        scope: scope.to_owned(),
    }
}

/// Returns a request for a custom role with one permission.
pub(crate) fn definition_request(id: &str, data: &[&str], not_data: &[&str]) -> pb::PutRoleDefinitionRequest {
    let own = |tails: &[&str]| tails.iter().map(|tail| data_action(tail)).collect();
    let permission =
        pb::Permission { data_actions: own(data), not_data_actions: own(not_data), ..Default::default() };
    pb::PutRoleDefinitionRequest {
        parent: HSM.to_owned(),
        role_definition_id: id.to_owned(),
        role_definition: Some(pb::RoleDefinition {
            role_name: "Custom".to_owned(),
            permissions: vec![permission],
            ..Default::default()
        }),
    }
}

/// Assigns a role, which must succeed.
pub(crate) async fn assign(
    client: &mut Client,
    role: &str,
    principal: &str,
    scope: &str,
) -> pb::RoleAssignment {
    client
        .access
        .create_role_assignment(assignment_request(role, principal, scope))
        .await
        .unwrap()
        .into_inner()
}

/// Deletes a role assignment, which must succeed.
pub(crate) async fn unassign(client: &mut Client, name: &str) {
    let request = pb::DeleteRoleAssignmentRequest { name: name.to_owned() };
    client.access.delete_role_assignment(request).await.unwrap();
}

/// Signs a digest with ES256.
pub(crate) async fn sign(client: &mut Client, key: &str) -> Result<(), Status> {
    let name = format!("{HSM}/keys/{key}");
    let request = pb::SignRequest { name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    client.crypto.sign(request).await.map(drop)
}

/// Calls `CheckAccess` for a principal.
pub(crate) async fn check(
    client: &mut Client,
    principal: &str,
    groups: &[&str],
    action: &str,
    scope: &str,
) -> pb::CheckAccessResponse {
    let request = pb::CheckAccessRequest {
        parent: HSM.to_owned(),
        principal_id: principal.to_owned(),
        group_ids: groups.iter().map(|group| (*group).to_owned()).collect(),
        action: action.to_owned(),
        scope: scope.to_owned(),
        actions: Vec::new(),
    };
    client.access.check_access(request).await.unwrap().into_inner()
}

/// Asserts that the result is an error with this code and reason, and returns it.
#[track_caller]
pub(crate) fn assert_grpc_error<T: Debug>(result: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = result.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

/// Asserts that the call is refused because no role grants its action, and returns the error.
#[track_caller]
pub(crate) fn assert_not_granted<T: Debug>(result: Result<T, Status>) -> Status {
    assert_grpc_error(result, Code::PermissionDenied, "ACTION_NOT_GRANTED")
}

/// Asserts that the request is rejected because of this field.
#[track_caller]
pub(crate) fn assert_bad_parameter<T: Debug>(result: Result<T, Status>, field: &str) {
    let status = assert_grpc_error(result, Code::InvalidArgument, "BAD_PARAMETER");
    assert_eq!(crate::support::error_metadata(&status, "field"), field, "{status:?}");
}

/// Returns the operation, result and target in the audit entry of the call that has this response metadata.
pub(crate) fn audit_fields(server: &Server, answer: &MetadataMap) -> (String, String, String) {
    let wanted = answer.get("x-correlation-id").unwrap().to_str().unwrap();
    let mut records = server.audit(0);
    let record = loop {
        match records.iter().find(|record| record["correlationId"] == wanted) {
            Some(record) => break record,
            None => records = server.audit(records.len() + 1),
        }
    };
    let text = |name: &str| record[name].as_str().unwrap().to_owned();
    (text("operationName"), text("resultSignature"), text("target"))
}

/// Asserts the operation, result and target in the audit entry of a call.
#[track_caller]
pub(crate) fn assert_audited(
    server: &Server,
    answer: &MetadataMap,
    event: &str,
    outcome: &str,
    target: &str,
) {
    assert_eq!(audit_fields(server, answer), (event.to_owned(), outcome.to_owned(), target.to_owned()));
}

/// Returns the metadata of a response or an error.
pub(crate) fn metadata<T>(answer: &Result<Response<T>, Status>) -> &MetadataMap {
    match answer {
        Ok(response) => response.metadata(),
        Err(status) => status.metadata(),
    }
}
