//! Lifecycle events of secrets and of their vault.

use strongroom::api::grpc::pb;
use tonic::Code;

use super::{VAULT, assert_not_permitted, create_vault, delete, purge, recover, set, start};
use crate::control::support::{READER, assign, unassign};
use crate::hsms::Container;
use crate::lifecycle::{events_after, kinds, request};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::assert_grpc_error;
use crate::vaults;

/// The parent of the events of secrets.
const SECRETS: &str = "vaults/sample/secrets";

#[tokio::test]
async fn secret_events_are_emitted_in_order() {
    let (mut server, mut dev) = start().await;
    let first = set(&mut dev, "Password", "one").await.unwrap();
    let second = set(&mut dev, "password", "two").await.unwrap();
    let deleted = delete(&mut dev, "password").await.unwrap();
    recover(&mut dev, "password").await.unwrap();
    let backup = pb::BackupSecretRequest { name: super::secret("password") };
    let backup = dev.secrets.backup_secret(backup).await.unwrap().into_inner().backup;
    delete(&mut dev, "password").await.unwrap();
    purge(&mut dev, "password").await.unwrap();
    let restore = pb::RestoreSecretRequest { parent: VAULT.to_owned(), backup };
    dev.secrets.restore_secret(restore).await.unwrap();

    let events = vault_events(&mut dev, SECRETS).await;
    let expected = [
        ("secret.new-version", first.name.as_str()),
        ("secret.new-version", second.name.as_str()),
        ("secret.deleted", "vaults/sample/deletedSecrets/Password"),
        ("secret.recovered", "vaults/sample/secrets/Password"),
        ("secret.deleted", "vaults/sample/deletedSecrets/Password"),
        ("secret.purged", "vaults/sample/deletedSecrets/Password"),
        ("secret.restored", "vaults/sample/secrets/Password"),
    ];
    let found: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.subject.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(events[2].scheduled_purge_at, deleted.scheduled_purge_at);
    // The events of keys and of other vaults are not among them, and they outlive a restart.
    assert_eq!(vault_events(&mut dev, "vaults/demo").await, []);
    assert_eq!(vault_events(&mut dev, "vaults/demo/secrets").await, []);
    server.restart();
    let mut dev = server.client("dev").await;
    assert_eq!(vault_events(&mut dev, SECRETS).await, events);
}

/// Returns all events of a vault's contents.
async fn vault_events(client: &mut crate::support::Client, parent: &str) -> Vec<pb::LifecycleEvent> {
    let request = pb::WatchLifecycleRequest { until_now: true, ..request(parent, "0") };
    let mut stream = client.vault_lifecycle.watch_lifecycle(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(batch) = stream.message().await.unwrap() {
        events.extend(batch.events);
    }
    events
}

#[tokio::test]
async fn vault_events_require_a_role_at_the_subscription() {
    let (server, mut dev) = start().await;
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    vaults::delete(&mut owner, container.vault("sample")).await.unwrap();
    vaults::recover(&mut owner, container.deleted_vault("sample")).await.unwrap();
    vaults::delete(&mut owner, container.vault("sample")).await.unwrap();
    vaults::purge(&mut owner, container.deleted_vault("sample")).await.unwrap();

    let parent = format!("{SUBSCRIPTION}/vaults");
    let mut nobody = server.client("nobody").await;
    let refused = nobody.control_lifecycle.watch_lifecycle(request(&parent, "0")).await;
    assert_grpc_error(refused, Code::PermissionDenied, "ACTION_NOT_GRANTED");
    let principal = server.principal("nobody").object_id;
    let role = assign(&mut owner, READER, &principal, SUBSCRIPTION).await;
    let events = events_after(&mut nobody, &parent, "0").await;
    let of_sample: Vec<_> = events.into_iter().filter(|event| event.subject.ends_with("/sample")).collect();
    let expected = ["vault.created", "vault.deleted", "vault.recovered", "vault.deleted", "vault.purged"];
    assert_eq!(kinds(&of_sample), expected);
    assert_eq!(of_sample[0].subject, container.vault("sample"));
    assert_eq!(of_sample[4].subject, container.deleted_vault("sample"));
    // The role at the subscription permits nothing in the vault.
    create_vault(&server, &mut owner, |vault| vault.access_policies.clear()).await;
    let refused = nobody.vault_lifecycle.watch_lifecycle(request(SECRETS, "0")).await;
    assert_not_permitted(refused);
    unassign(&mut owner, &role.name).await.unwrap();
    // Nobody has a policy in the new vault of the former name.
    assert_not_permitted(dev.vault_lifecycle.watch_lifecycle(request(SECRETS, "0")).await);
}

#[tokio::test]
async fn watch_ends_with_its_vault() {
    let (server, mut dev) = start().await;
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let mut streams = Vec::new();
    for parent in [SECRETS, "vaults/demo"] {
        let mut stream = dev.vault_lifecycle.watch_lifecycle(request(parent, "")).await.unwrap().into_inner();
        assert_eq!(stream.message().await.unwrap().unwrap().events, []);
        streams.push(stream);
    }
    vaults::delete(&mut owner, container.vault("sample")).await.unwrap();
    let ended = streams[0].message().await;
    assert_grpc_error(ended, Code::FailedPrecondition, "VAULT_DELETED");
    // The role assignments at a vault are deleted with it.
    vaults::delete(&mut owner, container.vault("demo")).await.unwrap();
    assert_grpc_error(streams[1].message().await, Code::PermissionDenied, "ACTION_NOT_GRANTED");
}
