//! Records events that are not calls of an operation.

use super::{Engine, call_metrics};
use crate::audit;
use crate::model::Result;
use crate::model::audit_entry::AuditEntry;
use crate::store::{AuditRecord, Commit};

impl Engine {
    /// Records an event durably. Events that unauthenticated clients cause are limited and counted like refused calls.
    ///
    /// # Errors
    /// If the event cannot be recorded.
    pub async fn record_event(&self, mut entry: AuditEntry, is_authenticated: bool) -> Result<()> {
        let (at, event) = (entry.at, entry.event);
        call_metrics::record(&entry, entry.duration);
        let is_successful = entry.result.is_ok();
        if !is_authenticated && !self.0.refusals.should_record(&mut entry.origin, at, is_successful) {
            return Ok(());
        }
        let (container, meter) = (entry.container.clone(), entry.meter);
        let body = audit::render(&entry, None);
        let record = AuditRecord { at, container, event, meter, count: 1, version: None, body };
        self.0.store.commit(Commit { record: Some(record), ..Commit::default() }).await
    }
}
