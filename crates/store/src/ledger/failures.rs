//! What the ledger does when the log or the database fails: answers the calls, and finds out when they can be written again.

use std::error::Error as StdError;

use super::{Call, Ledger};
use crate::ambiguous_commit;
use crate::faults::failed;
use crate::model::storage_failure::{Outcome, StorageFault, StoragePart};
use crate::model::{Error, Result};

impl Ledger {
    /// Fails the calls of a group that was not written, or of which this is unknown.
    pub(super) fn fail(
        &mut self,
        part: StoragePart,
        error: &(dyn StdError + 'static),
        outcome: Outcome,
        calls: Vec<Call>,
    ) {
        self.metrics.failed();
        let fault = self.faults.begin(part, error);
        self.answer_failed(part, fault, outcome, calls);
    }

    /// Fails the calls of the ambiguous commit, of which the database says that it was not written. The fault is known.
    pub(super) fn fail_unwritten(&mut self, calls: Vec<Call>) {
        tracing::debug!("the group whose COMMIT failed was not written to the database");
        let fault = self.faults.of(StoragePart::Database).unwrap_or(StorageFault::Failing);
        self.answer_failed(StoragePart::Database, fault, Outcome::NotDone, calls);
    }

    /// Answers the callers of a group that failed because of a known fault.
    pub(super) fn answer_failed(
        &mut self,
        part: StoragePart,
        fault: StorageFault,
        outcome: Outcome,
        calls: Vec<Call>,
    ) {
        for (commit, reply) in calls {
            match reply {
                Some(reply) => drop(reply.send(Err(failed(part, fault, outcome)))),
                None => self.carried.extend(commit.record),
            }
        }
    }

    /// Answers the callers of the ambiguous commit while it cannot be resolved.
    pub(super) fn report_ambiguous(&mut self, error: &Error) {
        let fault = self.faults.begin(StoragePart::Database, error);
        let Some(doubt) = &mut self.ambiguous else { return };
        for (commit, reply) in &mut doubt.calls {
            if let Some(reply) = reply.take() {
                // The caller receives an error: if the record was not written, it must not be written later.
                commit.record = None;
                drop(reply.send(Err(failed(StoragePart::Database, fault, Outcome::Unknown))));
            }
        }
    }

    /// Connects again to a database that no other process may have changed.
    async fn reconnect_unchanged(&mut self) -> Result<()> {
        self.location.reconnect(&mut self.db, &self.instance).await?;
        let failed = |error| Error::internal_caused_by("the database cannot be queried", error);
        match ambiguous_commit::read(&mut self.db, &self.instance).await.map_err(failed)? {
            position if position == self.database => Ok(()),
            _ => Err(Error::internal(ambiguous_commit::CHANGED)),
        }
    }

    /// Finds out, while no call arrives, whether what failed can be written again.
    pub(super) async fn probe(&mut self) {
        if let Err((part, error)) = self.recover().await {
            self.faults.begin(part, &error);
            return;
        }
        if self.faults.of(StoragePart::AuditLog).is_some() {
            match self.log.probe() {
                Ok(()) => self.faults.end(StoragePart::AuditLog),
                Err(error) => {
                    self.append_failed = true;
                    self.faults.begin(StoragePart::AuditLog, &error);
                }
            }
        }
        if self.faults.of(StoragePart::Database).is_some() {
            let found = match self.db.is_shared() {
                true => self.reconnect_and_follow().await,
                false => self.reconnect_unchanged().await,
            };
            match found {
                Ok(()) => self.faults.end(StoragePart::Database),
                Err(error) => drop(self.faults.begin(StoragePart::Database, &error)),
            }
        }
    }
}
