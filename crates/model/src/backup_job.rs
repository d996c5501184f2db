//! Jobs that back up or restore a whole HSM, or one key from such a backup.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// How many finished jobs of an HSM are kept.
pub const KEPT_JOBS: usize = 20;

/// A job of an HSM. At most one runs at a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BackupJob {
    /// Identifies the job.
    pub id: Uuid,
    /// What it does.
    pub kind: BackupJobKind,
    /// When it was requested.
    pub started: Timestamp,
    /// Its result; `None` while it runs.
    pub result: Option<JobResult>,
    /// The instance of the service that runs it.
    #[serde(default = "default_instance")]
    pub instance: String,
}

/// The instance of jobs from before there were several.
fn default_instance() -> String {
    "default".to_owned()
}

/// What a job does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackupJobKind {
    /// Backs up the HSM.
    Backup,
    /// Checks whether the HSM can be backed up.
    BackupCheck,
    /// Replaces the contents of the HSM by those of a backup.
    Restore,
    /// Checks whether a backup can be restored.
    RestoreCheck,
    /// Restores one key from the backup of an HSM.
    KeyRestore,
}

/// The result of a job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobResult {
    /// When the job ended.
    pub ended: Timestamp,
    /// Why it failed; `None` if it succeeded.
    pub failure: Option<JobFailure>,
    /// The URI of the folder that contains the backup, after a backup.
    pub folder: Option<String>,
    /// A sentence on what was done.
    pub details: Option<String>,
}

/// Why a job failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobFailure {
    /// The reason, as in errors of gRPC: a stable name for programs.
    pub code: String,
    /// A sentence.
    pub message: String,
}

impl BackupJobKind {
    /// Whether it reads a backup: its status is that of a restore.
    pub const fn is_restore(self) -> bool {
        matches!(self, Self::Restore | Self::RestoreCheck | Self::KeyRestore)
    }

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backup => "Backup",
            Self::BackupCheck => "BackupCheck",
            Self::Restore => "Restore",
            Self::RestoreCheck => "RestoreCheck",
            Self::KeyRestore => "KeyRestore",
        }
    }
}

impl BackupJob {
    /// The name of its state, as recorded from Azure.
    pub const fn status(&self) -> &'static str {
        match &self.result {
            None => "InProgress",
            Some(JobResult { failure: None, .. }) => "Succeeded",
            Some(_) => "Failed",
        }
    }

    /// Whether it runs.
    pub const fn is_running(&self) -> bool {
        self.result.is_none()
    }
}
