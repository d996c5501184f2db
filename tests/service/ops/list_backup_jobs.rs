//! Listing the backup jobs of an HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::invalid_field;
use crate::full_backups::{directory, finished, restore};
use crate::held_storage::HeldStorage;
use crate::roles::support::{HSM, assert_audited, assert_grpc_error, assert_not_granted, metadata};
use crate::support::{Client, Server};

fn request() -> pb::ListBackupJobsRequest {
    pb::ListBackupJobsRequest { parent: HSM.to_owned() }
}

async fn list(client: &mut Client) -> Vec<pb::BackupJob> {
    client.backups.list_backup_jobs(request()).await.unwrap().into_inner().backup_jobs
}

async fn check(client: &mut Client) -> pb::BackupJob {
    let request = pb::StartBackupCheckRequest { name: HSM.to_owned(), storage: directory() };
    let job = client.backups.start_backup_check(request).await.unwrap().into_inner();
    finished(client, job).await
}

async fn back_up(client: &mut Client) -> pb::BackupJob {
    let request = pb::StartBackupRequest { name: HSM.to_owned(), storage: directory() };
    let job = client.backups.start_backup(request).await.unwrap().into_inner();
    finished(client, job).await
}

#[tokio::test]
async fn lists_backups_and_checks_the_newest_first_also_after_a_restart() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let answer = dev.backups.list_backup_jobs(request()).await;
    assert_audited(&server, metadata(&answer), "HsmBackupStatusList", "OK", HSM);
    assert_eq!(answer.unwrap().into_inner().backup_jobs, []);
    let checked = check(&mut dev).await;
    let backup = back_up(&mut dev).await;
    let folder = backup.folder_uri.strip_prefix("file:///nightly/").unwrap();
    assert_eq!(restore(&mut dev, "local", folder).await.kind, "Restore");
    assert_eq!((checked.kind.as_str(), backup.kind.as_str()), ("BackupCheck", "Backup"));
    let expected = [backup, checked];
    assert_eq!(list(&mut dev).await, expected);
    server.restart();
    assert_eq!(list(&mut server.client("dev").await).await, expected);
}

#[tokio::test]
async fn running_job_is_listed() {
    let storage = HeldStorage::start();
    let server = HeldStorage::server();
    let mut dev = server.client("dev").await;
    let request = pb::StartBackupRequest { name: HSM.to_owned(), storage: storage.storage() };
    let started = dev.backups.start_backup(request).await.unwrap().into_inner();
    let [job] = &list(&mut dev).await[..] else { panic!("one job") };
    assert_eq!((&job.name, job.status.as_str()), (&started.name, "InProgress"));
}

/// An HSM keeps its last jobs only.
#[tokio::test]
async fn oldest_jobs_are_dropped() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut names = Vec::new();
    for _ in 0..22 {
        names.insert(0, check(&mut dev).await.name);
    }
    let listed: Vec<_> = list(&mut dev).await.into_iter().map(|job| job.name).collect();
    assert_eq!(listed, names[..20]);
}

#[tokio::test]
async fn rejects_missing_permission_and_invalid_parents() {
    let server = Server::start();
    let mut officer = server.client("crypto-officer").await;
    let answer = officer.backups.list_backup_jobs(request()).await;
    assert_audited(&server, metadata(&answer), "HsmBackupStatusList", "ACTION_NOT_GRANTED", HSM);
    assert_not_granted(answer);
    let mut dev = server.client("dev").await;
    let elsewhere = pb::ListBackupJobsRequest { parent: "hsms/elsewhere".to_owned() };
    assert_grpc_error(dev.backups.list_backup_jobs(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
    // Vaults have no full backups.
    for parent in ["", "local", "hsms/local/", "hsms/local/backupJobs", "vaults/demo"] {
        let malformed = pb::ListBackupJobsRequest { parent: parent.to_owned() };
        assert_eq!(invalid_field(dev.backups.list_backup_jobs(malformed).await), "parent");
    }
}
