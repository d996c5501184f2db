//! The files of the audit log as the log of the store's ledger.

use std::io;
use std::path::Path;

use crate::audit::{LastRecord, Sink};
use crate::store::{RecordBatch, RecordLog};

/// The files of the audit log, to which the ledger appends.
pub struct AuditFiles(Sink);

impl AuditFiles {
    /// Opens the files in a directory, which is created if it does not exist. `max_file_size` is the size in bytes at which
    /// another file is started.
    ///
    /// # Errors
    /// See [`Sink::open`].
    pub fn open(directory: &Path, max_file_size: u64) -> io::Result<Self> {
        Ok(Self(Sink::open(directory)?.with_max_file_size(max_file_size)))
    }
}

impl RecordLog for AuditFiles {
    fn last(&self) -> (u64, String) {
        let LastRecord { seq, chain } = self.0.last();
        (*seq, chain.clone())
    }

    fn read_after(&mut self, after: u64, visit: &mut dyn FnMut(&str)) -> io::Result<()> {
        self.0.read_after(after, visit)
    }

    fn append(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let last = LastRecord { seq: batch.last, chain: batch.chain.clone() };
        self.0.append(batch.at, &batch.lines, last)
    }

    fn discard_failed(&mut self) -> io::Result<()> {
        self.0.discard_failed()
    }

    fn probe(&mut self) -> io::Result<()> {
        self.0.probe()
    }
}
