//! Writes audit records of the access tokens that the authority issues and refuses.

use std::future::Future;
use std::pin::Pin;

use super::authority::{Recorder, TokenRequest};
use crate::engine::Engine;
use crate::model::Result;
use crate::model::audit_entry::{AuditEntry, Meter};

/// The `operationName` of a token request.
const EVENT: &str = "TokenIssue";

impl Recorder for Engine {
    /// Requests for access tokens of managed identities count as unauthenticated: they need no secret, so any process
    /// on the machine can send them.
    fn record(&self, attempt: TokenRequest) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        let entry = AuditEntry {
            at: self.clock().now(),
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
        Box::pin(self.record_event(entry, attempt.authenticated))
    }
}
