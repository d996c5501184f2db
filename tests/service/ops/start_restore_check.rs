//! Checking whether a backup can be restored.

use strongroom::api::grpc::pb;

use crate::full_backups::{back_up, directory, finished};
use crate::support::{Server, ec};

#[tokio::test]
async fn reads_the_whole_backup_and_changes_nothing() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let folder = back_up(&mut dev, "local").await;
    dev.create(ec("later", "P-256")).await.unwrap();
    let mut check = async || {
        let (name, folder) = ("hsms/local".to_owned(), folder.clone());
        let request = pb::StartRestoreCheckRequest { name, storage: directory(), folder };
        let job = dev.backups.start_restore_check(request).await.unwrap().into_inner();
        finished(&mut dev, job).await.status
    };
    assert_eq!(check().await, "Succeeded");
    let object = server.directory().join("backups/nightly").join(&folder).join("strongroom.backup");
    let content = std::fs::read(&object).unwrap();
    std::fs::write(&object, &content[..content.len() - 1]).unwrap();
    assert_eq!(check().await, "Failed");
    let name = crate::calls::key("later");
    dev.keys.get_key(pb::GetKeyRequest { name }).await.unwrap();
}
