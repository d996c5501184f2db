//! Tests that state survives restarts and crashes, and how a start lists the tokens' objects.

use std::collections::HashMap;

use strongroom::api::grpc::pb;

use crate::support::{Client, Server, ec, oct, rsa};

#[tokio::test]
async fn state_is_unchanged_after_restart() {
    let mut server = Server::start();
    let before = server.connection();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    server.restart();

    let after = server.connection();
    assert_eq!(before.principals[0].client_secret, after.principals[0].client_secret);
    let mut dev = server.client("dev").await;
    let found = dev.keys.get_key(pb::GetKeyRequest { name: made.name.clone() }).await.unwrap().into_inner();
    assert_eq!(found, made);
    let request = pb::SignRequest { name: made.name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    assert_eq!(dev.crypto.sign(request).await.unwrap().into_inner().signature.len(), 64);
}

/// Returns the observable state of HSM `local`.
async fn state(client: &mut Client) -> impl PartialEq + std::fmt::Debug + use<> {
    let parent = "hsms/local".to_owned();
    let keys = pb::ListKeysRequest { parent: parent.clone(), ..Default::default() };
    let keys = client.keys.list_keys(keys).await.unwrap().into_inner().keys;
    let mut versions = Vec::new();
    for key in &keys {
        let request = pb::ListKeyVersionsRequest { parent: key.name.clone(), ..Default::default() };
        versions.push(client.keys.list_key_versions(request).await.unwrap().into_inner().versions);
    }
    let deleted = pb::ListDeletedKeysRequest { parent: parent.clone(), ..Default::default() };
    let deleted = client.keys.list_deleted_keys(deleted).await.unwrap().into_inner().deleted_keys;
    let assignments = pb::ListRoleAssignmentsRequest { parent: parent.clone(), ..Default::default() };
    let assignments =
        client.access.list_role_assignments(assignments).await.unwrap().into_inner().role_assignments;
    let roles = pb::ListRoleDefinitionsRequest { parent };
    let roles = client.access.list_role_definitions(roles).await.unwrap().into_inner().role_definitions;
    (keys, versions, deleted, assignments, roles)
}

#[tokio::test]
async fn versions_tags_deleted_keys_and_roles_survive_crashes() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    for _ in 0..3 {
        dev.create(ec("invoices", "P-384")).await.unwrap();
    }
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 123_456_000 });
    let attributes = pb::KeyAttributes {
        enabled: Some(false),
        not_before: at(2_000_000_000),
        expires: at(4_000_000_000),
        ..Default::default()
    };
    let tags = HashMap::from([
        ("owner".to_owned(), "büro \u{1f511}".to_owned()),
        ("empty".to_owned(), String::new()),
    ]);
    let settings = pb::CreateKeyRequest {
        key_ops: vec!["verify".to_owned(), "sign".to_owned()],
        attributes: Some(attributes),
        tags,
        ..rsa("ledger", 2048)
    };
    dev.create(settings).await.unwrap();
    for name in ["data", "old"] {
        dev.create(oct(name, 256)).await.unwrap();
    }
    dev.keys.delete_key(pb::DeleteKeyRequest { name: "hsms/local/keys/old".to_owned() }).await.unwrap();
    let data_actions = vec!["Microsoft.KeyVault/managedHsm/keys/sign/action".to_owned()];
    let role = pb::RoleDefinition {
        role_name: "Signer".to_owned(),
        permissions: vec![pb::Permission { data_actions, ..Default::default() }],
        ..Default::default()
    };
    let role = pb::PutRoleDefinitionRequest {
        parent: "hsms/local".to_owned(),
        role_definition: Some(role),
        ..Default::default()
    };
    let role = dev.access.put_role_definition(role).await.unwrap().into_inner();
    let assignment = pb::CreateRoleAssignmentRequest {
        parent: "hsms/local".to_owned(),
        role_definition: role.name,
        principal_id: server.principal("nobody").object_id,
        scope: "/keys/invoices".to_owned(),
        ..Default::default()
    };
    dev.access.create_role_assignment(assignment).await.unwrap();
    let plaintext = b"0123456789abcdef".to_vec();
    let encrypt = pb::EncryptRequest {
        name: "hsms/local/keys/data".to_owned(),
        algorithm: "A256GCM".to_owned(),
        plaintext: plaintext.clone(),
        ..Default::default()
    };
    let sealed = dev.crypto.encrypt(encrypt).await.unwrap().into_inner();
    let before = state(&mut dev).await;

    for stop in [Server::restart, crash] {
        stop(&mut server);
        let mut dev = server.client("dev").await;
        assert_eq!(state(&mut dev).await, before);
        let open = pb::DecryptRequest {
            name: sealed.name.clone(),
            algorithm: sealed.algorithm.clone(),
            ciphertext: sealed.ciphertext.clone(),
            iv: sealed.iv.clone(),
            authentication_tag: sealed.authentication_tag.clone(),
            ..Default::default()
        };
        assert_eq!(dev.crypto.decrypt(open).await.unwrap().into_inner().plaintext, plaintext);
        let mut nobody = server.client("nobody").await;
        let name = "hsms/local/keys/invoices".to_owned();
        let sign = pb::SignRequest { name, algorithm: "ES384".to_owned(), digest: vec![7; 48] };
        assert_eq!(nobody.crypto.sign(sign).await.unwrap().into_inner().signature.len(), 96);
    }
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

fn crash(server: &mut Server) {
    server.kill();
    server.start_again();
}

#[tokio::test]
async fn start_lists_each_token_once_and_again_if_keys_are_missing() {
    let mut server = Server::start_with(&[], &[("STRONGROOM_LOG__FILTER", "info,strongroom_token=debug")]);
    let mut dev = server.client("dev").await;
    for number in 0..12 {
        dev.create(ec(&format!("key-{number}"), "P-256")).await.unwrap();
    }
    let before = listings(&server);
    server.restart();
    server.client("dev").await.create(ec("last", "P-256")).await.unwrap();
    let once = |counts: &[usize]| counts.iter().map(|count| count + 1).collect::<Vec<_>>();
    assert_eq!(listings(&server), once(&before), "{}", server.log());

    assert!(server.stop().success());
    delete_private_keys(&server);
    let before = listings(&server);
    server.start_again();
    let started = std::time::Instant::now();
    while !server.log().contains("key versions without material") {
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(server.log().matches("does not hold this key version").count(), 13);
    let [audit, vault, keys] = <[usize; 3]>::try_from(once(&before)).unwrap();
    assert_eq!(listings(&server), [audit, vault, keys + 1], "{}", server.log());
}

/// Returns how often each token was listed: those of the audit log and of the vault, which hold few keys, and the HSM's
/// last.
fn listings(server: &Server) -> Vec<usize> {
    let mut tokens = std::collections::BTreeMap::<String, (u64, usize)>::new();
    let log = server.log();
    for line in log.lines().filter(|line| line.contains("listed the objects of the token")) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (keys, count) = tokens.entry(line["token"].as_str().unwrap().to_owned()).or_default();
        *keys = line["keys"].as_u64().unwrap().max(*keys);
        *count += 1;
    }
    let mut tokens: Vec<(u64, usize)> = tokens.into_values().collect();
    // After the first start the HSM's token has the most keys.
    tokens.sort_unstable();
    tokens.into_iter().map(|(_, count)| count).collect()
}

/// Deletes all private keys from the HSM's token, but not its sentinel object.
fn delete_private_keys(server: &Server) {
    let tokens = std::fs::read_dir(server.directory().join("softhsm/tokens")).unwrap();
    let files = tokens.map(|token| -> Vec<_> {
        std::fs::read_dir(token.unwrap().path()).unwrap().map(|file| file.unwrap().path()).collect()
    });
    let objects = files.max_by_key(Vec::len).unwrap().into_iter();
    for object in objects.filter(|path| path.extension().is_some_and(|kind| kind == "object")) {
        let is_key = std::fs::metadata(&object).unwrap().len() > 600;
        if is_key && object.file_name().is_some_and(|name| name != "token.object") {
            std::fs::remove_file(object).unwrap();
        }
    }
}
