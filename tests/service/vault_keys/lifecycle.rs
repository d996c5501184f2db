//! Versions, rotation and deletion of keys of vaults.

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::happening::What;
use tonic::Code;

use super::{
    VAULT, assert_signs, client, create, create_request, delete, get, import, key, live_names, purge,
    recover, start, versions,
};
use crate::crash::count_objects;
use crate::hsms::Container;
use crate::roles::support::assert_grpc_error;
use crate::rotation::{after, before};
use crate::software::ec_key::EcKey;
use crate::support::{Client, Server, days};
use crate::{calls, vaults};

/// Returns the name of the rotation policy of a key.
fn policy_name(name: &str) -> String {
    format!("{}/rotationPolicy", key(name))
}

async fn rotate(client: &mut Client, name: &str) -> Result<pb::KeyBundle, tonic::Status> {
    let request = pb::RotateKeyRequest { name: key(name) };
    client.keys.rotate_key(request).await.map(tonic::Response::into_inner)
}

async fn set_policy(
    client: &mut Client,
    name: &str,
    expiry: &str,
    lifetime_actions: Vec<pb::KeyLifetimeAction>,
) -> Result<pb::KeyRotationPolicy, tonic::Status> {
    let request = pb::UpdateKeyRotationPolicyRequest {
        name: policy_name(name),
        expiry_time: expiry.to_owned(),
        lifetime_actions,
    };
    client.keys.update_key_rotation_policy(request).await.map(tonic::Response::into_inner)
}

/// Advances the clock of the simulator, and returns what happened.
async fn advance(server: &Server, by: i64) -> Vec<What> {
    let answer = server.client("dev").await.clock.advance_clock(days(by)).await.unwrap().into_inner();
    answer.happenings.into_iter().filter_map(|one| one.what).collect()
}

#[tokio::test]
async fn key_has_versions_with_properties_of_their_own() {
    let (_server, mut dev) = start().await;
    let request = pb::CreateKeyRequest {
        tags: [("team".to_owned(), "web".to_owned())].into(),
        key_ops: vec!["sign".to_owned()],
        ..create_request(VAULT, "Signing", "EC")
    };
    let one = dev.keys.create_key(request).await.unwrap().into_inner();
    let two = create(&mut dev, VAULT, "signing", "EC-HSM").await.unwrap();
    assert!(two.name.starts_with(&format!("{}/versions/", key("Signing"))), "the first spelling: {two:?}");
    assert_eq!((&one.kty[..], &two.kty[..]), ("EC", "EC-HSM"));
    assert_eq!(two.key_ops, ["sign", "verify"]);
    assert!(two.tags.is_empty());
    calls::set_state(&mut dev, &one.name, calls::State::Disabled).await;
    let shown = versions(&mut dev, "SIGNING").await;
    assert_eq!(shown.iter().map(|one| &one.name).collect::<Vec<_>>(), [&one.name, &two.name]);
    assert!(!shown[0].enabled && shown[0].tags == one.tags && shown[1] == two);
    assert_eq!(get(&mut dev, &key("signing")).await.unwrap(), two);
    assert_signs(&mut dev, &key("signing"), &two).await;
    let refused = calls::sign(&mut dev, &one.name, "ES256", &[7; 32]).await;
    assert_eq!(calls::refusal(refused), calls::precondition("KEY_DISABLED"));
    let unknown = format!("{}/versions/{}", key("signing"), "0".repeat(32));
    assert_eq!(get(&mut dev, &unknown).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(live_names(&mut dev, VAULT).await, ["Signing"]);
}

#[tokio::test]
async fn rotation_needs_no_policy_and_keeps_protection() {
    let (server, mut dev) = start().await;
    for kty in ["RSA", "EC", "EC-HSM"] {
        let one = create(&mut dev, VAULT, kty, kty).await.unwrap();
        let two = rotate(&mut dev, kty).await.unwrap();
        assert_eq!((&two.kty, &two.key_ops, two.key_size), (&one.kty, &one.key_ops, one.key_size));
        assert!(two.name != one.name && two.key != one.key && two.expires.is_none());
        assert_signs(&mut dev, &one.name, &one).await;
        assert_signs(&mut dev, &key(kty), &two).await;
    }
    let imported = import(&mut dev, VAULT, "in", "EC", EcKey::new("P-256K", 4).material()).await.unwrap();
    let rotated = rotate(&mut dev, "in").await.unwrap();
    assert_eq!((&rotated.kty[..], &rotated.key.as_ref().unwrap().crv[..]), ("EC", "P-256K"));
    assert_ne!(rotated.key, imported.key);

    // By policy, when it is due.
    set_policy(&mut dev, "EC", "P60D", after("P40D")).await.unwrap();
    let read = pb::GetKeyRotationPolicyRequest { name: policy_name("EC") };
    let read = dev.keys.get_key_rotation_policy(read).await.unwrap().into_inner();
    assert_eq!((&read.name, &read.expiry_time[..]), (&policy_name("EC"), "P60D"));
    assert!(set_policy(&mut dev, "EC", "P1D", before("P30D")).await.is_err());
    let happened = advance(&server, 41).await;
    let made = versions(&mut dev, "EC").await;
    assert_eq!(made.len(), 3);
    assert_eq!(happened, [What::RotatedKey(made[2].name.clone())]);
    assert!(made[2].kty == "EC" && made[2].expires.is_some());
    // The notification 30 days before the expiry of the version.
    let happened = advance(&server, 30).await;
    assert_eq!(happened, [What::NearExpiry(made[2].name.clone())]);
}

#[tokio::test]
async fn deleted_key_reserves_its_name_until_it_is_recovered_or_purged() {
    let (mut server, mut dev) = start().await;
    let one = create(&mut dev, VAULT, "Signing", "RSA").await.unwrap();
    let two = create(&mut dev, VAULT, "signing", "EC-HSM").await.unwrap();
    let deleted = delete(&mut dev, VAULT, "SIGNING").await.unwrap();
    assert_eq!((&deleted.name[..], deleted.key.as_ref()), ("vaults/demo/deletedKeys/Signing", Some(&two)));
    let retained = deleted.scheduled_purge_at.unwrap().seconds - deleted.deleted_at.unwrap().seconds;
    assert_eq!(retained, 90 * 86_400);
    for again in [false, true] {
        if again {
            server.restart();
            dev = client(&server, "dev").await;
        }
        assert_eq!(get(&mut dev, &key("signing")).await.unwrap_err().code(), Code::NotFound);
        assert!(calls::sign(&mut dev, &one.name, "RS256", &[7; 32]).await.is_err());
        let refused = create(&mut dev, VAULT, "signing", "EC").await;
        assert_eq!(refused.unwrap_err().code(), Code::AlreadyExists);
        let material = EcKey::new("P-256", 2).material();
        let refused = import(&mut dev, VAULT, "signing", "EC", material).await;
        assert_eq!(refused.unwrap_err().code(), Code::AlreadyExists);
        assert!(rotate(&mut dev, "signing").await.is_err());
        let request = pb::GetDeletedKeyRequest { name: deleted.name.clone() };
        assert_eq!(dev.keys.get_deleted_key(request).await.unwrap().into_inner(), deleted);
    }
    assert_eq!(recover(&mut dev, VAULT, "signing").await.unwrap(), two);
    assert_eq!(versions(&mut dev, "signing").await, [one.clone(), two.clone()]);
    assert_signs(&mut dev, &one.name, &one).await;
    assert_signs(&mut dev, &key("signing"), &two).await;

    // A key purged by a caller, and one purged when its retention interval ends.
    delete(&mut dev, VAULT, "signing").await.unwrap();
    purge(&mut dev, VAULT, "signing").await.unwrap();
    assert_eq!(purge(&mut dev, VAULT, "signing").await.unwrap_err().code(), Code::NotFound);
    let three = create(&mut dev, VAULT, "signing", "EC").await.unwrap();
    assert_eq!(versions(&mut dev, "signing").await, [three]);
    let deleted = delete(&mut dev, VAULT, "signing").await.unwrap();
    assert!(advance(&server, 89).await.is_empty());
    assert_eq!(advance(&server, 1).await, [What::PurgedKey(deleted.name)]);
    assert_eq!(recover(&mut dev, VAULT, "signing").await.unwrap_err().code(), Code::NotFound);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn purge_protection_rejects_purges_until_the_scheduled_date() {
    let (server, mut dev) = start().await;
    let tenant = server.connection().tenant_id;
    let policy = vaults::policy(&tenant, &server.principal("dev").object_id, &["all", "purge"]);
    let request = Container::of(&server).vault_request_with("safe", |vault| {
        vault.purge_protection = true;
        vault.retention_days = Some(7);
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
    });
    vaults::create(&mut dev, request).await.unwrap();
    let made = create(&mut dev, "vaults/safe", "k", "EC").await.unwrap();
    assert_eq!((&made.recovery_level[..], made.recoverable_days), ("CustomizedRecoverable", 7));
    let deleted = delete(&mut dev, "vaults/safe", "k").await.unwrap();
    let refused = purge(&mut dev, "vaults/safe", "k").await;
    assert_grpc_error(refused, Code::FailedPrecondition, "PURGE_PROTECTED");
    assert_eq!(recover(&mut dev, "vaults/safe", "k").await.unwrap(), made);
    let deleted_again = delete(&mut dev, "vaults/safe", "k").await.unwrap();
    assert_eq!(deleted_again.name, deleted.name);
    assert_eq!(advance(&server, 7).await, [What::PurgedKey(deleted.name)]);
    create(&mut dev, "vaults/safe", "k", "RSA").await.unwrap();
}

#[tokio::test]
async fn deletion_of_a_vault_keeps_its_keys_and_purge_destroys_them() {
    let (mut server, mut dev) = start().await;
    let container = Container::of(&server);
    assert!(server.stop().success());
    let empty = count_objects(&server).complete;
    server.start_again();
    dev = {
        drop(dev);
        client(&server, "dev").await
    };
    let made = create(&mut dev, VAULT, "live", "EC").await.unwrap();
    let gone = create(&mut dev, VAULT, "gone", "RSA-HSM").await.unwrap();
    delete(&mut dev, VAULT, "gone").await.unwrap();
    vaults::delete(&mut dev, container.vault("demo")).await.unwrap();
    assert!(calls::sign(&mut dev, &made.name, "ES256", &[7; 32]).await.is_err());
    assert!(create(&mut dev, VAULT, "new", "EC").await.is_err());
    assert!(recover(&mut dev, VAULT, "gone").await.is_err());
    vaults::recover(&mut dev, container.deleted_vault("demo")).await.unwrap();
    // The role of dev at the vault was deleted with it.
    assert_eq!(get(&mut dev, &made.name).await.unwrap_err().code(), Code::PermissionDenied);
    let scope = crate::control::support::vault("demo");
    let dev_id = server.principal("dev").object_id;
    crate::control::support::assign(&mut dev, super::access::ADMINISTRATOR, &dev_id, &scope).await;
    assert_eq!(get(&mut dev, &made.name).await.unwrap(), made);
    assert_signs(&mut dev, &made.name, &made).await;
    assert_eq!(recover(&mut dev, VAULT, "gone").await.unwrap(), gone);
    delete(&mut dev, VAULT, "gone").await.unwrap();

    vaults::delete(&mut dev, container.vault("demo")).await.unwrap();
    vaults::purge(&mut dev, container.deleted_vault("demo")).await.unwrap();
    assert!(server.stop().success());
    // The key that seals secrets is destroyed too.
    assert_eq!(count_objects(&server).complete, empty - 1);
    server.start_again();
    let mut dev = client(&server, "dev").await;
    vaults::create(&mut dev, container.vault_request("demo")).await.unwrap();
    crate::control::support::assign(&mut dev, super::access::ADMINISTRATOR, &dev_id, &scope).await;
    assert!(live_names(&mut dev, VAULT).await.is_empty());
    assert_eq!(get(&mut dev, &made.name).await.unwrap_err().code(), Code::NotFound);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}
