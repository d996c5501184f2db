//! Ends the backup jobs that the end of an instance of the service has interrupted.

use crate::model::backup_job::{BackupJob, JobFailure, JobResult};
use crate::model::change::Change;
use crate::model::{Result, Timestamp};
use crate::store::{Commit, Store};

/// Records that the jobs of instances for which `has_ended` is true have failed. What they created in tokens is undone by the sweeper,
/// and a restore that was not committed has changed nothing.
///
/// # Errors
/// Those of [`Store::commit`].
pub async fn end_interrupted_jobs(
    store: &Store,
    has_ended: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Result<()> {
    for hsm in store.hsms() {
        let interrupted = |job: &&BackupJob| job.is_running() && has_ended(&job.instance);
        for job in hsm.backup_jobs.iter().filter(interrupted) {
            let failure = Some(JobFailure {
                code: "INTERRUPTED".to_owned(),
                message: "the service was stopped while the job ran; the job has changed nothing".to_owned(),
            });
            let result = Some(JobResult { ended: now, failure, folder: None, details: None });
            let job = BackupJob { result, ..job.clone() };
            tracing::warn!(hsm = %hsm.name, job = %job.id.simple(), kind = ?job.kind, "a backup job was interrupted");
            let changes = vec![Change::PutBackupJob(hsm.name.clone(), job)];
            store.commit(Commit { changes, ..Commit::default() }).await?;
        }
    }
    Ok(())
}
