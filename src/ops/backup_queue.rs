//! The tasks of jobs that were started.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

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
    added: Notify,
}

impl BackupQueue {
    /// Adds a job.
    pub fn push(&self, job: QueuedJob) {
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
}
