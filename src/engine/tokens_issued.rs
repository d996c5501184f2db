//! Records the tokens that the simulator's authority issues and refuses.

use std::future::Future;
use std::pin::Pin;

use super::Engine;
use crate::audit;
use crate::identity::authority::{Attempt, Recorder};
use crate::model::Result;
use crate::model::entry::{Entry, Meter};
use crate::store::{Commit, Record};

/// What the audit log calls it.
const EVENT: &str = "TokenIssue";

impl Recorder for Engine {
    /// A token without a record of its own is counted like a refused call: managed identities need no secret, and any
    /// program of the machine can ask for theirs.
    fn record(&self, mut attempt: Attempt) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async move {
            let at = self.0.clock.now();
            let issued = attempt.result.is_ok();
            if !attempt.authenticated && !self.0.refusals.admit(&mut attempt.origin, at, issued) {
                return Ok(());
            }
            let entry = Entry {
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
            let record = Record { at, hsm: None, event: EVENT, meter: Meter::Free, version: None, body };
            self.0.store.commit(Commit { record: Some(record), ..Commit::default() }).await
        })
    }
}
