//! The faults of the log and of the database: logged once, and reported to callers and by health checks while they last.

use std::error::Error as StdError;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::model::Error;
use super::model::error::WithCauses;
use super::model::storage_failure::{Outcome, StorageFailure, StorageFault, StoragePart};

/// The time in which a fault that returns is not logged again.
const QUIET: Duration = Duration::from_secs(60);

/// The faults that have not ended.
#[derive(Default)]
pub(super) struct Faults {
    /// Whether there is one: calls then wait for their commit, whatever the durability.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    log: PartState,
    database: PartState,
    /// Whether a check found damage. Only a start ends it.
    damaged: bool,
}

#[derive(Default)]
struct PartState {
    fault: Option<StorageFault>,
    /// The last fault that was logged as an error, and when.
    logged: Option<(StorageFault, Instant)>,
    /// Whether the log says that the part fails.
    is_told: bool,
}

impl Faults {
    /// Whether the log or the database fails.
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Returns the fault of this part, if it fails.
    pub(super) fn of(&self, part: StoragePart) -> Option<StorageFault> {
        self.state().part(part).fault
    }

    /// Registers the failure of a write, and logs it unless it was logged already.
    pub(super) fn begin(&self, part: StoragePart, error: &(dyn StdError + 'static)) -> StorageFault {
        let fault = fault_of(error);
        self.any.store(true, Ordering::Relaxed);
        let mut state = self.state();
        let known = state.part(part);
        known.fault = Some(fault);
        let is_new = known.logged.is_none_or(|(logged, at)| logged != fault || at.elapsed() >= QUIET);
        if is_new {
            known.logged = Some((fault, Instant::now()));
            known.is_told = true;
            tracing::error!(event = "ledger.failing", error = %WithCauses(error), "the {part} {fault}; calls that need it fail until it recovers");
        } else {
            tracing::debug!(error = %WithCauses(error), "the {part} {fault}");
        }
        fault
    }

    /// Registers a successful write.
    pub(super) fn end(&self, part: StoragePart) {
        if !self.any() {
            return;
        }
        let mut state = self.state();
        let known = state.part(part);
        if known.fault.take().is_some() && std::mem::take(&mut known.is_told) {
            tracing::warn!(event = "ledger.recovered", "the {part} can be written again");
        }
        self.any.store(state.log.fault.is_some() || state.database.fault.is_some(), Ordering::Relaxed);
    }

    /// Registers that the database is damaged.
    pub(super) fn set_damaged(&self) {
        self.state().damaged = true;
    }

    /// Returns the fault that health checks report.
    pub(super) fn current(&self) -> Option<StorageFailure> {
        let state = self.state();
        let of = |part, fault| StorageFailure { part, fault, outcome: Outcome::NotDone };
        let log = state.log.fault.map(|fault| of(StoragePart::AuditLog, fault));
        let database = state.database.fault.map(|fault| of(StoragePart::Database, fault));
        let damaged = state.damaged.then(|| of(StoragePart::Database, StorageFault::Damaged));
        log.or(database).or(damaged)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn part(&mut self, part: StoragePart) -> &mut PartState {
        match part {
            StoragePart::AuditLog => &mut self.log,
            StoragePart::Database => &mut self.database,
        }
    }
}

/// The error of a call whose write failed.
pub(super) const fn failed(part: StoragePart, fault: StorageFault, outcome: Outcome) -> Error {
    Error::StorageFailed(StorageFailure { part, fault, outcome })
}

/// Finds the fault among the causes of an error.
fn fault_of(error: &(dyn StdError + 'static)) -> StorageFault {
    let mut next = Some(error);
    while let Some(cause) = next {
        let found = match (cause.downcast_ref::<io::Error>(), cause.downcast_ref::<sqlx::Error>()) {
            (Some(error), _) => of_io(error.kind()),
            (_, Some(sqlx::Error::Database(error))) => {
                match error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
                    Some(error) => of_postgres(error.code()),
                    None => of_sqlite(error.code().as_deref()),
                }
            }
            (_, Some(sqlx::Error::Io(error))) => of_io(error.kind()),
            _ => StorageFault::Failing,
        };
        if found != StorageFault::Failing {
            return found;
        }
        next = cause.source();
    }
    StorageFault::Failing
}

const fn of_io(kind: io::ErrorKind) -> StorageFault {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageFault::Full,
        io::ErrorKind::ReadOnlyFilesystem => StorageFault::ReadOnly,
        _ => StorageFault::Failing,
    }
}

/// The fault of an extended result code of SQLite, in decimal; the last byte is the primary code.
fn of_sqlite(code: Option<&str>) -> StorageFault {
    let primary = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
    match primary {
        Some(8) => StorageFault::ReadOnly,
        Some(11 | 26) => StorageFault::Damaged,
        Some(13) => StorageFault::Full,
        _ => StorageFault::Failing,
    }
}

/// The fault of an error code of PostgreSQL.
fn of_postgres(code: &str) -> StorageFault {
    match code {
        "25006" => StorageFault::ReadOnly,
        "53100" => StorageFault::Full,
        "XX001" | "XX002" => StorageFault::Damaged,
        _ => StorageFault::Failing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_is_found_among_the_causes() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(fault_of(&full()), StorageFault::Full);
        assert_eq!(fault_of(&Error::internal_caused_by("writing", full())), StorageFault::Full);
        assert_eq!(
            fault_of(&sqlx::Error::Io(io::ErrorKind::ReadOnlyFilesystem.into())),
            StorageFault::ReadOnly
        );
        assert_eq!(fault_of(&sqlx::Error::WorkerCrashed), StorageFault::Failing);
        let codes = ["8", "13", "778", "267", "x"].map(|code| of_sqlite(Some(code)));
        let [read_only, full, failing, damaged, unknown] = codes;
        assert_eq!(
            (read_only, full, damaged),
            (StorageFault::ReadOnly, StorageFault::Full, StorageFault::Damaged)
        );
        assert_eq!((failing, unknown), (StorageFault::Failing, StorageFault::Failing));
        let [full, read_only, damaged, failing] = ["53100", "25006", "XX001", "57P01"].map(of_postgres);
        assert_eq!((full, read_only), (StorageFault::Full, StorageFault::ReadOnly));
        assert_eq!((damaged, failing), (StorageFault::Damaged, StorageFault::Failing));
    }

    #[test]
    fn faults_of_both_parts_end_separately() {
        let faults = Faults::default();
        faults.begin(StoragePart::Database, &io::Error::other("lost"));
        faults.begin(StoragePart::AuditLog, &io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(faults.current().map(|found| found.part), Some(StoragePart::AuditLog));
        faults.end(StoragePart::AuditLog);
        assert!(faults.any() && faults.of(StoragePart::Database).is_some());
        faults.end(StoragePart::Database);
        assert!(!faults.any() && faults.current().is_none());
        faults.set_damaged();
        assert_eq!(faults.current().map(StorageFailure::state).as_deref(), Some("the database is damaged"));
    }
}
