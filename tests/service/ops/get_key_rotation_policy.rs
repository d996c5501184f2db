//! Reading a rotation policy.

use strongroom::api::grpc::pb;

use crate::rotation::{after, get, set};
use crate::support::{Server, ec, error_metadata, reason};

#[tokio::test]
async fn key_without_a_policy_returns_an_empty_one() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let name = "hsms/local/keys/a/rotationPolicy".to_owned();
    assert_eq!(get(&mut dev, "a").await.unwrap(), pb::KeyRotationPolicy { name, ..Default::default() });
}

#[tokio::test]
async fn policy_follows_its_key_and_requires_key_read() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let policy = set(&mut dev, "a", "", after("P90D")).await.unwrap();
    assert_eq!(get(&mut server.client("crypto-auditor").await, "a").await.unwrap(), policy);
    let status = get(&mut server.client("nobody").await, "a").await.unwrap_err();
    assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHsm/keys/read/action");
    assert_eq!(reason(&get(&mut dev, "nothing").await.unwrap_err()), "KEY_NOT_FOUND");

    // The policy is deleted, recovered and purged with its key.
    let delete = pb::DeleteKeyRequest { name: "hsms/local/keys/a".to_owned() };
    let deleted = "hsms/local/deletedKeys/a".to_owned();
    dev.keys.delete_key(delete.clone()).await.unwrap();
    assert_eq!(reason(&get(&mut dev, "a").await.unwrap_err()), "KEY_NOT_FOUND");
    let recover = pb::RecoverDeletedKeyRequest { name: deleted.clone() };
    dev.keys.recover_deleted_key(recover).await.unwrap();
    assert_eq!(get(&mut dev, "a").await.unwrap(), policy);
    dev.keys.delete_key(delete).await.unwrap();
    dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name: deleted }).await.unwrap();
    dev.create(ec("a", "P-256")).await.unwrap();
    assert_eq!(get(&mut dev, "a").await.unwrap().created, None);
}
