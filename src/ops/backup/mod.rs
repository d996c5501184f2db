//! Full backups of a managed HSM, and restores from them: jobs that run after the call that starts them.
//!
//! A call records a job in the HSM and puts its task into the [`BackupQueue`](crate::ops::BackupQueue); `jobs` runs it through the engine as
//! [`RunBackupJob`]. The task, which contains the credential of the storage, is in memory only: a job that a restart
//! interrupts has failed.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/backup-restore>

mod contents;
mod get;
mod list;
mod restore;
mod run;
mod start;
mod write;

pub use get::{
    GetBackupJob, GetBackupJobKind, GetJob, GetJobKind, GetRestoreJob, GetRestoreJobKind, JobState,
    WatchBackupJob, WatchBackupJobKind, WatchRestoreJob, WatchRestoreJobKind,
};
pub use list::{ListBackupJobs, ListBackupJobsKind, ListJobs, ListRestoreJobs, ListRestoreJobsKind};
pub use run::{JobPath, RunBackupJob};
pub use start::{
    BackupCheckKind, BackupKind, JobKind, RestoreCheckKind, RestoreKind, StartBackup, StartBackupCheck,
    StartJob, StartKeyRestore, StartRestore, StartRestoreCheck, StorageRequest,
};

use crate::model::Error;
use crate::storage::StorageError;

/// The name of the object in the folder of a backup.
const OBJECT: &str = "strongroom.backup";

fn storage_error(error: StorageError) -> Error {
    Error::BackupStorage { why: error.to_string() }
}
