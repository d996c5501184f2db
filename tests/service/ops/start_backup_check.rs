//! Checking whether an HSM can be backed up.

use std::ffi::OsString;

use strongroom::api::grpc::pb;

use crate::full_backups::{directory, finished};
use crate::support::{Server, ec};

#[tokio::test]
async fn writes_no_backup_and_leaves_no_object() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let request = pb::StartBackupCheckRequest { name: "hsms/local".to_owned(), storage: directory() };
    let job = dev.backups.start_backup_check(request).await.unwrap().into_inner();
    let job = finished(&mut dev, job).await;
    assert_eq!((job.status.as_str(), job.folder_uri.as_str()), ("Succeeded", ""));
    let left = std::fs::read_dir(server.directory().join("backups")).unwrap();
    assert_eq!(left.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>(), Vec::<OsString>::new());
}
