//! Watching a restore job, which is possible while the data plane is unavailable.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::{invalid_field, refusal};
use crate::full_backups::{back_up, messages, start_restore, watch_restore};
use crate::held_storage::HeldStorage;
use crate::support::{Server, ec};

#[tokio::test]
async fn watch_works_while_the_contents_are_restored() {
    let (storage, server) = (HeldStorage::start(), HeldStorage::server());
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let request = pb::StartRestoreRequest {
        name: "hsms/local".to_owned(),
        storage: storage.storage(),
        folder: "nightly".to_owned(),
    };
    let job = dev.backups.start_restore(request).await.unwrap().into_inner();
    let mut stream = watch_restore(&mut dev, &job).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap().status, "InProgress");
    let refused = refusal(dev.create(ec("other", "P-256")).await);
    assert_eq!(refused, (Code::FailedPrecondition, "RESTORE_RUNNING".to_owned()));
    storage.answer("404 Not Found");
    let rest = messages(stream).await;
    assert_eq!((rest.len(), rest[0].status.as_str()), (1, "Failed"), "{rest:?}");
    assert_eq!(rest[0].error_reason, "BACKUP_STORAGE");
    dev.create(ec("other", "P-256")).await.unwrap();
}

#[tokio::test]
async fn last_message_is_the_success() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let folder = back_up(&mut dev, "local").await;
    let job = start_restore(&mut dev, "local", &folder).await.unwrap();
    let received = messages(watch_restore(&mut dev, &job).await.unwrap()).await;
    let last = received.last().unwrap();
    assert_eq!((last.status.as_str(), last.ended.is_some()), ("Succeeded", true), "{received:?}");
    server.audit_where(received.len(), |entry| entry["operationName"] == "HsmRestoreStatusWatch");
    let malformed = pb::BackupJob { name: "hsms/local/backupJobs/1".to_owned(), ..Default::default() };
    assert_eq!(invalid_field(watch_restore(&mut dev, &malformed).await), "name");
}
