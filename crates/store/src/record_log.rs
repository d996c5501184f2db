//! The log of audit records, as the ledger uses it: the log of record for groups without changes.

use std::io;

use crate::model::Timestamp;

/// Consecutive records, which are appended together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordBatch {
    /// The sequence number of the first record.
    pub first: u64,
    /// The sequence number of the last record.
    pub last: u64,
    /// The link of the last record.
    pub chain: String,
    /// When the group was recorded.
    pub at: Timestamp,
    /// The records: JSON objects, each with its sequence number and link, and followed by a line feed.
    pub lines: String,
}

/// A log of audit records. The ledger calls it from its thread only; calls may block.
pub trait RecordLog: Send {
    /// Returns the sequence number and the link of the last record; 0 and empty if there is none.
    fn last(&self) -> (u64, String);

    /// Passes the records after the sequence number `after` to `visit`, in order, each as a line without line feed. Removes
    /// an incomplete write at the end of the log, which cannot contain an acknowledged record.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn read_after(&mut self, after: u64, visit: &mut dyn FnMut(&str)) -> io::Result<()>;

    /// Appends records, and returns when they are durable.
    ///
    /// # Errors
    /// If they may not be durable. The log may contain any part of them until [`discard_failed`](Self::discard_failed)
    /// succeeds, which must precede the next call.
    fn append(&mut self, batch: &RecordBatch) -> io::Result<()>;

    /// Removes what a failed [`append`](Self::append) has written, and returns when the removal is durable.
    ///
    /// # Errors
    /// If parts of the records may remain in the log.
    fn discard_failed(&mut self) -> io::Result<()>;

    /// Checks whether records can be appended again, by writing and removing as many bytes as a group may have.
    ///
    /// # Errors
    /// If they cannot. Then [`discard_failed`](Self::discard_failed) must precede the next call.
    fn probe(&mut self) -> io::Result<()>;
}
