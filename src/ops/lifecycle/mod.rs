//! What becomes of HSMs, keys and budgets, read batch by batch: each batch is a call of its own.

mod budgets;
mod hsms;
mod keys;

pub use budgets::WatchBudgets;
pub use hsms::WatchManagedHsms;
pub use keys::WatchKeys;

use super::Operation;
use crate::model::event::{Batch, Watched};

/// Events of a batch at most.
pub const BATCH: usize = 500;

/// An operation that reads the log from a place on, and can be asked again from where it ended. All of
/// them are one rpc, and share its name.
pub trait Watching: Operation<Reply = Batch> + Clone + Sync {
    /// The same, of what was watched before, after the event with this number.
    fn after(self, watched: Watched, position: u64) -> Self;
}
