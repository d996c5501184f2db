//! Every built-in role with every operation: what its row grants works, and nothing else does.

use strongroom::model::rbac::Action;
use strongroom::ops;
use tonic::{Code, Status};

use super::ask::{check, not_granted};
use super::recorded::{self, Somebody};
use super::stage::{Stage, scope};
use crate::raw;
use crate::requests::understood;
use crate::support::{Client, Server, fact, reason};

/// The operations that local roles are asked for; the others belong to other planes.
pub(super) fn asked() -> impl Iterator<Item = (&'static ops::Description, Action)> {
    ops::ALL.iter().filter_map(|operation| operation.action.map(|action| (operation, action)))
}

/// Whether the outcome is what the roles say. Who may call is served, without exception: the stage is set so
/// that nothing else is in the way.
fn verdict(
    somebody: &Somebody,
    (operation, action): (&ops::Description, Action),
    outcome: &Result<(), Status>,
) -> Result<(), String> {
    let granted = somebody.granted.contains(action.as_str());
    match (granted, outcome) {
        (true, Ok(())) => Ok(()),
        (true, Err(status)) => Err(format!("granted, and failed: {status:?}")),
        (false, Ok(())) => Err("not granted, and answered".to_owned()),
        (false, Err(status)) => {
            let found = (
                status.code(),
                reason(status),
                fact(status, "action"),
                fact(status, "scope"),
                fact(status, "principal"),
            );
            // The name of an assignment does not tell its scope, and neither does a refusal.
            let asked = match operation.name {
                "GetRoleAssignment" | "DeleteRoleAssignment" => "/",
                name => scope(name),
            };
            let expected = (
                Code::PermissionDenied,
                "ACTION_NOT_GRANTED".to_owned(),
                action.as_str().to_owned(),
                asked.to_owned(),
                somebody.object_id.clone(),
            );
            if found == expected { Ok(()) } else { Err(format!("refused otherwise: {status:?}")) }
        }
    }
}

#[tokio::test]
async fn every_role_may_do_what_its_row_says_and_nothing_else() {
    let (server, somebodies) = recorded::server();
    let channel = server.channel().await;
    let mut dev = Client::new(channel.clone(), Some(&server.token("dev").await));
    let stage = Stage::set(dev.clone()).await;
    let mut breaches = Vec::new();
    let mut cells = 0;
    for somebody in &somebodies {
        let caller = Client::new(channel.clone(), Some(&server.token(&somebody.principal).await));
        for (operation, action) in asked() {
            let outcome = stage.call(&caller, operation.name).await;
            let told =
                check(&mut dev, &somebody.object_id, &[], action.as_str(), scope(operation.name)).await;
            let mut note = |text: String| {
                breaches.push(format!("{} x {}: {text}", somebody.role, operation.name));
            };
            if let Err(text) = verdict(somebody, (operation, action), &outcome) {
                note(text);
            }
            if told.allowed != outcome.is_ok() {
                note(format!("CheckAccess says otherwise: {}", told.reason));
            }
            if told.allowed && told.role_name != somebody.role {
                note(format!("CheckAccess names role {:?}", told.role_name));
            }
            if outcome.is_ok() {
                stage.restore(operation.name).await;
            }
            cells += 1;
        }
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
    // Ten roles, and four principals without any.
    assert_eq!(cells, 14 * asked().count());

    // Each call has left a record under its own event and rpc.
    for (operation, _) in asked() {
        let of_it = server.audit_of(somebodies.len(), |record| record["operationName"] == operation.event);
        for record in of_it {
            let rpc = record["requestUri"].as_str().unwrap();
            assert!(rpc.ends_with(&format!("/{}", operation.name)), "{}: {rpc}", operation.name);
        }
    }
}

#[tokio::test]
async fn no_credential_opens_nothing() {
    let server = Server::start();
    let channel = server.channel().await;
    for rpc in raw::rpcs() {
        let bytes = raw::frame(&understood(&rpc.name));
        let status = raw::send(&channel, &rpc.path, &[], bytes).await.status;
        let found = (status.code(), reason(&status));
        assert_eq!(found, (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()), "{}", rpc.name);
    }
}

/// The promises of the service in words; the table above follows the recorded data, whatever it says.
#[tokio::test]
async fn powers_are_kept_apart() {
    let server = Server::start();
    let channel = server.channel().await;
    let stage = Stage::set(Client::new(channel.clone(), Some(&server.token("dev").await))).await;
    let secrets = ["Sign", "Decrypt", "UnwrapKey", "GetKey", "CreateKey", "ImportKey", "DeleteKey"];
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
        let caller = Client::new(channel.clone(), Some(&server.token(principal).await));
        for operation in groups.iter().copied().flatten() {
            not_granted(stage.call(&caller, operation).await);
        }
    }
}
