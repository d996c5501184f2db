//! Finds due work: in the store, which indexes most of it, and in the sources that compute the rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use crate::model::time::DueWork;
use crate::ops::{DUE_WORK_SOURCES, DueWorkCx, DueWorkSource};

impl Engine {
    /// Whether this instance of the service does the scheduled work.
    pub fn does_scheduled_work(&self) -> bool {
        self.0.store.does_scheduled_work()
    }

    /// Returns the earliest due work for which `except` is false.
    pub async fn next_due(&self, except: impl Fn(&DueWork) -> bool) -> Option<DueWork> {
        let computed = self.computed_due_work(|_| true).await.into_iter().filter(|due| !except(due));
        self.0.store.next_due(&except).into_iter().chain(computed).min_by_key(|due| due.at)
    }

    /// Returns the work of `candidates` that is still scheduled.
    pub async fn still_due(&self, candidates: Vec<DueWork>) -> BTreeSet<DueWork> {
        let is_asked = |source: &DueWorkSource| candidates.iter().any(|due| (source.computes)(&due.work));
        let computed = self.computed_due_work(is_asked).await;
        let is_computed = |due: &DueWork| DUE_WORK_SOURCES.iter().any(|source| (source.computes)(&due.work));
        let is_due = |due: &DueWork| match is_computed(due) {
            true => computed.contains(due),
            false => self.0.store.is_due(due),
        };
        candidates.into_iter().filter(is_due).collect()
    }

    /// Returns the work of the sources that are `asked`.
    async fn computed_due_work(&self, asked: impl Fn(&DueWorkSource) -> bool) -> Vec<DueWork> {
        let store = &self.0.store;
        let sources: Vec<_> =
            DUE_WORK_SOURCES.iter().filter(|source| asked(source) && !(source.is_empty)(store)).collect();
        if sources.is_empty() {
            return Vec::new();
        }
        let (store, pricing) = (store.clone(), Arc::clone(&self.0.pricing));
        let cx = DueWorkCx { store, pricing, now: self.0.clock.now() };
        let compute = move || sources.into_iter().flat_map(|source| (source.compute)(&cx)).collect();
        match tokio::task::spawn_blocking(compute).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "due work could not be computed");
                Vec::new()
            }
        }
    }
}
