//! The state of a restore job.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::refusal;
use crate::full_backups::{back_up, restore};
use crate::support::Server;

#[tokio::test]
async fn ended_job_is_kept() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let folder = back_up(&mut dev, "local").await;
    let job = restore(&mut dev, "local", &folder).await;
    assert_eq!((job.status.as_str(), job.folder_uri.as_str()), ("Succeeded", ""));
    let request = pb::GetRestoreJobRequest { name: job.name.clone() };
    assert_eq!(dev.backups.get_restore_job(request).await.unwrap().into_inner(), job);
    let name = job.name.replace("restoreJobs", "backupJobs");
    let refused = refusal(dev.backups.get_backup_job(pb::GetBackupJobRequest { name }).await);
    assert_eq!(refused, (Code::NotFound, "BACKUP_JOB_NOT_FOUND".to_owned()));
}
