//! What becomes of HSMs and keys, read batch by batch: each batch is a call of its own.

mod hsms;
mod keys;

pub use hsms::WatchManagedHsms;
pub use keys::WatchKeys;

use super::Operation;
use crate::model::event::{Batch, Watched};

/// Events of a batch at most.
pub const BATCH: usize = 500;

/// An operation that reads the log from a place on, and can be asked again from where it ended. The one for keys and
/// the one for HSMs are one rpc, and share their names.
pub trait Watching: Operation<Reply = Batch> + Clone + Sync {
    /// The same, of what was watched before, after the event with this number.
    fn after(self, watched: Watched, position: u64) -> Self;
}
