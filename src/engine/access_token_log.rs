//! Writes audit records of the access tokens that the simulator's authority issues and refuses.

use std::future::Future;
use std::pin::Pin;

use super::Engine;
use crate::audit;
use crate::identity::authority::{Recorder, TokenRequest};
use crate::model::Result;
use crate::model::audit_entry::{AuditEntry, Meter};
use crate::store::{AuditRecord, Commit};

/// The `operationName` of a token request.
const EVENT: &str = "TokenIssue";

impl Recorder for Engine {
    /// Requests for access tokens of managed identities are limited and counted like refused calls: they need no
    /// secret, so any process on the machine can send them.
    fn record(&self, mut attempt: TokenRequest) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async move {
            let at = self.0.clock.now();
            let issued = attempt.result.is_ok();
            if !attempt.authenticated && !self.0.refusals.should_record(&mut attempt.origin, at, issued) {
                return Ok(());
            }
            let entry = AuditEntry {
                at,
                event: EVENT,
                meter: Meter::Free,
                hsm: None,
                target: attempt.audience,
                caller: attempt.application,
                origin: attempt.origin,
                result: attempt.result,
                status: attempt.status,
                duration: attempt.took,
            };
            let body = audit::render(&entry, None);
            let record = AuditRecord { at, hsm: None, event: EVENT, meter: Meter::Free, version: None, body };
            self.0.store.commit(Commit { record: Some(record), ..Commit::default() }).await
        })
    }
}
