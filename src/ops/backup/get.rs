//! Returns the state of backup jobs.

use std::marker::PhantomData;

use uuid::Uuid;

use crate::model::audit_entry::Meter;
use crate::model::backup_job::BackupJob;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, InHsm, Operation, OperationNames, WholeHsm};

/// A job, and how far it is.
#[derive(Clone, Debug)]
pub struct JobState {
    /// The job.
    pub job: BackupJob,
    /// While it runs: the number of keys it has processed, and of all; 0 if the latter is not known.
    pub keys: (u64, u64),
}

impl JobState {
    /// Returns the state of a job of the HSM.
    pub(super) fn of(job: &BackupJob, cx: &Cx) -> Self {
        let progress = cx.backup_queue.progress(job.id).filter(|_| job.is_running());
        let keys = progress.map(|progress| progress.keys()).unwrap_or_default();
        Self { job: job.clone(), keys }
    }
}

/// Returns the state of a job. `K` states which jobs, and for which rpc.
#[derive(Clone, Debug)]
pub struct GetJob<K> {
    /// The HSM.
    pub hsm: HsmName,
    /// The job.
    pub job: Uuid,
    /// The kind of the operation.
    pub kind: PhantomData<K>,
}

/// A kind of operation that returns the state of a job, or of all.
pub trait GetJobKind: Clone + Send + Sync + 'static {
    /// The names of the operation.
    const NAMES: OperationNames<DataAction>;
    /// Whether it returns restores, and not backups.
    const IS_RESTORE: bool;
}

/// Declares the operations that return the state of a job.
macro_rules! kinds {
    ($($(#[$doc:meta])* $operation:ident of $marker:ident: $event:literal, $action:ident, $meter:ident, $is_restore:literal;)+) => {$(
        #[doc = concat!("The kind of [`", stringify!($operation), "`].")]
        #[derive(Clone, Debug)]
        pub struct $marker;

        impl GetJobKind for $marker {
            const NAMES: OperationNames<DataAction> = OperationNames {
                name: stringify!($operation),
                event: $event,
                action: DataAction::$action,
                meter: Meter::$meter,
            };
            const IS_RESTORE: bool = $is_restore;
        }

        $(#[$doc])*
        pub type $operation = GetJob<$marker>;
    )+};
}

kinds! {
    /// Returns a job that backs up the HSM, or checks whether it can be.
    GetBackupJob of GetBackupJobKind: "HsmBackupStatusGet", BackupStatus, Management, false;
    /// Returns a job that restores the HSM or a key, or checks whether it can be restored.
    GetRestoreJob of GetRestoreJobKind: "HsmRestoreStatusGet", RestoreStatus, Management, true;
    /// Returns a job as [`GetBackupJob`], for one message of a stream.
    WatchBackupJob of WatchBackupJobKind: "HsmBackupStatusWatch", BackupStatus, Free, false;
    /// Returns a job as [`GetRestoreJob`], for one message of a stream.
    WatchRestoreJob of WatchRestoreJobKind: "HsmRestoreStatusWatch", RestoreStatus, Free, true;
}

impl<K: GetJobKind> Operation for GetJob<K> {
    const NAME: &'static str = K::NAMES.name;
    const EVENT: &'static str = K::NAMES.event;
    const ACTION: DataAction = K::NAMES.action;
    const METER: Meter = K::NAMES.meter;
    const DURING_RESTORE: bool = true;
    type Target = WholeHsm;
    type Reply = InHsm<JobState>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<InHsm<JobState>>> {
        let jobs = &cx.managed_hsm()?.backup_jobs;
        let is_asked = |job: &&BackupJob| job.id == self.job && job.kind.is_restore() == K::IS_RESTORE;
        let missing = || Error::NotFound(Resource::unnamed(ResourceKind::BackupJob));
        let job = jobs.iter().find(is_asked).ok_or_else(missing)?;
        Ok(Done::reply(InHsm::new(cx, JobState::of(job, cx))?))
    }
}
