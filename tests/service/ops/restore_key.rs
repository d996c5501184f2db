//! Restoring a key from a backup: everything is as before, or nothing changes.

use std::collections::HashMap;

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::{decrypt, decrypt_request, encrypt, key, refusal, sign, verify};
use crate::hsms::{Container, create_activated};
use crate::key_backups::{backup, delete, remove, restore};
use crate::rotation::{before, get, rotate, set, versions};
use crate::software::{digest, flip, verifies};
use crate::support::{Client, Server, ec, oct, reason, rsa};

const MALFORMED: (Code, &str) = (Code::InvalidArgument, "MALFORMED_BACKUP");

async fn assert_malformed(dev: &mut Client, hsm: &str, backup: &[u8], what: &str) {
    let (code, reason) = refusal(restore(dev, hsm, backup).await);
    assert_eq!((code, reason.as_str()), MALFORMED, "{what}");
}

async fn key_names(dev: &mut Client) -> Vec<String> {
    let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    dev.keys.list_keys(request).await.unwrap().into_inner().keys.into_iter().map(|key| key.name).collect()
}

#[tokio::test]
async fn restored_key_has_all_versions_and_properties() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (name, request) in [("ec", ec("ec", "P-384")), ("rsa", rsa("rsa", 2048)), ("oct", oct("oct", 256))] {
        let tags = HashMap::from([("team".to_owned(), "billing".to_owned())]);
        let attributes = Some(pb::KeyAttributes { enabled: Some(false), ..Default::default() });
        dev.create(pb::CreateKeyRequest { tags, attributes, ..request.clone() }).await.unwrap();
        dev.create(request).await.unwrap();
        set(&mut dev, name, "P90D", before("P30D")).await.unwrap();
        rotate(&mut dev, name).await.unwrap();
        let (made, policy) = (versions(&mut dev, name).await, get(&mut dev, name).await.unwrap());
        assert_eq!(made.len(), 3);

        let text = backup(&mut dev, name).await.unwrap();
        remove(&mut dev, name).await;
        assert_eq!(versions(&mut dev, name).await, []);
        let restored = restore(&mut dev, "local", &text).await.unwrap();
        assert_eq!(Some(&restored), made.last());
        assert_eq!(versions(&mut dev, name).await, made);
        assert_eq!(get(&mut dev, name).await.unwrap(), policy);
        // The restored key can be changed, backed up and purged as any other.
        rotate(&mut dev, name).await.unwrap();
        backup(&mut dev, name).await.unwrap();
        remove(&mut dev, name).await;
    }
}

/// Ciphertexts and signatures of before verify, and new ones do.
#[tokio::test]
async fn restored_material_is_that_of_the_key() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let signers = [
        (rsa("rsa", 2048), "PS256"),
        (ec("p-256", "P-256"), "ES256"),
        (ec("p-256k", "P-256K"), "ES256K"),
        (ec("p-521", "P-521"), "ES512"),
    ];
    let mut made = Vec::new();
    for (request, algorithm) in signers {
        let bundle = dev.create(request).await.unwrap();
        let digest = digest(algorithm, b"before");
        let signature = sign(&mut dev, &bundle.name, algorithm, &digest).await.unwrap().signature;
        made.push((bundle, algorithm, digest, signature));
    }
    let sealed = {
        dev.create(oct("oct", 192)).await.unwrap();
        encrypt(&mut dev, &key("oct"), "A192GCM", b"before", (b"", b"")).await.unwrap()
    };
    let mut backups = Vec::new();
    for name in ["rsa", "p-256", "p-256k", "p-521", "oct"] {
        backups.push(backup(&mut dev, name).await.unwrap());
        remove(&mut dev, name).await;
    }
    for backup in &backups {
        restore(&mut dev, "local", backup).await.unwrap();
    }
    // The objects are those of the token, not of a cache.
    server.restart();
    let mut dev = server.client("dev").await;
    for (bundle, algorithm, digest, signature) in made {
        let public = bundle.key.as_ref().unwrap();
        let again = sign(&mut dev, &bundle.name, algorithm, &digest).await.unwrap().signature;
        assert!(verifies(public, algorithm, &digest, &again), "{algorithm}");
        assert!(verify(&mut dev, &bundle.name, algorithm, &digest, &signature).await.unwrap().valid);
    }
    assert_eq!(decrypt(&mut dev, &decrypt_request(sealed)).await.unwrap().plaintext, b"before");
}

#[tokio::test]
async fn names_of_live_and_deleted_keys_are_refused() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    let text = backup(&mut dev, "invoices").await.unwrap();
    let live = refusal(restore(&mut dev, "local", &text).await);
    assert_eq!(live, (Code::AlreadyExists, "KEY_EXISTS".to_owned()));
    delete(&mut dev, "invoices").await;
    let deleted = refusal(restore(&mut dev, "local", &text).await);
    assert_eq!(deleted, (Code::AlreadyExists, "KEY_DELETED_BUT_RECOVERABLE".to_owned()));
    // Neither changed the key.
    let name = "hsms/local/deletedKeys/invoices".to_owned();
    dev.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name }).await.unwrap();
    assert_eq!(versions(&mut dev, "invoices").await, [made]);
    sign(&mut dev, &key("invoices"), "ES256", &[7; 32]).await.unwrap();
}

#[tokio::test]
async fn modified_and_foreign_backups_are_refused() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let text = backup(&mut dev, "invoices").await.unwrap();
    remove(&mut dev, "invoices").await;
    for (what, wrong) in [
        ("empty", Vec::new()),
        ("garbage", b"not a backup".to_vec()),
        ("truncated", text[..text.len() - 7].to_vec()),
        ("half", text[..text.len() / 2].to_vec()),
        ("modified", flip(&text, 8 * (text.len() - 100))),
        ("header", [b"e", &text[..]].concat()),
        ("twice", [&text[..], &text].concat()),
        ("binary", vec![0xff; 10_000]),
    ] {
        assert_malformed(&mut dev, "local", &wrong, what).await;
    }
    let other = Container::of(&server).create_request("other");
    create_activated(&server, other).await;
    let mut user = server.client("crypto-user").await;
    assert_malformed(&mut user, "other", &text, "another domain").await;
    assert_eq!(key_names(&mut dev).await, [] as [String; 0]);
    assert_eq!(restore(&mut dev, "local", &text).await.unwrap().name.split('/').nth(3), Some("invoices"));
}

#[tokio::test]
async fn one_backup_restores_one_key_at_a_time() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let text = backup(&mut dev, "invoices").await.unwrap();
    remove(&mut dev, "invoices").await;
    let calls = (0..4).map(|_| {
        let (mut dev, text) = (dev.clone(), text.clone());
        tokio::spawn(async move { restore(&mut dev, "local", &text).await })
    });
    let mut succeeded = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(_) => succeeded += 1,
            Err(status) => assert_eq!(reason(&status), "KEY_EXISTS"),
        }
    }
    assert_eq!(succeeded, 1);
    sign(&mut dev, &key("invoices"), "ES256", &[7; 32]).await.unwrap();
}

/// A backup is a state of the past: what changed later is not in it.
#[tokio::test]
async fn backup_has_the_versions_of_its_time() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(ec("invoices", "P-256")).await.unwrap();
    let text = backup(&mut dev, "invoices").await.unwrap();
    dev.create(ec("invoices", "P-256")).await.unwrap();
    remove(&mut dev, "invoices").await;
    restore(&mut dev, "local", &text).await.unwrap();
    assert_eq!(versions(&mut dev, "invoices").await, [first]);
}

#[tokio::test]
async fn restore_is_audited_and_an_event() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let text = backup(&mut dev, "invoices").await.unwrap();
    remove(&mut dev, "invoices").await;
    restore(&mut dev, "local", &text).await.unwrap();
    let entries = server.audit_where(1, |entry| entry["operationName"] == "KeyRestore");
    assert_eq!(
        (&entries[0]["target"], &entries[0]["resultType"]),
        (&"hsms/local/keys".into(), &"Success".into())
    );
}
