//! The record of a running call: begun when the call arrives, rendered and committed exactly once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use uuid::Uuid;

use super::{Engine, call_metrics};
use crate::audit;
use crate::identity::Caller;
use crate::model::audit_entry::{AuditEntry, ItemCounts, Meter, Origin};
use crate::model::change::Change;
use crate::model::container::ContainerId;
use crate::model::key::KeyVersion;
use crate::model::{Error, Result, Timestamp};
use crate::store::{AuditRecord, Commit, Committed, DecidedBy, Store};

/// The record of a call that has no reply yet. If it is dropped before, because the client disconnected, the call is
/// recorded as cancelled (status 499).
pub struct CallRecord {
    engine: Engine,
    started: Instant,
    entry: Option<AuditEntry>,
    at: Timestamp,
    used: Option<Arc<KeyVersion>>,
    /// Whether the service started the call itself.
    internal: bool,
    /// The state by which the call is decided; `None` if it depends on none.
    decided_by: Option<DecidedBy>,
}

/// What came of an attempt to decide a call.
pub(super) enum Attempt<T> {
    /// The answer is recorded.
    Answered(Result<T>),
    /// Another instance has changed the state by which the call was decided: nothing is recorded.
    Outdated(Box<CallRecord>),
}

impl CallRecord {
    /// Begins the record of a call.
    pub(super) fn begin(engine: &Engine, event: &'static str, meter: Meter, origin: Origin) -> Self {
        let at = engine.0.clock.now();
        let entry = AuditEntry {
            at,
            event,
            meter,
            container: None,
            target: String::new(),
            caller: None,
            origin,
            result: Err("CANCELLED"),
            status: 499,
            duration: std::time::Duration::ZERO,
            items: None,
        };
        engine.0.calls_in_progress.fetch_add(1, Ordering::Relaxed);
        Self {
            engine: engine.clone(),
            started: Instant::now(),
            entry: Some(entry),
            at,
            used: None,
            internal: false,
            decided_by: None,
        }
    }

    /// Begins the record of a call that the service starts itself.
    pub(super) fn begin_internal(engine: &Engine, event: &'static str, meter: Meter, origin: Origin) -> Self {
        let mut pending = Self::begin(engine, event, meter, origin);
        pending.internal = true;
        pending
    }

    /// The call is decided by the state that readers of the store see from now on: that of one object of the container, or of all.
    pub(super) fn decide_by(&mut self, store: &Store, object: Option<String>) {
        self.decided_by = store.is_shared().then(|| DecidedBy { position: store.position(), object });
    }

    /// Returns the state by which the call is decided.
    pub(super) fn decided_by(&self) -> Option<DecidedBy> {
        self.decided_by.clone()
    }

    /// Returns when the call arrived.
    pub(super) const fn received_at(&self) -> Timestamp {
        self.at
    }

    /// Returns when the caller stops waiting for the reply.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.entry.as_ref()?.origin.deadline
    }

    /// Sets the authenticated caller.
    pub(super) fn set_caller(&mut self, caller: &Caller) {
        if let Some(entry) = &mut self.entry {
            entry.caller = Some(caller.record());
        }
    }

    /// Sets the role assignment that authorizes the call in a vault.
    pub(super) fn set_deciding_assignment(&self, id: Uuid) {
        if let Some(entry) = &self.entry {
            entry.origin.deciding_assignment.set(id);
        }
    }

    /// Sets the addressed container.
    pub(super) fn set_container(&mut self, container: &ContainerId) {
        if let Some(entry) = &mut self.entry {
            entry.container = Some(container.clone());
        }
    }

    /// Returns the addressed container.
    pub(super) fn container(&self) -> Option<&ContainerId> {
        self.entry.as_ref()?.container.as_ref()
    }

    /// Sets the target, and the container if the target is the resource of a container.
    pub(super) fn set_target(&mut self, target: String, resource: Option<ContainerId>) {
        if let Some(entry) = &mut self.entry {
            entry.target = target;
            entry.container = resource.or(entry.container.take());
        }
    }

    /// Sets the number of items of a batch, which the call then counts as, whatever its outcome.
    pub(super) fn set_item_count(&mut self, all: Option<u32>) {
        if let Some(entry) = &mut self.entry {
            entry.items = all.map(|all| ItemCounts { all, failed: None });
        }
    }

    /// Sets the errors of the items of a batch that failed, and logs the first one that is a fault of the service.
    pub(super) fn set_item_errors(&mut self, errors: &[Error]) {
        if let Some(fault) = errors.iter().find(|error| is_fault(error)) {
            let failed = errors.len();
            tracing::error!(error = %fault.with_causes(), failed, "items of a batch failed");
        }
        if let Some(items) = self.entry.as_mut().and_then(|entry| entry.items.as_mut()) {
            items.failed = u32::try_from(errors.len()).ok();
        }
    }

    /// Sets the key version that was used, and adjusts the meter to its key type.
    pub(super) fn set_used_version(&mut self, version: Option<Arc<KeyVersion>>) {
        if let (Some(entry), Some(version)) = (&mut self.entry, &version) {
            entry.meter = entry.meter.for_key(version.material.key_type());
        }
        self.used = version;
    }

    /// Renders the record of a call with this result. The caller commits it before it returns the reply, and then calls
    /// [`mark_committed`](Self::mark_committed).
    pub(super) fn conclude(&mut self, result: Result<(), &Error>) -> Option<AuditRecord> {
        self.set_result(result);
        self.entry.as_ref().map(|entry| self.render(entry))
    }

    fn set_result(&mut self, result: Result<(), &Error>) {
        let Some(entry) = &mut self.entry else { return };
        entry.duration = self.started.elapsed();
        entry.status = result.map_or_else(audit::http_status, |()| 200);
        entry.result = result.map_err(Error::reason);
        // A call above a limit is neither counted nor billed, nor is scheduled work that fails.
        if matches!(result, Err(Error::Throttled { .. })) || (self.internal && result.is_err()) {
            entry.meter = Meter::Free;
        }
    }

    /// Renders the record of a call that has succeeded, for a caller that commits it and has nothing to record if that
    /// fails.
    pub(super) fn into_record(mut self) -> Option<AuditRecord> {
        let record = self.conclude(Ok(()));
        self.mark_committed();
        record
    }

    /// Marks the record as committed, so that dropping it writes nothing.
    pub(super) fn mark_committed(mut self) {
        self.end();
    }

    /// Ends the call: counts it, and returns its entry. The duration includes the commit, unlike that of the record.
    fn end(&mut self) -> Option<AuditEntry> {
        let entry = self.entry.take()?;
        self.engine.0.calls_in_progress.fetch_sub(1, Ordering::Relaxed);
        call_metrics::record(&entry, self.started.elapsed());
        tracing::Span::current().record("result", entry.result.err().unwrap_or("ok"));
        Some(entry)
    }

    /// Records the failure of the call, whatever the state is, and returns `error`.
    pub(super) async fn refuse<T>(mut self, error: Error) -> Result<T> {
        self.decided_by = None;
        match self.try_refuse(error, Vec::new()).await {
            Attempt::Answered(answer) => answer,
            Attempt::Outdated(_) => Err(Error::internal("a refusal that depends on no state is outdated")),
        }
    }

    /// Records the failure of the call and commits `changes` with the record, unless it was decided by an outdated state.
    pub(super) async fn try_refuse<T>(mut self, error: Error, changes: Vec<Change>) -> Attempt<T> {
        match is_fault(&error) {
            true => tracing::error!(error = %error.with_causes(), "a call failed"),
            false => tracing::debug!(error = %error.with_causes(), "a call was refused"),
        }
        if changes.is_empty() && !self.has_record() {
            self.set_result(Err(&error));
            self.mark_committed();
            return Attempt::Answered(Err(error));
        }
        let (record, decided_by) = (self.conclude(Err(&error)), self.decided_by());
        let commit = Commit { changes, record, decided_by, ..Commit::default() };
        match self.engine.0.store.commit_decided(commit).await {
            Ok(Committed::Done) => {
                self.mark_committed();
                Attempt::Answered(Err(error))
            }
            Ok(Committed::Outdated) => Attempt::Outdated(Box::new(self)),
            Err(failed) => Attempt::Answered(Err(failed)),
        }
    }

    /// Whether the call has its own record. Only excess calls of unauthenticated callers have none.
    fn has_record(&mut self) -> bool {
        let at = self.at;
        match &mut self.entry {
            Some(entry) if !self.internal && entry.caller.is_none() => {
                self.engine.0.refusals.should_record(&mut entry.origin, at, false)
            }
            _ => true,
        }
    }

    fn render(&self, entry: &AuditEntry) -> AuditRecord {
        let container = entry.container.as_ref().and_then(|id| self.engine.0.store.container(id));
        AuditRecord {
            at: entry.at,
            container: entry.container.clone(),
            event: entry.event,
            meter: entry.meter,
            count: entry.items.map_or(1, |items| items.all.into()),
            version: self.used.clone(),
            body: audit::render(entry, container.as_ref()),
        }
    }
}

/// Whether an error is a fault of the service or its token, and not of the caller. That a token is unavailable, or does not answer in
/// time, is logged by its health check and its workers, once.
const fn is_fault(error: &Error) -> bool {
    matches!(error, Error::Internal(_) | Error::KeyMaterialMissing { .. } | Error::TokenFailed { .. })
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        let is_recorded = self.entry.is_some() && self.has_record();
        let Some(mut entry) = self.end() else { return };
        if !is_recorded {
            return;
        }
        entry.duration = self.started.elapsed();
        if self.internal {
            entry.meter = Meter::Free;
        }
        let record = self.render(&entry);
        let store = self.engine.0.store.clone();
        // Without a runtime the process is shutting down, and the record cannot be written.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                match store.commit(Commit { record: Some(record), ..Commit::default() }).await {
                    // The store logs the begin and the end of such a fault.
                    Ok(()) | Err(Error::StorageFailed(_)) => {}
                    Err(error) => {
                        tracing::error!(error = %error.with_causes(), "a cancelled call could not be recorded");
                    }
                }
            });
        }
    }
}
