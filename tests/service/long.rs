//! Tests computations over long periods: they are bounded, do not block serving threads, and do not delay shutdown.

use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;

use crate::calls::invalid_field;
use crate::full_backups::{directory, restore};
use crate::key_backups::remove;
use crate::support::{Client, Server, ec};
use crate::usage::{freeze_clock_at, statement, subscription};

/// The time limit of all computations together, also on a busy machine. Unbounded computations take minutes.
const TIME_LIMIT: Duration = Duration::from_secs(20);

async fn budgets(client: &mut Client, server: &Server) -> Vec<pb::Budget> {
    let request = pb::ListBudgetsRequest { parent: subscription(server) };
    client.usage.list_budgets(request).await.unwrap().into_inner().budgets
}

/// Starts a simulator with its clock in the year 9990 and budgets that are never reached.
async fn server_in_year_9990() -> (Server, Client) {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for number in 0..20 {
        let budget = pb::CreateBudgetRequest {
            parent: subscription(&server),
            budget_id: format!("never-{number}"),
            amount: "1000000000".to_owned(),
        };
        dev.usage.create_budget(budget).await.unwrap();
    }
    freeze_clock_at(&mut dev, "9990-06-01").await;
    (server, dev)
}

#[tokio::test]
async fn budgets_and_statements_stay_fast_after_millennia() {
    let (server, mut dev) = server_in_year_9990().await;
    let started = Instant::now();
    assert_eq!(budgets(&mut dev, &server).await.len(), 20);
    let forecast =
        pb::GetForecastRequest { name: crate::usage::managed_hsm(&server, "local"), ..Default::default() };
    dev.usage.get_forecast(forecast).await.unwrap();
    let century = statement(&subscription(&server), "9890-07-01", "9990-06-01", "");
    dev.usage.get_statement(century).await.unwrap();
    assert!(started.elapsed() < TIME_LIMIT, "{:?}", started.elapsed());

    let all = statement(&subscription(&server), "2020-01-01", "9990-06-01", "");
    assert_eq!(invalid_field(dev.usage.get_statement(all.clone()).await), "from");
    let (parent, from, to) = (all.parent, all.from, all.to);
    let list = pb::ListUsageRequest { parent: parent.clone(), from, to, ..Default::default() };
    assert_eq!(invalid_field(dev.usage.list_usage(list).await), "from");
    let export = pb::ExportUsageRequest { parent, from, to, format: "csv".to_owned(), ..Default::default() };
    assert_eq!(invalid_field(dev.usage.export_usage(export).await), "from");
    // The limit applies to the time since the first HSM, not to the requested period.
    let young = Server::start();
    let mut dev = young.client("dev").await;
    let ever = statement(&subscription(&young), "0001-01-01", "9999-01-01", "");
    dev.usage.get_statement(ever).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_process_in_time_during_computations() {
    let (mut server, dev) = server_in_year_9990().await;
    let parent = subscription(&server);
    let calls: Vec<_> = (0..24)
        .map(|number| {
            let mut dev = dev.clone();
            let (parent, format) = (parent.clone(), "csv".to_owned());
            tokio::spawn(async move {
                let century = statement(&parent, "9890-07-01", "9990-06-01", "");
                if number % 2 == 0 {
                    drop(dev.usage.get_statement(century).await);
                } else {
                    let (from, to) = (century.from, century.to);
                    let export = pb::ExportUsageRequest { parent, from, to, format, ..Default::default() };
                    drop(dev.usage.export_usage(export).await);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    // Either a graceful shutdown or a forced exit after the time limit: both are in time.
    let _ = server.stop();
    // The configured shutdown time is four seconds (`support.rs`).
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    for call in calls {
        call.abort();
    }
}

/// Runs a step for each number, several at a time.
pub(crate) async fn each(numbers: std::ops::Range<usize>, dev: &Client, step: impl AsyncFn(Client, usize)) {
    use futures_util::StreamExt as _;
    futures_util::stream::iter(numbers).for_each_concurrent(16, |number| step(dev.clone(), number)).await;
}

/// `STRONGROOM_SOAK_KEYS` keys are backed up, purged and restored. Prints how long a backup and a restore take, and the memory
/// that they add.
#[tokio::test(flavor = "multi_thread")]
async fn many_keys_are_backed_up_and_restored() {
    let count = std::env::var("STRONGROOM_SOAK_KEYS").map_or(100, |count| count.parse().unwrap());
    let server = Server::start();
    let mut dev = server.client("dev").await;
    each(0..count, &dev, async |mut dev, number| {
        dev.create(ec(&format!("key-{number}"), "P-256")).await.unwrap();
    })
    .await;
    let (before, started) = (server.memory() >> 20, Instant::now());
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: directory() };
    let mut job = dev.backups.start_backup(request).await.unwrap().into_inner();
    let mut progress = Vec::new();
    while job.status == "InProgress" {
        progress.push((job.keys_done, job.keys_total));
        tokio::time::sleep(Duration::from_millis(5)).await;
        let request = pb::GetBackupJobRequest { name: job.name };
        job = dev.backups.get_backup_job(request).await.unwrap().into_inner();
    }
    assert_eq!((job.status.as_str(), job.keys_done), ("Succeeded", 0), "{job:?}");
    assert!(progress.is_sorted_by_key(|(done, _)| *done), "{progress:?}");
    assert!(progress.iter().any(|(_, total)| *total == count as u64), "{progress:?}");
    let folder = job.folder_uri.rsplit('/').next().unwrap().to_owned();
    let (backed_up, after_backup) = (started.elapsed(), server.memory() >> 20);
    each(0..count, &dev, async |mut dev, number| remove(&mut dev, &format!("key-{number}")).await).await;
    let started = Instant::now();
    assert_eq!(restore(&mut dev, "local", &folder).await.status, "Succeeded");
    println!(
        "{count} keys: backup {backed_up:?}, restore {:?}; resident {before} MiB, {after_backup} MiB after the backup, {} MiB \
         after the restore",
        started.elapsed(),
        server.memory() >> 20
    );
    each(0..count, &dev, async |mut dev, number| {
        let name = crate::calls::key(&format!("key-{number}"));
        crate::calls::sign(&mut dev, &name, "ES256", &[7; 32]).await.unwrap();
    })
    .await;
}
