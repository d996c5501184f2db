//! Runs the backup jobs that calls have started.

use crate::engine::Engine;
use crate::model::Error;
use crate::ops::QueuedJob;
use crate::ops::backup::{JobPath, RunBackupJob};

/// Runs jobs until the future is dropped. Jobs of different HSMs run at the same time; an HSM has one at a time.
pub async fn run_backup_jobs(engine: Engine) {
    loop {
        let job = engine.backup_queue().next().await;
        let engine = engine.clone();
        tokio::spawn(async move {
            let (queue, id) = (engine.backup_queue().clone(), job.job.id);
            run(engine, job).await;
            queue.end(id);
        });
    }
}

async fn run(engine: Engine, QueuedJob { hsm, job, task }: QueuedJob) {
    let path = JobPath { hsm, job };
    let mut changes = engine.watch();
    // The job was queued before it was committed. If it is not, its call has failed, and there is nothing to do.
    let committed = async {
        while !engine.has_backup_job(&path.hsm, path.job.id) {
            changes.changed().await?;
        }
        Ok::<(), tokio::sync::watch::error::RecvError>(())
    };
    if !matches!(tokio::time::timeout(COMMITTED_WITHIN, committed).await, Ok(Ok(()))) {
        return;
    }
    let (hsm, id, kind) = (path.hsm.clone(), path.job.id, path.job.kind);
    tracing::info!(event = "backup_job.started", %hsm, job = %id.simple(), ?kind, "a backup job has started");
    match engine.run_due(RunBackupJob { path, task }).await {
        Ok(()) => {
            tracing::info!(event = "backup_job.succeeded", %hsm, job = %id.simple(), ?kind, "a backup job has succeeded")
        }
        Err(error @ Error::Internal(_)) => {
            tracing::error!(event = "backup_job.failed", %hsm, job = %id.simple(), ?kind, error = %error.with_causes(), "a backup job has failed");
        }
        Err(error) => {
            tracing::warn!(event = "backup_job.failed", %hsm, job = %id.simple(), ?kind, %error, "a backup job has failed")
        }
    }
}

/// How long the commit of a started job may take. Then its call has failed.
const COMMITTED_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);
