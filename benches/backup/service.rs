//! The measured service: a simulator whose HSM is backed up and restored over gRPC.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::backup_service_client::BackupServiceClient;
use strongroom::api::grpc::pb::key_service_client::KeyServiceClient;

use crate::simulator::{Authorized, Simulator};

/// The number of concurrent calls that create keys.
const CALLERS: usize = 16;

/// The interval in which the status of a job and the memory are read.
const POLL: Duration = Duration::from_millis(20);

/// How long objects of replaced contents may be in the token.
const DESTROYED_WITHIN: Duration = Duration::from_secs(120);

/// The measurements of one HSM.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// The number of its keys.
    pub(crate) keys: u32,
    /// The time in which they were created.
    pub(crate) create: Duration,
    /// Resident memory with the keys, in bytes.
    pub(crate) memory: u64,
    /// The backup.
    pub(crate) backup: Job,
    /// The size of the backup, in bytes.
    pub(crate) size: u64,
    /// A restore into the HSM as it was backed up.
    pub(crate) unchanged: Job,
    /// A restore into the HSM without keys, which unwraps all of them.
    pub(crate) unwrapping: Job,
    /// Resident memory at the end, in bytes.
    pub(crate) memory_after: u64,
}

/// The measurement of a job.
#[derive(Debug)]
pub(crate) struct Job {
    /// From the call that starts it until its end is seen.
    pub(crate) time: Duration,
    /// The highest resident memory meanwhile, in bytes.
    pub(crate) peak: u64,
}

/// Measures an HSM with this many keys.
pub(crate) async fn measure(program: &Path, keys: u32) -> anyhow::Result<Measurement> {
    let simulator = Simulator::start(program, &[])?;
    let connection = simulator.authorize("data", simulator.connect().await?);
    let mut jobs = Jobs { client: BackupServiceClient::new(connection.clone()), simulator: &simulator };
    // The backup of the HSM without keys: restoring it is the fastest way to destroy all keys.
    let (_, empty) = jobs.back_up().await?;
    let started = Instant::now();
    create(&KeyServiceClient::new(connection), keys).await?;
    let (create, memory) = (started.elapsed(), jobs.memory()?);
    let (backup, folder) = jobs.back_up().await?;
    let size = std::fs::metadata(simulator.data().join(format!("backups/{folder}/strongroom.backup")))?.len();
    let unchanged = jobs.restore(&folder).await?;
    jobs.restore(&empty).await?;
    let unwrapping = jobs.restore(&folder).await?;
    let memory_after = jobs.memory()?;
    Ok(Measurement { keys, create, memory, backup, size, unchanged, unwrapping, memory_after })
}

async fn create(client: &KeyServiceClient<Authorized>, keys: u32) -> anyhow::Result<()> {
    let calls = (0..keys).map(|number| {
        let mut client = client.clone();
        async move {
            let request = pb::CreateKeyRequest {
                parent: "hsms/local".to_owned(),
                key_id: format!("key-{number}"),
                kty: "EC-HSM".to_owned(),
                ..Default::default()
            };
            client.create_key(request).await
        }
    });
    stream::iter(calls).buffer_unordered(CALLERS).try_for_each(|_| async { Ok(()) }).await?;
    Ok(())
}

/// Runs jobs on HSM `local`.
struct Jobs<'a> {
    client: BackupServiceClient<Authorized>,
    simulator: &'a Simulator,
}

impl Jobs<'_> {
    /// Backs up, and returns the folder.
    async fn back_up(&mut self) -> anyhow::Result<(Job, String)> {
        let started = Instant::now();
        let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: storage() };
        let mut job = self.client.start_backup(request).await?.into_inner();
        let mut peak = self.memory()?;
        while job.status == "InProgress" {
            pause(POLL).await;
            peak = peak.max(self.memory()?);
            let request = pb::GetBackupJobRequest { name: job.name };
            job = self.client.get_backup_job(request).await?.into_inner();
        }
        anyhow::ensure!(job.status == "Succeeded", "the backup has failed: {job:?}");
        let folder = job.folder_uri.strip_prefix("file:///").context("the job has no folder")?;
        Ok((Job { time: started.elapsed(), peak }, folder.to_owned()))
    }

    /// Restores a folder. A restore that has failed because objects of replaced contents are still being destroyed is
    /// started again, and not measured.
    async fn restore(&mut self, folder: &str) -> anyhow::Result<Job> {
        let begun = Instant::now();
        loop {
            let (measured, job) = self.try_restore(folder).await?;
            if job.status == "Succeeded" {
                return Ok(measured);
            }
            let is_conflict = job.error_reason == "CONCURRENT_CHANGE" && begun.elapsed() < DESTROYED_WITHIN;
            anyhow::ensure!(is_conflict, "the restore has failed: {job:?}");
            pause(Duration::from_millis(200)).await;
        }
    }

    async fn try_restore(&mut self, folder: &str) -> anyhow::Result<(Job, pb::BackupJob)> {
        let started = Instant::now();
        let (name, folder) = ("hsms/local".to_owned(), folder.to_owned());
        let request = pb::StartRestoreRequest { name, storage: storage(), folder };
        let mut job = self.client.start_restore(request).await?.into_inner();
        let mut peak = self.memory()?;
        while job.status == "InProgress" {
            pause(POLL).await;
            peak = peak.max(self.memory()?);
            let request = pb::GetRestoreJobRequest { name: job.name };
            job = self.client.get_restore_job(request).await?.into_inner();
        }
        Ok((Job { time: started.elapsed(), peak }, job))
    }

    /// Resident memory of the service, in bytes. Supported on Linux only.
    fn memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.simulator.process()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

/// The directory of the simulator.
fn storage() -> Option<pb::BackupStorage> {
    Some(pb::BackupStorage { uri: "file:///".to_owned(), ..Default::default() })
}

#[expect(clippy::disallowed_methods, reason = "jobs run in real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
