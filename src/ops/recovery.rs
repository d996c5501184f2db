//! Recovery: what concludes the intents that operations left open, after a crash or a failure.
//!
//! The nouns whose operations declare intents provide a [`Recovery`] for each kind. The engine runs it, and knows no kind.

use futures_util::future::BoxFuture;

use super::AttachedTokens;
use crate::clock::Clock;
use crate::model::Result;
use crate::model::change::{Change, Intent};
use crate::store::Store;
use crate::token::TokenPool;

/// Concludes the intents of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// Whether it undoes the operation. The engine then runs it as soon as an operation fails, which holds the lock of
    /// its target; otherwise the sweeper completes the operation later.
    pub undoes: bool,
    /// Returns the name of the lock that the sweeper must hold; `None` if no other operation can use the objects.
    pub lock: fn(&Intent, &Store) -> Option<String>,
    /// Changes the token, and returns what to commit when the intent is closed. It may run several times.
    ///
    /// # Errors
    /// Those of the token. The intent stays open.
    pub resume: for<'a> fn(&'a Intent, &'a RecoveryCx) -> BoxFuture<'a, Result<Recovered>>,
}

/// What a recovery may use.
pub struct RecoveryCx {
    /// The store, for reading.
    pub store: Store,
    /// The tokens of existing HSMs.
    pub tokens: AttachedTokens,
    /// The tokens of new HSMs.
    pub token_pool: TokenPool,
    /// The clock of the service.
    pub clock: Clock,
}

/// The result of a recovery. By default it has no changes: the operation was undone.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The changes to commit with the end of the intent.
    pub changes: Vec<Change>,
    /// The operation that was completed, which is recorded in the audit log.
    pub completed: Option<CompletedOperation>,
}

/// An operation that a recovery has completed.
#[derive(Debug)]
pub struct CompletedOperation {
    /// Its `operationName` in the audit log.
    pub event: &'static str,
    /// Its target in the audit log.
    pub target: String,
}
