//! Purging a deleted key.

use std::path::Path;

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, oct, reason, rsa, strongroom};

const DELETED: &str = "hsms/local/deletedKeys/invoices";

async fn purge(client: &mut Client, name: &str) -> Result<(), tonic::Status> {
    let request = pb::PurgeDeletedKeyRequest { name: name.to_owned() };
    client.keys.purge_deleted_key(request).await.map(drop)
}

async fn delete(client: &mut Client, key: &str) -> pb::DeletedKeyBundle {
    let request = pb::DeleteKeyRequest { name: format!("hsms/local/keys/{key}") };
    client.keys.delete_key(request).await.unwrap().into_inner()
}

/// Returns the report of `doctor` on the token of a stopped simulator.
fn token(directory: &Path) -> serde_json::Value {
    let output = strongroom()
        .args(["--output", "json", "doctor", "--label", "local", "--pin-file"])
        .arg(directory.join("token.pin"))
        .env("SOFTHSM2_CONF", directory.join("softhsm/softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Writes the built-in seed with one line replaced, and returns its path.
fn seed(directory: &Path, line: &str, instead: &str) -> String {
    let seed = include_str!("../../../hsm-config/dev.toml");
    assert!(seed.contains(line));
    let path = directory.join("seed.toml");
    std::fs::write(&path, seed.replace(line, instead)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn purge_removes_the_key_from_service_and_token() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("kept", "P-256")).await.unwrap();
    let old = dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(rsa("invoices", 2048)).await.unwrap();
    dev.create(oct("invoices", 256)).await.unwrap();
    server.restart();
    assert!(server.stop().success());
    let before = token(&server.directory());
    server.start_again();

    let mut dev = server.client("dev").await;
    delete(&mut dev, "invoices").await;
    purge(&mut dev, DELETED).await.unwrap();
    let status = purge(&mut dev, DELETED).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "DELETED_KEY_NOT_FOUND"));
    let request = pb::RecoverDeletedKeyRequest { name: DELETED.to_owned() };
    assert_eq!(dev.keys.recover_deleted_key(request).await.unwrap_err().code(), Code::NotFound);
    let request = pb::GetKeyRequest { name: old.name.clone() };
    assert_eq!(dev.keys.get_key(request).await.unwrap_err().code(), Code::NotFound);

    assert!(server.stop().success());
    let after = token(&server.directory());
    assert_eq!((after["keys"].as_u64(), after["foreign_objects"].as_u64()), (Some(1), Some(0)), "{after}");
    assert_eq!(after["ghosts"], 0);
    assert!(before["keys"].as_u64() > Some(3), "{before}");

    // The name is free, and a key created under it is a new key.
    server.start_again();
    let mut dev = server.client("dev").await;
    let new = dev.create(ec("invoices", "P-256")).await.unwrap();
    assert!(new.name != old.name && new.key != old.key);
    let parent = "hsms/local/keys/invoices".to_owned();
    let request = pb::ListKeyVersionsRequest { parent, ..Default::default() };
    assert_eq!(dev.keys.list_key_versions(request).await.unwrap().into_inner().versions, [new]);
}

#[tokio::test]
async fn rejects_live_keys_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let status = purge(&mut dev, DELETED).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "DELETED_KEY_NOT_FOUND"));
    for name in ["hsms/local/keys/invoices", "invoices", ""] {
        assert_eq!(purge(&mut dev, name).await.unwrap_err().code(), Code::InvalidArgument, "{name}");
    }
    delete(&mut dev, "invoices").await;
    for principal in ["crypto-user", "crypto-auditor", "administrator", "nobody"] {
        let status = purge(&mut server.client(principal).await, DELETED).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{principal}");
        assert_eq!(
            error_metadata(&status, "action"),
            "Microsoft.KeyVault/managedHsm/keys/deletedKeys/delete"
        );
        assert_eq!(error_metadata(&status, "scope"), "/keys/invoices");
    }
    purge(&mut server.client("crypto-officer").await, DELETED).await.unwrap();
}

#[tokio::test]
async fn purge_protection_rejects_purges() {
    let directory = tempfile::tempdir().unwrap();
    let seed = seed(directory.path(), "purge_protection = false", "purge_protection = true");
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    assert_eq!((made.recovery_level.as_str(), made.recoverable_days), ("Recoverable", 90));

    let deleted = delete(&mut dev, "invoices").await;
    let status = purge(&mut dev, DELETED).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "PURGE_PROTECTED"));
    assert_eq!(error_metadata(&status, "recovery_level"), "Recoverable");
    let until: jiff::Timestamp = error_metadata(&status, "scheduled_purge_at").parse().unwrap();
    let scheduled = deleted.scheduled_purge_at.unwrap();
    assert_eq!((until.as_second(), until.subsec_nanosecond()), (scheduled.seconds, scheduled.nanos));

    // The key is unchanged: it can be recovered and used.
    let request = pb::RecoverDeletedKeyRequest { name: DELETED.to_owned() };
    assert_eq!(dev.keys.recover_deleted_key(request).await.unwrap().into_inner(), made);
    let sign = pb::SignRequest { name: made.name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    assert!(dev.crypto.sign(sign).await.is_ok());
}

#[tokio::test]
async fn retention_interval_sets_dates_and_recovery_level() {
    let directory = tempfile::tempdir().unwrap();
    let seed = seed(directory.path(), "retention_days = 90", "retention_days = 7");
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    let shown = (made.recovery_level.as_str(), made.recoverable_days);
    assert_eq!(shown, ("CustomizedRecoverable+Purgeable", 7));
    let deleted = delete(&mut dev, "invoices").await;
    let (from, until) = (deleted.deleted_at.unwrap(), deleted.scheduled_purge_at.unwrap());
    assert_eq!((until.seconds - from.seconds, until.nanos), (7 * 86_400, from.nanos));
    purge(&mut dev, DELETED).await.unwrap();
}
