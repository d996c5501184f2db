//! Returns the state of backup jobs.

use uuid::Uuid;

use crate::model::audit_entry::Meter;
use crate::model::backup_job::BackupJob;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, InHsm, Operation, WholeHsm};

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
    type Reply = InHsm<BackupJob>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<InHsm<BackupJob>>> {
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
    type Reply = InHsm<BackupJob>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<InHsm<BackupJob>>> {
        find(cx, self.job, true).map(Done::reply)
    }
}

fn find(cx: &Cx, id: Uuid, is_restore: bool) -> Result<InHsm<BackupJob>> {
    let jobs = &cx.managed_hsm().backup_jobs;
    let job = jobs.iter().find(|job| job.id == id && job.kind.is_restore() == is_restore);
    let found = job.ok_or_else(|| Error::NotFound(Resource::unnamed(ResourceKind::BackupJob)))?;
    Ok(InHsm::new(cx, found.clone()))
}
