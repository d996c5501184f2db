//! What tests of roles ask for again and again.

use std::fmt::Debug;

use strongroom::api::grpc::pb;
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status};

use crate::support::{Client, Server, reason};

/// The HSM.
pub(crate) const HSM: &str = "hsms/local";
/// Managed HSM Administrator.
pub(crate) const ADMINISTRATOR: &str = "a290e904-7015-4bba-90c8-60543313cdb4";
/// Managed HSM Crypto Auditor.
pub(crate) const CRYPTO_AUDITOR: &str = "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3";
/// Managed HSM Crypto User.
pub(crate) const CRYPTO_USER: &str = "21dbd100-6940-42c2-9190-5d6cb909625b";
/// Managed HSM Policy Administrator.
pub(crate) const POLICY_ADMINISTRATOR: &str = "4bd23610-cdcf-4971-bdee-bdc562cc28e4";

/// A GUID that only tests use.
pub(crate) fn guid(number: u32) -> String {
    format!("7e570000-0000-4000-8000-{number:012}")
}

/// The resource name of a role definition.
pub(crate) fn definition(id: &str) -> String {
    format!("{HSM}/roleDefinitions/{id}")
}

/// The resource name of a role assignment.
pub(crate) fn assignment(id: &str) -> String {
    format!("{HSM}/roleAssignments/{id}")
}

/// A data action in full.
pub(crate) fn action(tail: &str) -> String {
    format!("Microsoft.KeyVault/managedHsm/{tail}")
}

/// A request for a role assignment under an id that the service makes.
pub(crate) fn assigning(role: &str, principal: &str, scope: &str) -> pb::CreateRoleAssignmentRequest {
    pb::CreateRoleAssignmentRequest {
        parent: HSM.to_owned(),
        role_assignment_id: String::new(),
        role_definition: role.to_owned(),
        principal_id: principal.to_owned(),
        scope: scope.to_owned(),
    }
}

/// A request for a custom role of one permission.
pub(crate) fn defining(id: &str, data: &[&str], not_data: &[&str]) -> pb::PutRoleDefinitionRequest {
    let own = |tails: &[&str]| tails.iter().map(|tail| action(tail)).collect();
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

/// Assigns a role, which must work.
pub(crate) async fn assign(who: &mut Client, role: &str, principal: &str, scope: &str) -> pb::RoleAssignment {
    who.access.create_role_assignment(assigning(role, principal, scope)).await.unwrap().into_inner()
}

/// Takes a role away, which must work.
pub(crate) async fn unassign(who: &mut Client, name: &str) {
    let request = pb::DeleteRoleAssignmentRequest { name: name.to_owned() };
    who.access.delete_role_assignment(request).await.unwrap();
}

/// Signs a digest with ES256.
pub(crate) async fn sign(who: &mut Client, key: &str) -> Result<(), Status> {
    let name = format!("{HSM}/keys/{key}");
    let request = pb::SignRequest { name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    who.crypto.sign(request).await.map(drop)
}

/// Asks whether a principal may do something.
pub(crate) async fn check(
    who: &mut Client,
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
    };
    who.access.check_access(request).await.unwrap().into_inner()
}

/// Expects an error with this code and reason, and hands it over.
#[track_caller]
pub(crate) fn fails<T: Debug>(result: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = result.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

/// Expects that no role grants it.
#[track_caller]
pub(crate) fn not_granted<T: Debug>(result: Result<T, Status>) -> Status {
    fails(result, Code::PermissionDenied, "ACTION_NOT_GRANTED")
}

/// Expects a request that breaks a rule of this field.
#[track_caller]
pub(crate) fn bad<T: Debug>(result: Result<T, Status>, field: &str) {
    let status = fails(result, Code::InvalidArgument, "BAD_PARAMETER");
    assert_eq!(crate::support::fact(&status, "field"), field, "{status:?}");
}

/// What the audit log says of a call that was answered with this metadata: event, outcome and target.
pub(crate) fn recorded(server: &Server, answer: &MetadataMap) -> (String, String, String) {
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

/// Expects that a call was recorded so.
#[track_caller]
pub(crate) fn assert_recorded(
    server: &Server,
    answer: &MetadataMap,
    event: &str,
    outcome: &str,
    target: &str,
) {
    assert_eq!(recorded(server, answer), (event.to_owned(), outcome.to_owned(), target.to_owned()));
}

/// The metadata of an answer, good or bad.
pub(crate) fn metadata<T>(answer: &Result<Response<T>, Status>) -> &MetadataMap {
    match answer {
        Ok(response) => response.metadata(),
        Err(status) => status.metadata(),
    }
}
