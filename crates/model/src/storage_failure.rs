//! The failure of the storage under the audit log and the database, as reported to callers and by health checks.

use std::fmt;

/// What cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoragePart {
    /// The files of the audit log.
    AuditLog,
    /// The database.
    Database,
}

/// Why it cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StorageFault {
    /// The file system has no space left, or a quota is reached.
    Full,
    /// The file system is read-only.
    ReadOnly,
    /// Its contents are not what was written.
    Damaged,
    /// Another error, which the log names.
    Failing,
}

/// What is known of the call that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing was done.
    NotDone,
    /// The write failed after it may have taken effect.
    Unknown,
}

/// A call failed because it could not be recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StorageFailure {
    /// What cannot be written.
    pub part: StoragePart,
    /// Why.
    pub fault: StorageFault,
    /// What is known of the call.
    pub outcome: Outcome,
}

impl StorageFailure {
    /// Returns the stable name of the error.
    pub const fn reason(self) -> &'static str {
        match self.outcome {
            Outcome::NotDone => "STORAGE_UNAVAILABLE",
            Outcome::Unknown => "STORAGE_OUTCOME_UNKNOWN",
        }
    }

    /// Describes the state of the storage, without a call.
    pub fn state(self) -> String {
        format!("the {} {}", self.part, self.fault)
    }
}

impl fmt::Display for StoragePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuditLog => "audit log",
            Self::Database => "database",
        })
    }
}

impl fmt::Display for StorageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "cannot be written: no space is left",
            Self::ReadOnly => "cannot be written: the file system is read-only",
            Self::Damaged => "is damaged",
            Self::Failing => "cannot be written: the storage fails",
        })
    }
}

impl fmt::Display for StorageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.state())?;
        f.write_str(match self.outcome {
            Outcome::NotDone => "; nothing was done",
            Outcome::Unknown => "; it is unknown whether the call was done and recorded",
        })
    }
}

impl std::error::Error for StorageFailure {}
