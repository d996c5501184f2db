//! The position of the database in what was written.

use super::chain::ChainHead;

/// The position of the database in the sequence of groups. Each group advances it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct LedgerPosition {
    /// The number of groups that were written to the database.
    pub(super) groups: u64,
    /// The last audit record that the database has counted.
    pub(super) head: ChainHead,
}
