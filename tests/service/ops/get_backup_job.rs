//! The state of a backup job.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::{invalid_field, refusal};
use crate::full_backups::{back_up, directory, finished};
use crate::support::{Server, ec};

#[tokio::test]
async fn ended_job_is_kept_after_a_restart() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: directory() };
    let job = dev.backups.start_backup(request).await.unwrap().into_inner();
    let job = finished(&mut dev, job).await;
    assert!(job.started.is_some() && job.ended.is_some());
    server.restart();
    let mut dev = server.client("dev").await;
    let request = pb::GetBackupJobRequest { name: job.name.clone() };
    assert_eq!(dev.backups.get_backup_job(request).await.unwrap().into_inner(), job);
    // It is no restore job.
    let name = job.name.replace("backupJobs", "restoreJobs");
    let refused = refusal(dev.backups.get_restore_job(pb::GetRestoreJobRequest { name }).await);
    assert_eq!(refused, (Code::NotFound, "BACKUP_JOB_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn unknown_jobs_are_not_found() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let unknown = "hsms/local/backupJobs/00000000000000000000000000000001".to_owned();
    let refused = refusal(dev.backups.get_backup_job(pb::GetBackupJobRequest { name: unknown }).await);
    assert_eq!(refused, (Code::NotFound, "BACKUP_JOB_NOT_FOUND".to_owned()));
    let malformed = "hsms/local/backupJobs/1".to_owned();
    assert_eq!(
        invalid_field(dev.backups.get_backup_job(pb::GetBackupJobRequest { name: malformed }).await),
        "name"
    );
}

/// A job that a kill interrupts has failed, and the next one can start.
#[tokio::test]
async fn interrupted_job_has_failed() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    for number in 0..60 {
        dev.create(ec(&format!("key-{number}"), "P-256")).await.unwrap();
    }
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: directory() };
    let job = dev.backups.start_backup(request).await.unwrap().into_inner();
    server.kill();
    server.start_again();
    let mut dev = server.client("dev").await;
    let job =
        dev.backups.get_backup_job(pb::GetBackupJobRequest { name: job.name }).await.unwrap().into_inner();
    // It may have ended before the kill.
    if job.status != "Succeeded" {
        assert_eq!((job.status.as_str(), job.error_reason.as_str()), ("Failed", "INTERRUPTED"), "{job:?}");
    }
    back_up(&mut dev, "local").await;
}
