//! The tasks of jobs that were started.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::model::backup_job::BackupJob;
use crate::model::name::{HsmName, KeyName};
use crate::storage::Credential;

/// What a job does, with the credential of its storage.
#[derive(Clone, Debug)]
pub struct BackupTask {
    /// The URI of the container or directory.
    pub uri: String,
    /// The folder of the backup, for restores.
    pub folder: String,
    /// The credential.
    pub credential: Credential,
    /// The key to restore, for the restore of one key.
    pub key: Option<KeyName>,
    /// How far the job is.
    pub progress: Progress,
}

/// How many keys a job has processed, and of how many. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Progress(watch::Sender<(u64, u64)>);

impl Progress {
    /// Sets the number of keys that the job will process.
    pub fn expect(&self, keys: usize) {
        self.0.send_modify(|(_, total)| *total = keys as u64);
    }

    /// Adds keys that were processed.
    pub fn advance(&self, keys: usize) {
        self.0.send_modify(|(done, _)| *done += keys as u64);
    }

    /// The number of processed keys, and of all; 0 if the latter is not known, as while a backup is read.
    pub fn keys(&self) -> (u64, u64) {
        *self.0.borrow()
    }

    /// Waits until [`keys`](Self::keys) returns something else than `seen`.
    pub async fn differs_from(&self, seen: (u64, u64)) {
        // No error: `self` has the sender.
        let _ = self.0.subscribe().wait_for(|keys| *keys != seen).await;
    }
}

/// A job with its task.
#[derive(Clone, Debug)]
pub struct QueuedJob {
    /// The HSM.
    pub hsm: HsmName,
    /// The job, as it was recorded.
    pub job: BackupJob,
    /// What it does.
    pub task: BackupTask,
}

/// The queue of jobs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct BackupQueue(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    jobs: Mutex<VecDeque<QueuedJob>>,
    /// That of the jobs that have not ended.
    progress: Mutex<HashMap<Uuid, Progress>>,
    added: Notify,
}

impl BackupQueue {
    /// Adds a job.
    pub fn push(&self, job: QueuedJob) {
        let progress = job.task.progress.clone();
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner).insert(job.job.id, progress);
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).push_back(job);
        self.0.added.notify_one();
    }

    /// Waits for a job.
    pub async fn next(&self) -> QueuedJob {
        loop {
            let job = self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match job {
                Some(job) => return job,
                None => self.0.added.notified().await,
            }
        }
    }

    /// Returns how far a job is; `None` if it has ended.
    pub fn progress(&self, job: Uuid) -> Option<Progress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner).get(&job).cloned()
    }

    /// Forgets a job that has ended.
    pub fn end(&self, job: Uuid) {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }
}
