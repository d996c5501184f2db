//! The number of calls in progress, which tells the ledger how many commits may follow soon.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Store;

/// The number of calls in progress.
#[derive(Default)]
pub(super) struct CallCount(AtomicUsize);

impl CallCount {
    /// Registers a call that may commit soon.
    pub(super) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Registers the end of a call.
    pub(super) fn end(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number of calls that have begun and not ended.
    pub(super) fn in_progress(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Store {
    /// Registers a call that may commit soon. While calls are in progress, a group of commits waits for a moment for theirs.
    pub fn begin_call(&self) {
        self.0.calls.begin();
    }

    /// Registers the end of a call that [`begin_call`](Self::begin_call) has registered.
    pub fn end_call(&self) {
        self.0.calls.end();
    }

    /// The number of calls in progress.
    pub fn calls_in_progress(&self) -> usize {
        self.0.calls.in_progress()
    }
}
