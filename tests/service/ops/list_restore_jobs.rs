//! Listing the restore jobs of an HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::full_backups::{back_up, directory, finished, restore, restore_key};
use crate::roles::support::{HSM, assert_audited, assert_grpc_error, assert_not_granted, metadata};
use crate::support::{Client, Server, ec};

fn request() -> pb::ListRestoreJobsRequest {
    pb::ListRestoreJobsRequest { parent: HSM.to_owned() }
}

async fn list(client: &mut Client) -> Vec<pb::BackupJob> {
    client.backups.list_restore_jobs(request()).await.unwrap().into_inner().restore_jobs
}

/// A failed job is listed with its reason. A restore replaces the contents of the HSM, and keeps its jobs.
#[tokio::test]
async fn lists_restores_of_every_kind_and_no_backup() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let folder = back_up(&mut dev, "local").await;
    let answer = dev.backups.list_restore_jobs(request()).await;
    assert_audited(&server, metadata(&answer), "HsmRestoreStatusList", "OK", HSM);
    assert_eq!(answer.unwrap().into_inner().restore_jobs, []);
    let check = pb::StartRestoreCheckRequest {
        name: HSM.to_owned(),
        storage: directory(),
        folder: "none".to_owned(),
    };
    let check = dev.backups.start_restore_check(check).await.unwrap().into_inner();
    let check = finished(&mut dev, check).await;
    let key = restore_key(&mut dev, "invoices", &folder).await;
    let all = restore(&mut dev, "local", &folder).await;
    let kinds = [&all, &key, &check].map(|job| (job.kind.as_str(), job.status.as_str()));
    assert_eq!(kinds[2], ("RestoreCheck", "Failed"));
    assert_eq!((kinds[1].0, kinds[0]), ("KeyRestore", ("Restore", "Succeeded")));
    assert_ne!(check.error_reason, "");
    assert_eq!(list(&mut dev).await, [all, key, check]);
}

#[tokio::test]
async fn rejects_missing_permission_and_absent_hsms() {
    let server = Server::start();
    let mut officer = server.client("crypto-officer").await;
    let answer = officer.backups.list_restore_jobs(request()).await;
    assert_audited(&server, metadata(&answer), "HsmRestoreStatusList", "ACTION_NOT_GRANTED", HSM);
    assert_not_granted(answer);
    let elsewhere = pb::ListRestoreJobsRequest { parent: "hsms/elsewhere".to_owned() };
    let mut dev = server.client("dev").await;
    assert_grpc_error(dev.backups.list_restore_jobs(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
}
