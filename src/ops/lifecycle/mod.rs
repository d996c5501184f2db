//! Lifecycle events of HSMs, keys, certificates and budgets, read in batches: each batch is a call.

mod budgets;
mod certificates;
mod hsms;
mod keys;

pub use budgets::WatchBudgets;
pub use certificates::WatchCertificates;
pub use hsms::WatchManagedHsms;
pub use keys::WatchKeys;

use super::Operation;
use crate::model::event::{EventBatch, EventFilter};

/// The maximum number of events in a batch.
pub const BATCH: usize = 500;

/// An operation that reads the event log from a position, and can be continued where it ended. All of them belong to one
/// gRPC method and share its name.
pub trait WatchOperation: Operation<Reply = EventBatch> + Clone + Sync {
    /// Returns the operation that continues `watched` after the event at `position`.
    fn after(self, watched: EventFilter, position: u64) -> Self;
}
