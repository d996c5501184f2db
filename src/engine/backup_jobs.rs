//! The backup jobs of the service, and waiting for their changes.

use std::future::pending;

use uuid::Uuid;

use super::Engine;
use crate::model::backup_job::BackupJob;
use crate::model::name::HsmName;
use crate::ops::BackupQueue;

impl Engine {
    /// Whether an HSM has this backup job.
    pub fn has_backup_job(&self, hsm: &HsmName, job: Uuid) -> bool {
        self.0.store.hsm(hsm).is_some_and(|hsm| hsm.backup_jobs.iter().any(|known| known.id == job))
    }

    /// Returns the queue of backup jobs.
    pub fn backup_queue(&self) -> &BackupQueue {
        &self.0.backup_queue
    }

    /// Waits until a job has ended, which is also the case if it or its HSM does not exist any more.
    pub async fn wait_for_end_of_backup_job(&self, hsm: &HsmName, job: Uuid) {
        let mut changes = self.watch();
        let runs = |known: &BackupJob| known.id == job && known.is_running();
        while let Some(found) = self.managed_hsm(hsm)
            && found.deletion.is_none()
            && found.backup_jobs.iter().any(runs)
        {
            if changes.changed().await.is_err() {
                // The store is closed: the job can no longer end.
                return pending().await;
            }
        }
    }

    /// Waits until the progress of a job differs from `seen`. A job that does not run makes no progress.
    pub async fn wait_for_progress_of_backup_job(&self, job: Uuid, seen: (u64, u64)) {
        match self.backup_queue().progress(job) {
            Some(progress) => progress.differs_from(seen).await,
            None => pending().await,
        }
    }
}
