//! Watching a backup job: when messages are sent, their audit entries, and when the stream ends.

use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::{invalid_field, refusal};
use crate::full_backups::{directory, finished, messages, watch_backup};
use crate::held_storage::HeldStorage;
use crate::roles::support::{assert_not_granted, assign, unassign};
use crate::support::{Client, Server, oct, reason};

const BACKUP_USER: &str = "7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8";
const KEYS: u64 = 300;

async fn start(client: &mut Client, storage: Option<pb::BackupStorage>) -> pb::BackupJob {
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage };
    client.backups.start_backup(request).await.unwrap().into_inner()
}

fn watches(server: &Server, least: usize) -> usize {
    server.audit_where(least, |entry| entry["operationName"] == "HsmBackupStatusWatch").len()
}

/// The storage holds the job back when all keys are done, so that it does not change.
#[tokio::test]
async fn messages_are_the_changes_of_the_job() {
    let (storage, server) = (HeldStorage::start(), HeldStorage::server());
    let mut dev = server.client("dev").await;
    crate::long::each(0..KEYS as usize, &dev, async |mut dev, number| {
        dev.create(oct(&format!("key-{number}"), 256)).await.unwrap();
    })
    .await;
    let job = start(&mut dev, storage.storage()).await;
    let opened = Instant::now();
    let mut stream = watch_backup(&mut dev, &job).await.unwrap();
    let mut received = Vec::new();
    while received.last().is_none_or(|(_, job): &(Instant, pb::BackupJob)| job.keys_done < KEYS) {
        let message = stream.message().await.unwrap().unwrap();
        assert_eq!((message.status.as_str(), &message.name), ("InProgress", &job.name));
        received.push((Instant::now(), message));
    }
    // At most two per second after the first one. They may be received later than they are sent.
    let earliest = Duration::from_millis(500) * u32::try_from(received.len() - 1).unwrap();
    let (last, _) = received.last().unwrap();
    assert!(last.duration_since(opened) >= earliest, "{} messages", received.len());
    assert!(received.is_sorted_by_key(|(_, job)| job.keys_done));
    assert_eq!(received.last().unwrap().1.keys_total, KEYS);
    // A job that does not change causes neither messages nor audit entries.
    let silent = tokio::time::timeout(Duration::from_millis(1200), stream.message()).await;
    assert!(silent.is_err(), "{silent:?}");
    assert_eq!(watches(&server, received.len()), received.len());
    storage.answer("201 Created");
    let rest = messages(stream).await;
    assert_eq!((rest.len(), rest[0].status.as_str()), (1, "Succeeded"), "{rest:?}");
    assert!(rest[0].ended.is_some() && rest[0].folder_uri.starts_with(&storage.uri()));
    assert_eq!(watches(&server, received.len() + 1), received.len() + 1);
}

#[tokio::test]
async fn ended_job_is_one_message() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let job = start(&mut dev, directory()).await;
    let job = finished(&mut dev, job).await;
    let request = pb::WatchBackupJobRequest { name: job.name.clone() };
    let answer = dev.backups.watch_backup_job(request).await.unwrap();
    crate::roles::support::assert_audited(
        &server,
        answer.metadata(),
        "HsmBackupStatusWatch",
        "OK",
        "hsms/local",
    );
    assert_eq!(messages(answer.into_inner()).await, std::slice::from_ref(&job));
    assert_eq!(watches(&server, 1), 1);
    // It is no restore job.
    let name = job.name.replace("backupJobs", "restoreJobs");
    let refused = refusal(dev.backups.watch_restore_job(pb::WatchRestoreJobRequest { name }).await);
    assert_eq!(refused, (Code::NotFound, "BACKUP_JOB_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn unknown_jobs_are_not_found() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = "hsms/local/backupJobs/00000000000000000000000000000001".to_owned();
    let job = pb::BackupJob { name, ..Default::default() };
    let refused = refusal(watch_backup(&mut dev, &job).await);
    assert_eq!(refused, (Code::NotFound, "BACKUP_JOB_NOT_FOUND".to_owned()));
    let malformed = pb::BackupJob { name: "hsms/local/backupJobs/1".to_owned(), ..Default::default() };
    assert_eq!(invalid_field(watch_backup(&mut dev, &malformed).await), "name");
    // Without a role, unknown jobs are not disclosed.
    assert_not_granted(watch_backup(&mut server.client("nobody").await, &job).await);
}

#[tokio::test]
async fn watch_ends_when_its_caller_loses_the_role() {
    let (storage, server) = (HeldStorage::start(), HeldStorage::server());
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let assigned = assign(&mut dev, BACKUP_USER, &server.principal("nobody").object_id, "/").await;
    let job = start(&mut dev, storage.storage()).await;
    let mut stream = watch_backup(&mut nobody, &job).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap().status, "InProgress");
    unassign(&mut dev, &assigned.name).await;
    storage.answer("403 Forbidden");
    assert_not_granted(stream.message().await);
    assert_eq!(finished(&mut dev, job).await.status, "Failed");
}

#[tokio::test]
async fn watch_ends_when_the_service_stops() {
    let (storage, mut server) = (HeldStorage::start(), HeldStorage::server());
    let mut dev = server.client("dev").await;
    let job = start(&mut dev, storage.storage()).await;
    let mut stream = watch_backup(&mut dev, &job).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap().status, "InProgress");
    let ended = tokio::spawn(async move {
        loop {
            match stream.message().await {
                Ok(Some(message)) => assert_eq!(message.status, "InProgress"),
                other => return other.unwrap_err(),
            }
        }
    });
    tokio::task::spawn_blocking(move || {
        let stopping = std::thread::spawn(move || server.stop());
        std::thread::sleep(Duration::from_millis(300));
        storage.answer("403 Forbidden");
        assert!(stopping.join().unwrap().success());
    })
    .await
    .unwrap();
    let status = ended.await.unwrap();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SERVICE_STOPPING"));
}
