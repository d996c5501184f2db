//! The sweeper: completes or undoes the operations of open intents, after a crash or a failure of a token.
//!
//! It runs the recovery that the operation's noun provides. Recoveries change only objects that an intent names.
//! Unrecognized objects are reported and never removed.

use std::future::Future;

use super::call_record::CallRecord;
use super::{Engine, Inner};
use crate::model::Result;
use crate::model::audit_entry::{Meter, Origin};
use crate::model::change::Intent;
use crate::ops::{
    CompletedOperation, Intents, Recovered, Recovery, RecoveryCx, end_interrupted_jobs, recovery_of,
};
use crate::store::{AuditRecord, Commit};

/// The result of one sweep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SweepReport {
    /// The number of intents that were closed.
    pub concluded: usize,
    /// The number of intents that failed and are retried.
    pub failed: usize,
}

impl Engine {
    /// Closes every intent whose operation is no longer running.
    pub async fn sweep(&self) -> SweepReport {
        let mut swept = SweepReport::default();
        if let Err(error) = self.0.store.resolve_ambiguous_commits().await {
            // An intent that looks open may have been closed by an ambiguous commit.
            tracing::warn!(error = %error.with_causes(), "the sweep is skipped");
            return swept;
        }
        self.end_jobs_of_dead_instances().await;
        for intent in self.0.store.intents() {
            if self.0.running_intents.contains(intent.id) {
                continue;
            }
            match self.conclude(&intent).await {
                Ok(()) => swept.concluded += 1,
                Err(error) => {
                    swept.failed += 1;
                    tracing::warn!(intent = %intent.id, container = %intent.container, error = %error.with_causes(), "an intent could not be closed");
                }
            }
        }
        swept
    }

    /// Ends the backup jobs of instances of the service that do not run any more.
    async fn end_jobs_of_dead_instances(&self) {
        let dead = self.0.store.dead_instances();
        if dead.is_empty() || !self.0.store.does_scheduled_work() {
            return;
        }
        let is_dead = |instance: &str| dead.iter().any(|dead| dead == instance);
        if let Err(error) = end_interrupted_jobs(&self.0.store, is_dead, self.0.clock.now()).await {
            tracing::warn!(error = %error.with_causes(), "the backup jobs of another instance could not be ended");
        }
    }

    /// Undoes what a failed operation declared. The sweeper handles what fails now or cannot be undone, and all intents
    /// while it is unknown whether the operation was committed.
    pub(super) async fn undo(&self, intents: Option<&Intents>) {
        let declared = intents.map(Intents::declared).unwrap_or_default();
        if declared.is_empty() {
            return;
        }
        if let Err(error) = self.0.store.resolve_ambiguous_commits().await {
            tracing::warn!(error = %error.with_causes(), "the objects of a failed operation are left to the sweeper");
            return;
        }
        // An intent that is not open any more was concluded with the operation's changes, unless another instance of the service has
        // taken it over: that one may have looked for the objects before they were created.
        let open = self.0.store.intents();
        for intent in declared {
            let recovery = recovery_of(&intent);
            let is_open = open.iter().any(|one| one.id == intent.id);
            let is_lost = self.0.store.take_lost_intent(intent.id);
            if !recovery.undoes || !(is_open || is_lost) {
                continue;
            }
            if is_lost {
                if let Err(error) = (recovery.resume)(&intent, &self.recovery_context()).await {
                    tracing::warn!(intent = %intent.id, error = %error.with_causes(), "the objects of a failed operation may be left in the token");
                }
                continue;
            }
            // The failed operation still holds the lock of its target.
            if let Err(error) = self.recover(&recovery, &intent).await {
                tracing::warn!(intent = %intent.id, error = %error.with_causes(), "the objects of a failed operation are left to the sweeper");
            }
        }
    }

    /// Concludes an intent that no running operation holds.
    async fn conclude(&self, intent: &Intent) -> Result<()> {
        let recovery = recovery_of(intent);
        let _held = match (recovery.lock)(intent, &self.0.store) {
            Some(name) => Some(self.0.locks.acquire(name).await),
            None => None,
        };
        // It may have been concluded meanwhile, and its container replaced by another one of the same name.
        if !self.0.store.intents().iter().any(|open| open.id == intent.id) {
            return Ok(());
        }
        self.recover(&recovery, intent).await
    }

    /// Concludes an intent that a committed operation has opened, without waiting for the next sweep, which retries it if it
    /// fails. It is concluded even if the result is not awaited.
    pub(super) fn conclude_soon(&self, opened: Option<Intent>) -> impl Future<Output = ()> + Send + use<> {
        let running = opened.map(|intent| {
            let engine = self.clone();
            self.0.running.spawn(async move {
                if let Err(error) = engine.conclude(&intent).await {
                    tracing::warn!(intent = %intent.id, error = %error.with_causes(), "an intent is left to the sweeper");
                }
            })
        });
        async {
            if let Some(running) = running
                && let Err(error) = running.await
            {
                tracing::error!(%error, "the end of an intent failed");
            }
        }
    }

    /// Runs the recovery of an intent and closes the intent. The caller holds the lock that the recovery requires.
    pub(super) async fn recover(&self, recovery: &Recovery, intent: &Intent) -> Result<()> {
        let cx = self.recovery_context();
        let Recovered { changes, completed } = (recovery.resume)(intent, &cx).await?;
        let record = completed.and_then(|completed| self.completion_record(intent, completed));
        self.0.store.commit(Commit { changes, close: vec![intent.id], record, ..Commit::default() }).await
    }

    fn recovery_context(&self) -> RecoveryCx {
        let Inner { store, tokens, supply, clock, .. } = &*self.0;
        RecoveryCx {
            store: store.clone(),
            tokens: tokens.clone(),
            token_pool: supply.clone(),
            clock: clock.clone(),
        }
    }

    /// Returns the audit record of an operation that the sweeper has completed.
    fn completion_record(&self, intent: &Intent, completed: CompletedOperation) -> Option<AuditRecord> {
        let origin = Origin {
            client_info: "strongroom-sweeper".to_owned(),
            correlation_id: intent.id,
            operation_version: "v1".into(),
            ..Origin::default()
        };
        let mut pending = CallRecord::begin_internal(self, completed.event, Meter::Free, origin);
        pending.set_container(&intent.container);
        pending.set_target(completed.target, None);
        pending.into_record()
    }
}
