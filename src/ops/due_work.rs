//! Sources of due work that is computed from stored data when it is needed. Other due work is indexed by the store.

use std::sync::Arc;

use super::usage;
use crate::model::Timestamp;
use crate::model::billing::Pricing;
use crate::model::time::{DueWork, ScheduledWork};
use crate::store::Store;

/// A source of computed due work, provided by the noun whose operation does the work.
#[derive(Clone, Copy, Debug)]
pub struct DueWorkSource {
    /// Whether this source computes work of this kind.
    pub computes: fn(&ScheduledWork) -> bool,
    /// Whether there is certainly no work; cheap.
    pub is_empty: fn(&Store) -> bool,
    /// Computes all work of this source, present and future. Slow: runs on a blocking thread.
    pub compute: fn(&DueWorkCx) -> Vec<DueWork>,
}

/// What a source may use.
pub struct DueWorkCx {
    /// The store, for reading.
    pub store: Store,
    /// The price list and plans.
    pub pricing: Arc<Pricing>,
    /// The current time.
    pub now: Timestamp,
}

/// All sources of computed due work.
pub const DUE_WORK_SOURCES: &[DueWorkSource] = &[usage::BUDGETS_REACHED];
