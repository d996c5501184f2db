//! Runs a backup job, for the scheduler.

use super::{restore, write};
use crate::model::audit_entry::Meter;
use crate::model::backup_job::{BackupJob, BackupJobKind, JobFailure, JobResult};
use crate::model::change::{Change, Intent, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::name::HsmName;
use crate::model::{Error, Result, Timestamp};
use crate::ops::keys::RestoredKey;
use crate::ops::{BackupTask, Cx, DataPlane, Done, Operation, Target, WholeHsm};
use crate::store::Store;

/// Runs a job that was started.
#[derive(Clone, Debug)]
pub struct RunBackupJob {
    /// The job.
    pub path: JobPath,
    /// What it does.
    pub task: BackupTask,
}

/// A job of an HSM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobPath {
    /// The HSM.
    pub hsm: HsmName,
    /// The job, as it was recorded.
    pub job: BackupJob,
}

/// A job that runs.
#[derive(Debug)]
pub struct RunningJob;

impl Target for RunningJob {
    type Plane = DataPlane;
    type Id = JobPath;

    fn container(id: &JobPath) -> ContainerId {
        (&id.hsm).into()
    }

    fn scope(id: &JobPath, store: &Store) -> LocalScope {
        WholeHsm::scope(&id.hsm, store)
    }

    fn describe(id: &JobPath) -> String {
        format!("{}/backupJobs/{}", WholeHsm::describe(&id.hsm), id.job.id.simple())
    }

    /// Jobs that create objects under identifiers of a backup share the lock of such restores.
    fn lock(id: &JobPath) -> String {
        match id.job.kind {
            BackupJobKind::Restore | BackupJobKind::KeyRestore => RestoredKey::lock(&(&id.hsm).into()),
            _ => format!("backup {}", id.hsm.to_case_insensitive()),
        }
    }

    fn load(id: &JobPath, store: &Store) -> Result<Self> {
        let hsm = store.hsm(&id.hsm).ok_or_else(|| Error::NotFound((&id.hsm).into()))?;
        let is_running = |job: &BackupJob| job.id == id.job.id && job.is_running();
        if hsm.backup_jobs.iter().any(is_running) {
            Ok(Self)
        } else {
            Err(Error::Conflict { what: Self::describe(id) })
        }
    }
}

impl Operation for RunBackupJob {
    const NAME: &'static str = "RunBackupJob";
    const EVENT: &'static str = "HsmBackupJobRun";
    const ACTION: DataAction = DataAction::BackupStart;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    const DURING_RESTORE: bool = true;
    type Target = RunningJob;
    type Reply = ();

    fn target(&self) -> JobPath {
        self.path.clone()
    }

    async fn execute(self, _: RunningJob, cx: &Cx) -> Result<Done<()>> {
        let Self { path: JobPath { hsm, job }, task } = self;
        let (mut changes, mut open) = (Vec::new(), None);
        let (mut folder, mut details) = (None, None);
        match job.kind {
            BackupJobKind::Backup => folder = Some(write::back_up(&task, cx).await?),
            BackupJobKind::BackupCheck => write::check(&task, cx).await?,
            BackupJobKind::RestoreCheck => restore::check(&task, cx).await?,
            BackupJobKind::Restore => {
                let restored = restore::restore(&task, cx).await?;
                changes.push(Change::ReplaceContents(Box::new(restored.contents)));
                if !restored.surplus.is_empty() {
                    let (container, verb) = (cx.container.id(), IntentVerb::Destroy);
                    open = Some(Intent { id: cx.ids.ordered(), container, verb, objects: restored.surplus });
                }
            }
            BackupJobKind::KeyRestore => {
                let missing = || Error::internal("the job names no key");
                let name = task.key.as_ref().ok_or_else(missing)?;
                let (key, versions) = restore::restore_key(&task, name, cx).await?;
                let (restored, kept) = if key.is_some() { (versions, 0) } else { (0, versions) };
                details = Some(format!(
                    "Number of successful key versions restored: {restored}, Number of key versions could not overwrite: {kept}"
                ));
                changes.extend(key.map(Change::RestoreKey));
            }
        }
        let result = Some(JobResult { ended: cx.clock.now(), failure: None, folder, details });
        changes.push(Change::PutBackupJob(hsm, BackupJob { result, ..job }));
        Ok(Done { open, ..Done::with((), changes) })
    }

    fn failure_changes(path: &JobPath, error: &Error, now: Timestamp) -> Vec<Change> {
        vec![Change::PutBackupJob(path.hsm.clone(), failed(&path.job, error, now))]
    }
}

/// The job with its failure.
fn failed(job: &BackupJob, error: &Error, ended: Timestamp) -> BackupJob {
    let message = match error {
        Error::Internal(_) => "an internal error; the server's log has the details".to_owned(),
        error => error.to_string(),
    };
    let failure = Some(JobFailure { code: error.reason().to_owned(), message });
    BackupJob { result: Some(JobResult { ended, failure, folder: None, details: None }), ..job.clone() }
}
