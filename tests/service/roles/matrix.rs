//! Every built-in role with every operation: exactly the granted operations succeed.

use strongroom::model::local_rbac::DataAction;
use strongroom::ops;
use tonic::{Code, Status};

use super::built_in_roles::{self, RoleHolder};
use super::fixture::{Caller, Fixture, scope};
use super::support::{assert_not_granted, check};
use crate::raw;
use crate::requests::valid_request;
use crate::support::{Client, Server, error_metadata, reason};

/// Returns the operations that local RBAC authorizes, with their data actions; the others belong to other planes.
pub(super) fn local_rbac_operations() -> impl Iterator<Item = (&'static ops::Description, DataAction)> {
    ops::ALL.iter().filter_map(|operation| operation.action.map(|action| (operation, action)))
}

/// Errors if the outcome differs from what the roles grant. An authorized call must succeed: the fixture meets all
/// other conditions.
fn verdict(
    holder: &RoleHolder,
    (operation, action): (&ops::Description, DataAction),
    outcome: &Result<(), Status>,
) -> Result<(), String> {
    let granted = holder.granted.contains(action.as_str());
    match (granted, outcome) {
        (true, Ok(())) => Ok(()),
        (true, Err(status)) => Err(format!("granted, but failed: {status:?}")),
        (false, Ok(())) => Err("not granted, but succeeded".to_owned()),
        (false, Err(status)) => {
            let found = (
                status.code(),
                reason(status),
                error_metadata(status, "action"),
                error_metadata(status, "scope"),
                error_metadata(status, "principal"),
            );
            // The name of an assignment does not contain its scope, and a refusal does not disclose it.
            let expected_scope = match operation.name {
                "GetRoleAssignment" | "DeleteRoleAssignment" => "/",
                name => scope(name),
            };
            let expected = (
                Code::PermissionDenied,
                "ACTION_NOT_GRANTED".to_owned(),
                action.as_str().to_owned(),
                expected_scope.to_owned(),
                holder.object_id.clone(),
            );
            if found == expected { Ok(()) } else { Err(format!("refused with another error: {status:?}")) }
        }
    }
}

#[tokio::test]
async fn every_role_is_granted_exactly_its_recorded_actions() {
    let (server, holders) = built_in_roles::server();
    let channel = server.channel().await;
    let mut dev = Client::new(channel.clone(), Some(&server.access_token("dev").await));
    let stage = Fixture::create(dev.clone()).await;
    let mut breaches = Vec::new();
    let mut cells = 0;
    for holder in &holders {
        let caller = Caller::authenticated(&server, &channel, &holder.principal).await;
        for (operation, action) in local_rbac_operations() {
            let outcome = stage.call(&caller, operation.name).await;
            // Before the check: after `StartRestore` it is refused until the job has ended.
            if outcome.is_ok() {
                stage.restore(operation.name).await;
            }
            let access_check =
                check(&mut dev, &holder.object_id, &[], action.as_str(), scope(operation.name)).await;
            let mut report = |text: String| {
                breaches.push(format!("{} x {}: {text}", holder.role, operation.name));
            };
            if let Err(text) = verdict(holder, (operation, action), &outcome) {
                report(text);
            }
            if access_check.allowed != outcome.is_ok() {
                report(format!("CheckAccess differs: {}", access_check.reason));
            }
            if access_check.allowed && access_check.role_name != holder.role {
                report(format!("CheckAccess names role {:?}", access_check.role_name));
            }
            cells += 1;
        }
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
    // Ten roles, and four principals without any.
    assert_eq!(cells, 14 * local_rbac_operations().count());

    // Each call has an audit entry with its own operation name and method.
    for (operation, _) in local_rbac_operations() {
        let entries = server.audit_where(holders.len(), |record| record["operationName"] == operation.event);
        for record in entries {
            let rpc = record["requestUri"].as_str().unwrap();
            assert!(rpc.ends_with(&format!("/{}", operation.name)), "{}: {rpc}", operation.name);
        }
    }
}

#[tokio::test]
async fn all_methods_require_authentication() {
    let server = Server::start();
    let channel = server.channel().await;
    for rpc in raw::rpcs() {
        let bytes = raw::frame(&valid_request(&rpc.name));
        let status = raw::send(&channel, &rpc.path, &[], bytes).await.status;
        let found = (status.code(), reason(&status));
        assert_eq!(found, (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()), "{}", rpc.name);
    }
}

/// The separation of duties, written out independently of the recorded data that the matrix follows.
#[tokio::test]
async fn duties_are_separated() {
    let server = Server::start();
    let channel = server.channel().await;
    let stage = Fixture::create(Client::new(channel.clone(), Some(&server.access_token("dev").await))).await;
    let secrets = [
        "Sign",
        "Decrypt",
        "UnwrapKey",
        "BatchSign",
        "BatchDecrypt",
        "BatchUnwrapKey",
        "GetKey",
        "CreateKey",
        "ImportKey",
        "DeleteKey",
    ];
    let deleted = ["GetDeletedKey", "ListDeletedKeys", "RecoverDeletedKey", "PurgeDeletedKey"];
    let rights =
        ["PutRoleDefinition", "DeleteRoleDefinition", "CreateRoleAssignment", "DeleteRoleAssignment"];
    let refused: &[(&str, &[&[&str]])] = &[
        ("administrator", &[&secrets, &deleted]),
        ("crypto-officer", &[&secrets]),
        ("crypto-user", &[&deleted, &rights]),
        ("policy-administrator", &[&secrets, &deleted]),
        (
            "crypto-auditor",
            &[&["Sign", "Decrypt", "UnwrapKey", "RecoverDeletedKey", "PurgeDeletedKey"], &rights],
        ),
        ("encryption-user", &[&["Sign", "Encrypt", "Decrypt", "ListDeletedKeys", "CreateKey"], &rights]),
        ("owner", &[&secrets, &deleted, &rights]),
        ("contributor", &[&secrets, &deleted, &rights]),
        ("reader", &[&secrets, &deleted, &rights]),
    ];
    for (principal, groups) in refused {
        let caller = Caller::authenticated(&server, &channel, principal).await;
        for operation in groups.iter().copied().flatten() {
            assert_not_granted(stage.call(&caller, operation).await);
        }
    }
}
