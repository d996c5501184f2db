//! What happens to the secrets of a vault when the server restarts, and when the vault is deleted, recovered or purged.

use strongroom::api::grpc::pb;
use tonic::Code;

use super::{
    VAULT, create_vault, delete, enable_request, get, list, list_deleted, purge, recover, secret, set, start,
    value, versions, without_value,
};
use crate::crash::count_objects;
use crate::hsms::Container;
use crate::roles::support::assert_grpc_error;
use crate::support::{Client, days};
use crate::vaults;

/// Returns everything that lists and reads show.
async fn contents(client: &mut Client) -> impl PartialEq + std::fmt::Debug + use<> {
    let (live, deleted) = (list(client).await, list_deleted(client).await);
    let mut read = Vec::new();
    for one in &live {
        let name = one.name.rsplit('/').next().unwrap().to_owned();
        for version in versions(client, &name).await {
            read.push(if version.enabled { get(client, &version.name).await.unwrap() } else { version });
        }
    }
    (live, deleted, read)
}

#[tokio::test]
async fn restarts_keep_secrets_and_purge_dates() {
    let (mut server, mut dev) = start().await;
    let disabled = set(&mut dev, "Password", "one").await.unwrap();
    dev.secrets.update_secret_version(enable_request(&disabled.name, false)).await.unwrap();
    let full = pb::SetSecretRequest {
        content_type: "text/plain".to_owned(),
        attributes: Some(pb::SecretAttributes {
            enabled: None,
            not_before: Some(prost_types::Timestamp { seconds: 1, nanos: 2_000 }),
            expires: Some(prost_types::Timestamp { seconds: 253_402_300_799, nanos: 0 }),
        }),
        tags: [("team".to_owned(), "wéb".to_owned())].into(),
        ..super::set_request("password", "zwei\n\0\u{1f511}")
    };
    dev.secrets.set_secret(full).await.unwrap();
    set(&mut dev, "empty", "").await.unwrap();
    for name in ["deleted", "recovered"] {
        set(&mut dev, name, "x").await.unwrap();
        delete(&mut dev, name).await.unwrap();
    }
    recover(&mut dev, "recovered").await.unwrap();
    let before = contents(&mut dev).await;
    server.restart();
    let mut dev = server.client("dev").await;
    assert_eq!(contents(&mut dev).await, before);
    server.kill();
    server.start_again();
    let mut dev = server.client("dev").await;
    assert_eq!(contents(&mut dev).await, before);
    assert_eq!(value(&mut dev, "PASSWORD").await, "zwei\n\0\u{1f511}");
    // The scheduled purge date was not lost.
    let events = dev.clock.advance_clock(days(90)).await.unwrap().into_inner();
    assert_eq!(events.happenings.len(), 1, "{events:?}");
    assert!(list_deleted(&mut dev).await.is_empty());
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn recovered_vault_has_its_live_and_deleted_secrets() {
    let (mut server, mut dev) = start().await;
    let container = Container::of(&server);
    set(&mut dev, "live", "one").await.unwrap();
    set(&mut dev, "live", "two").await.unwrap();
    set(&mut dev, "gone", "three").await.unwrap();
    delete(&mut dev, "gone").await.unwrap();
    let before = contents(&mut dev).await;
    vaults::delete(&mut dev, container.vault("sample")).await.unwrap();
    // A deleted vault serves no secrets, and the deletion of its contents is not reported.
    for restarted in [false, true] {
        if restarted {
            server.restart();
            dev = server.client("dev").await;
        }
        let status = get(&mut dev, &secret("live")).await.unwrap_err();
        assert_ne!(status.code(), Code::Internal, "{status:?}");
        assert!(set(&mut dev, "live", "x").await.is_err());
        assert!(recover(&mut dev, "gone").await.is_err());
    }
    vaults::recover(&mut dev, container.deleted_vault("sample")).await.unwrap();
    assert_eq!(contents(&mut dev).await, before);
    recover(&mut dev, "gone").await.unwrap();
    assert_eq!(value(&mut dev, "gone").await, "three");
    set(&mut dev, "live", "four").await.unwrap();
    assert_eq!(versions(&mut dev, "live").await.len(), 3);
}

#[tokio::test]
async fn purge_of_vault_destroys_its_secrets_and_sealing_key() {
    let (mut server, mut dev) = start().await;
    let container = Container::of(&server);
    for name in ["live", "gone"] {
        set(&mut dev, name, "one").await.unwrap();
    }
    delete(&mut dev, "gone").await.unwrap();
    assert!(server.stop().success());
    let with_key = count_objects(&server).complete;
    server.start_again();
    let mut dev = server.client("dev").await;
    vaults::delete(&mut dev, container.vault("sample")).await.unwrap();
    vaults::purge(&mut dev, container.deleted_vault("sample")).await.unwrap();
    assert!(server.stop().success());
    let without_key = count_objects(&server).complete;
    assert_eq!(with_key, without_key + 1, "the token still has the sealing key");
    server.start_again();
    let mut dev = server.client("dev").await;
    let status = get(&mut dev, &secret("live")).await.unwrap_err();
    assert_ne!(status.code(), Code::Internal, "{status:?}");
    // Another vault of the name has another key and no secrets.
    create_vault(&server, &mut dev, |_| {}).await;
    assert!(list(&mut dev).await.is_empty() && list_deleted(&mut dev).await.is_empty());
    assert_grpc_error(get(&mut dev, &secret("live")).await, Code::NotFound, "SECRET_NOT_FOUND");
    set(&mut dev, "live", "two").await.unwrap();
    assert_eq!(value(&mut dev, "live").await, "two");
    assert_eq!(versions(&mut dev, "live").await.len(), 1);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn vaults_are_isolated_from_each_other() {
    let (server, mut dev) = start().await;
    let container = Container::of(&server);
    let policy = super::policy(&server, "dev", &super::EVERY_PERMISSION);
    let request = container.vault_request_with("other", |vault| {
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
    });
    vaults::create(&mut dev, request).await.unwrap();
    let made = set(&mut dev, "password", "one").await.unwrap();
    let elsewhere = made.name.replace(VAULT, "vaults/other");
    assert_grpc_error(get(&mut dev, &elsewhere).await, Code::NotFound, "SECRET_NOT_FOUND");
    let request =
        pb::SetSecretRequest { parent: "vaults/other".to_owned(), ..super::set_request("password", "two") };
    dev.secrets.set_secret(request).await.unwrap();
    assert_eq!(value(&mut dev, "password").await, "one");
    delete(&mut dev, "password").await.unwrap();
    purge(&mut dev, "password").await.unwrap();
    let kept = get(&mut dev, "vaults/other/secrets/password").await.unwrap();
    assert_eq!(kept.value.as_deref(), Some("two"));
    let request = pb::ListSecretsRequest { parent: "vaults/other".to_owned(), ..Default::default() };
    let page = dev.secrets.list_secrets(request).await.unwrap().into_inner();
    let listed =
        pb::SecretBundle { name: "vaults/other/secrets/password".to_owned(), ..without_value(&kept) };
    assert_eq!(page.secrets, [listed]);
}
