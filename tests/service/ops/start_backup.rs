//! Backing up an HSM as a whole: what the backup is, and which jobs fail.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::{invalid_field, refusal};
use crate::full_backups::{back_up, directory, finished};
use crate::support::{Server, ec, oct, reason};

const OBJECT: &str = "strongroom.backup";

#[tokio::test]
async fn backup_is_one_encrypted_object_in_a_folder_of_its_own() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let first = back_up(&mut dev, "local").await;
    let digits = first.strip_prefix("mhsm-local-").unwrap();
    assert!(digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{first}");
    let content =
        std::fs::read(server.directory().join("backups/nightly").join(&first).join(OBJECT)).unwrap();
    assert!(content.starts_with(b"STRONGROOM BACKUP\0"));
    assert!(!content.windows(8).any(|window| window == b"invoices"));
    let entries = server.audit_where(1, |entry| entry["operationName"] == "HsmBackup");
    assert_eq!(entries[0]["target"], "hsms/local");
}

#[tokio::test]
async fn one_job_runs_at_a_time() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for number in 0..40 {
        dev.create(ec(&format!("key-{number}"), "P-256")).await.unwrap();
    }
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: directory() };
    let calls = (0..5).map(|_| {
        let (mut dev, request) = (dev.clone(), request.clone());
        tokio::spawn(async move { dev.backups.start_backup(request).await })
    });
    let (mut jobs, mut refused) = (Vec::new(), 0);
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(job) => jobs.push(job.into_inner()),
            Err(status) => {
                assert_eq!(
                    (status.code(), reason(&status).as_str()),
                    (Code::FailedPrecondition, "BACKUP_JOB_RUNNING")
                );
                refused += 1;
            }
        }
    }
    assert!(!jobs.is_empty() && refused > 0, "{} jobs, {refused} refused", jobs.len());
    for job in jobs {
        assert_eq!(finished(&mut dev, job).await.status, "Succeeded");
    }
    back_up(&mut dev, "local").await;
}

/// The job reports the names of such keys, and writes nothing.
#[tokio::test]
async fn job_names_keys_that_cannot_be_backed_up() {
    let mut server = Server::start_with(&[], &[("STRONGROOM_CRYPTO__BACKUP", "never")]);
    let mut dev = server.client("dev").await;
    dev.create(oct("never", 256)).await.unwrap();
    assert!(server.stop().success());
    let server = Server::start_in_place(server, &[]);
    let mut dev = server.client("dev").await;
    dev.create(oct("new", 256)).await.unwrap();
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: directory() };
    let job = dev.backups.start_backup(request).await.unwrap().into_inner();
    let job = finished(&mut dev, job).await;
    assert_eq!((job.status.as_str(), job.error_reason.as_str()), ("Failed", "BACKUP_STORAGE"));
    assert!(job.error_message.contains("never") && !job.error_message.contains("new,"), "{job:?}");
    assert!(!server.directory().join("backups/nightly").exists());
}

#[tokio::test]
async fn rejects_storages_that_are_not_permitted() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut start = async |uri: &str, token: &str, use_managed_identity| {
        let storage =
            pb::BackupStorage { uri: uri.to_owned(), token: token.to_owned(), use_managed_identity };
        let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: Some(storage) };
        dev.backups.start_backup(request).await
    };
    for uri in ["", "file:///../x", "https://example.com/c", "http://acct.blob.core.windows.net/c", "nightly"]
    {
        let (code, reason) = refusal(start(uri, "", false).await);
        assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "BACKUP_STORAGE"), "{uri}");
    }
    let container = "https://acct.blob.core.windows.net/c";
    for (token, identity) in [("", false), ("se=1&sig=secret", true)] {
        assert_eq!(invalid_field(start(container, token, identity).await), "storage.token");
    }
    assert_eq!(invalid_field(start("file:///nightly", "se=1&sig=secret", false).await), "storage.token");
    let status = start(container, "sig=secret", false).await.unwrap_err();
    assert!(status.message().contains("does not contain the expiry field"), "{status:?}");
    assert!(!server.log().contains("secret"));
}
