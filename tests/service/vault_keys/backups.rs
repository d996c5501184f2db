//! Backups of keys of vaults: where they can be restored, and what they leave in the token.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::{
    VAULT, assert_signs, backup, client, create, delete, get, import, key, live_names, purge, recover,
    restore, start, versions,
};
use crate::calls::verify;
use crate::crash::count_objects;
use crate::hsms::Container;
use crate::roles::support::assert_grpc_error;
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::RsaKey;
use crate::support::{Client, Server};
use crate::{key_backups, vaults};

/// Creates a premium vault in a location, with every permission for keys and secrets for `dev`.
pub(super) async fn create_vault(server: &Server, dev: &mut Client, name: &str, location: &str) {
    let all = || Some(pb::PermissionNames { names: vec!["all".to_owned(), "purge".to_owned()] });
    let permissions = pb::AccessPermissions { keys: all(), secrets: all(), ..Default::default() };
    let policy = pb::AccessPolicy {
        tenant_id: server.connection().tenant_id,
        principal_id: server.principal("dev").object_id,
        application_id: String::new(),
        permissions: Some(permissions),
    };
    let request = Container::of(server).vault_request_with(name, |vault| {
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
        vault.sku = Some("premium".to_owned());
        vault.location = location.to_owned();
    });
    vaults::create(dev, request).await.unwrap();
}

#[track_caller]
fn assert_malformed<T: std::fmt::Debug>(result: Result<T, Status>) -> String {
    assert_grpc_error(result, Code::InvalidArgument, "MALFORMED_BACKUP").message().to_owned()
}

/// Creates the key `signing` with a version of each kind, of which one is disabled and has tags.
async fn create_versions(dev: &mut Client) -> Vec<pb::KeyBundle> {
    import(dev, VAULT, "Signing", "RSA", RsaKey::of_3072_bits().material()).await.unwrap();
    let curve = EcKey::new("P-521", 6).material();
    import(dev, VAULT, "signing", "EC-HSM", curve).await.unwrap();
    let tagged = pb::CreateKeyRequest {
        tags: [("team".to_owned(), "web".to_owned())].into(),
        attributes: Some(pb::KeyAttributes { enabled: Some(false), ..Default::default() }),
        ..super::create_request(VAULT, "signing", "EC")
    };
    dev.keys.create_key(tagged).await.unwrap();
    create(dev, VAULT, "signing", "RSA-HSM").await.unwrap();
    versions(dev, "signing").await
}

#[tokio::test]
async fn restored_key_has_all_versions_and_their_material() {
    let (mut server, mut dev) = start().await;
    let made = create_versions(&mut dev).await;
    let rules = pb::UpdateKeyRotationPolicyRequest {
        name: format!("{}/rotationPolicy", key("signing")),
        expiry_time: "P90D".to_owned(),
        lifetime_actions: crate::rotation::after("P40D"),
    };
    let rules = dev.keys.update_key_rotation_policy(rules).await.unwrap().into_inner();
    let signature = crate::calls::sign(&mut dev, &made[0].name, "RS256", &[7; 32]).await.unwrap().signature;
    let text = backup(&mut dev, VAULT, "signing").await.unwrap();
    assert!(text.starts_with(b"\x26AzureKeyVaultKeyBackupV1.microsoft.com"), "{:?}", &text[..50]);
    delete(&mut dev, VAULT, "signing").await.unwrap();
    purge(&mut dev, VAULT, "signing").await.unwrap();
    assert_eq!(restore(&mut dev, VAULT, &text).await.unwrap(), made[3]);

    // To another vault, after a restart and while the key exists in the first one.
    create_vault(&server, &mut dev, "other", "localhost").await;
    server.restart();
    let mut dev = client(&server, "dev").await;
    restore(&mut dev, "vaults/other", &text).await.unwrap();
    for vault in [VAULT, "vaults/other"] {
        let at = |name: &str| name.replace(VAULT, vault);
        let parent = at(&key("signing"));
        let request = pb::ListKeyVersionsRequest { parent: parent.clone(), ..Default::default() };
        let found = dev.keys.list_key_versions(request).await.unwrap().into_inner().versions;
        let wanted = made.iter().map(|one| pb::KeyBundle { name: at(&one.name), ..one.clone() });
        assert_eq!(found, wanted.collect::<Vec<_>>(), "{vault}");
        let read = pb::GetKeyRotationPolicyRequest { name: format!("{parent}/rotationPolicy") };
        let read = dev.keys.get_key_rotation_policy(read).await.unwrap().into_inner();
        assert_eq!(
            (read.expiry_time, read.lifetime_actions),
            (rules.expiry_time.clone(), rules.lifetime_actions.clone())
        );
        // The imported versions, with the public keys that they had.
        let digest = [7; 32];
        assert!(verify(&mut dev, &at(&made[0].name), "RS256", &digest, &signature).await.unwrap().valid);
        assert_signs(&mut dev, &at(&made[0].name), &made[0]).await;
        let digest = [8; 64];
        let signed = crate::calls::sign(&mut dev, &at(&made[1].name), "ES512", &digest).await.unwrap();
        assert!(crate::software::verifies(
            made[1].key.as_ref().unwrap(),
            "ES512",
            &digest,
            &signed.signature
        ));
        assert_signs(&mut dev, &parent, &made[3]).await;
    }
    // The copies are independent of each other.
    delete(&mut dev, VAULT, "signing").await.unwrap();
    purge(&mut dev, VAULT, "signing").await.unwrap();
    server.restart();
    let mut dev = client(&server, "dev").await;
    assert_signs(&mut dev, "vaults/other/keys/signing", &made[3]).await;
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn rejects_names_in_use_and_malformed_or_foreign_backups() {
    let (server, mut dev) = start().await;
    let made = create(&mut dev, VAULT, "k", "EC").await.unwrap();
    let text = backup(&mut dev, VAULT, "k").await.unwrap();
    assert_grpc_error(restore(&mut dev, VAULT, &text).await, Code::AlreadyExists, "KEY_EXISTS");
    delete(&mut dev, VAULT, "k").await.unwrap();
    assert_eq!(restore(&mut dev, VAULT, &text).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(backup(&mut dev, VAULT, "k").await.unwrap_err().code(), Code::NotFound);
    recover(&mut dev, VAULT, "k").await.unwrap();
    assert_signs(&mut dev, &key("k"), &made).await;

    create_vault(&server, &mut dev, "other", "localhost").await;
    let middle = text.len() / 2;
    let mut changed = text.clone();
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    for malformed in [b"".to_vec(), b"none".to_vec(), text[..middle].to_vec(), changed] {
        assert_malformed(restore(&mut dev, "vaults/other", &malformed).await);
    }
    // The backup of a secret is not that of a key, and the other way round.
    let secret = pb::SetSecretRequest {
        parent: VAULT.to_owned(),
        secret_id: "s".to_owned(),
        value: Some("x".to_owned()),
        ..Default::default()
    };
    dev.secrets.set_secret(secret).await.unwrap();
    let request = pb::BackupSecretRequest { name: format!("{VAULT}/secrets/s") };
    let of_secret = dev.secrets.backup_secret(request).await.unwrap().into_inner().backup;
    assert_malformed(restore(&mut dev, "vaults/other", &of_secret).await);
    let request = pb::RestoreSecretRequest { parent: "vaults/other".to_owned(), backup: text.clone() };
    assert_malformed(dev.secrets.restore_secret(request).await);
    // Nor is the backup of a managed HSM that of a vault.
    let mut of_hsms = server.client("dev").await;
    of_hsms.create(crate::support::ec("h", "P-256")).await.unwrap();
    let of_hsm = key_backups::backup(&mut of_hsms, "h").await.unwrap();
    assert_malformed(restore(&mut dev, "vaults/other", &of_hsm).await);
    assert_malformed(key_backups::restore(&mut of_hsms, "local", &text).await);

    create_vault(&server, &mut dev, "far", "westeurope").await;
    let message = assert_malformed(restore(&mut dev, "vaults/far", &text).await);
    assert!(message.contains("geography Europe"), "{message}");
    create(&mut dev, "vaults/far", "far", "EC").await.unwrap();
    let of_far = backup(&mut dev, "vaults/far", "far").await.unwrap();
    create_vault(&server, &mut dev, "near-far", "northeurope").await;
    create_vault(&server, &mut dev, "america", "eastus").await;
    assert_malformed(restore(&mut dev, "vaults/america", &of_far).await);
    restore(&mut dev, "vaults/near-far", &of_far).await.unwrap();

    assert!(live_names(&mut dev, "vaults/other").await.is_empty());
    restore(&mut dev, "vaults/other", &text).await.unwrap();
    let restored = get(&mut dev, "vaults/other/keys/k").await.unwrap();
    assert_signs(&mut dev, "vaults/other/keys/k", &restored).await;
    assert_eq!(restored.key, made.key);
}

#[tokio::test]
async fn backups_and_restores_leave_no_other_objects_in_the_token() {
    let (mut server, mut dev) = start().await;
    create_vault(&server, &mut dev, "other", "localhost").await;
    create_versions(&mut dev).await;
    assert!(server.stop().success());
    let one_key = count_objects(&server);
    server.start_again();
    let mut dev = client(&server, "dev").await;
    let text = backup(&mut dev, VAULT, "signing").await.unwrap();
    for _ in 0..3 {
        assert_ne!(backup(&mut dev, VAULT, "signing").await.unwrap(), text, "each has a key of its own");
    }
    assert!(server.stop().success());
    assert_eq!(count_objects(&server), one_key);
    server.start_again();
    let mut dev = client(&server, "dev").await;
    for refused in [&text[..100], &text[..text.len() - 9]] {
        assert_malformed(restore(&mut dev, "vaults/other", refused).await);
    }
    restore(&mut dev, "vaults/other", &text).await.unwrap();
    delete(&mut dev, VAULT, "signing").await.unwrap();
    purge(&mut dev, VAULT, "signing").await.unwrap();
    assert!(server.stop().success());
    assert_eq!(count_objects(&server), one_key);
}
