//! Calls for tests of full backups.

use std::time::Duration;

use strongroom::api::grpc::pb;
use tonic::{Status, Streaming};

use crate::support::Client;

/// A directory of the simulator's data directory.
pub(crate) fn directory() -> Option<pb::BackupStorage> {
    Some(pb::BackupStorage { uri: "file:///nightly".to_owned(), ..Default::default() })
}

/// Waits for the end of a job.
pub(crate) async fn finished(client: &mut Client, mut job: pb::BackupJob) -> pb::BackupJob {
    for _ in 0..30_000 {
        if job.status != "InProgress" {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        let name = job.name.clone();
        job = if name.contains("/restoreJobs/") {
            client.backups.get_restore_job(pb::GetRestoreJobRequest { name }).await
        } else {
            client.backups.get_backup_job(pb::GetBackupJobRequest { name }).await
        }
        .unwrap()
        .into_inner();
    }
    panic!("{job:?} does not end")
}

/// Backs up an HSM, and returns the folder.
pub(crate) async fn back_up(client: &mut Client, hsm: &str) -> String {
    let request = pb::StartBackupRequest { name: format!("hsms/{hsm}"), storage: directory() };
    let job = client.backups.start_backup(request).await.unwrap().into_inner();
    let job = finished(client, job).await;
    assert_eq!(job.status, "Succeeded", "{job:?}");
    job.folder_uri.strip_prefix("file:///nightly/").unwrap().to_owned()
}

/// Starts a restore.
pub(crate) async fn start_restore(
    client: &mut Client,
    hsm: &str,
    folder: &str,
) -> Result<pb::BackupJob, Status> {
    let (name, folder) = (format!("hsms/{hsm}"), folder.to_owned());
    let request = pb::StartRestoreRequest { name, storage: directory(), folder };
    Ok(client.backups.start_restore(request).await?.into_inner())
}

/// Restores an HSM.
pub(crate) async fn restore(client: &mut Client, hsm: &str, folder: &str) -> pb::BackupJob {
    let job = start_restore(client, hsm, folder).await.unwrap();
    finished(client, job).await
}

/// Restores a key of HSM `local`.
pub(crate) async fn restore_key(client: &mut Client, key: &str, folder: &str) -> pb::BackupJob {
    let (name, folder) = (crate::calls::key(key), folder.to_owned());
    let request = pb::StartKeyRestoreRequest { name, storage: directory(), folder };
    let job = client.backups.start_key_restore(request).await.unwrap().into_inner();
    finished(client, job).await
}

/// Watches a backup job.
pub(crate) async fn watch_backup(
    client: &mut Client,
    job: &pb::BackupJob,
) -> Result<Streaming<pb::BackupJob>, Status> {
    let request = pb::WatchBackupJobRequest { name: job.name.clone() };
    Ok(client.backups.watch_backup_job(request).await?.into_inner())
}

/// Watches a restore job.
pub(crate) async fn watch_restore(
    client: &mut Client,
    job: &pb::BackupJob,
) -> Result<Streaming<pb::BackupJob>, Status> {
    let request = pb::WatchRestoreJobRequest { name: job.name.clone() };
    Ok(client.backups.watch_restore_job(request).await?.into_inner())
}

/// Returns the messages of a stream to its end.
pub(crate) async fn messages(mut stream: Streaming<pb::BackupJob>) -> Vec<pb::BackupJob> {
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        messages.push(message);
    }
    messages
}
