//! Returns the state of backup jobs.

use uuid::Uuid;

use crate::model::audit_entry::Meter;
use crate::model::backup_job::BackupJob;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, InHsm, Operation, WholeHsm};

/// A job, and how far it is.
#[derive(Clone, Debug)]
pub struct JobState {
    /// The job.
    pub job: BackupJob,
    /// While it runs: the number of keys it has processed, and of all; 0 if the latter is not known.
    pub keys: (u64, u64),
}

/// Returns a job that backs up the HSM, or checks whether it can be.
#[derive(Clone, Debug)]
pub struct GetBackupJob {
    /// The HSM.
    pub hsm: HsmName,
    /// The job.
    pub job: Uuid,
}

/// Returns a job that restores the HSM or a key, or checks whether it can be restored.
#[derive(Clone, Debug)]
pub struct GetRestoreJob {
    /// The HSM.
    pub hsm: HsmName,
    /// The job.
    pub job: Uuid,
}

impl Operation for GetBackupJob {
    const NAME: &'static str = "GetBackupJob";
    const EVENT: &'static str = "HsmBackupStatusGet";
    const ACTION: DataAction = DataAction::BackupStatus;
    const METER: Meter = Meter::Management;
    const DURING_RESTORE: bool = true;
    type Target = WholeHsm;
    type Reply = InHsm<JobState>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<InHsm<JobState>>> {
        find(cx, self.job, false).map(Done::reply)
    }
}

impl Operation for GetRestoreJob {
    const NAME: &'static str = "GetRestoreJob";
    const EVENT: &'static str = "HsmRestoreStatusGet";
    const ACTION: DataAction = DataAction::RestoreStatus;
    const METER: Meter = Meter::Management;
    const DURING_RESTORE: bool = true;
    type Target = WholeHsm;
    type Reply = InHsm<JobState>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<InHsm<JobState>>> {
        find(cx, self.job, true).map(Done::reply)
    }
}

fn find(cx: &Cx, id: Uuid, is_restore: bool) -> Result<InHsm<JobState>> {
    let jobs = &cx.managed_hsm().backup_jobs;
    let job = jobs.iter().find(|job| job.id == id && job.kind.is_restore() == is_restore);
    let found = job.ok_or_else(|| Error::NotFound(Resource::unnamed(ResourceKind::BackupJob)))?;
    let progress = cx.backup_queue.progress(id).filter(|_| found.is_running());
    let keys = progress.map(|progress| progress.keys()).unwrap_or_default();
    Ok(InHsm::new(cx, JobState { job: found.clone(), keys }))
}
