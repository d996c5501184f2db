//! Lists the backup jobs of an HSM.

use std::marker::PhantomData;

use super::get::{GetJobKind, JobState};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::ops::{Cx, Done, InHsm, Operation, OperationNames, WholeHsm};

/// Returns the jobs that the HSM keeps, the newest first. `K` states which, and for which rpc.
#[derive(Clone, Debug)]
pub struct ListJobs<K> {
    /// The HSM.
    pub hsm: HsmName,
    /// The kind of the operation.
    pub kind: PhantomData<K>,
}

/// The kind of [`ListBackupJobs`].
#[derive(Clone, Debug)]
pub struct ListBackupJobsKind;

/// The kind of [`ListRestoreJobs`].
#[derive(Clone, Debug)]
pub struct ListRestoreJobsKind;

/// Returns the jobs that back up the HSM, or check whether it can be.
pub type ListBackupJobs = ListJobs<ListBackupJobsKind>;

/// Returns the jobs that restore the HSM or a key, or check whether it can be restored.
pub type ListRestoreJobs = ListJobs<ListRestoreJobsKind>;

impl GetJobKind for ListBackupJobsKind {
    const NAMES: OperationNames<DataAction> = OperationNames {
        name: "ListBackupJobs",
        event: "HsmBackupStatusList",
        action: DataAction::BackupStatus,
        meter: Meter::Management,
    };
    const IS_RESTORE: bool = false;
}

impl GetJobKind for ListRestoreJobsKind {
    const NAMES: OperationNames<DataAction> = OperationNames {
        name: "ListRestoreJobs",
        event: "HsmRestoreStatusList",
        action: DataAction::RestoreStatus,
        meter: Meter::Management,
    };
    const IS_RESTORE: bool = true;
}

impl<K: GetJobKind> Operation for ListJobs<K> {
    const NAME: &'static str = K::NAMES.name;
    const EVENT: &'static str = K::NAMES.event;
    const ACTION: DataAction = K::NAMES.action;
    const METER: Meter = K::NAMES.meter;
    const DURING_RESTORE: bool = true;
    type Target = WholeHsm;
    type Reply = InHsm<Vec<JobState>>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<InHsm<Vec<JobState>>>> {
        let jobs = &cx.managed_hsm()?.backup_jobs;
        let asked = jobs.iter().rev().filter(|job| job.kind.is_restore() == K::IS_RESTORE);
        let states = asked.map(|job| JobState::of(job, cx)).collect();
        Ok(Done::reply(InHsm::new(cx, states)?))
    }
}
