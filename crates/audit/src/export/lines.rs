//! Reads the records of a log from its files, in the order of their chain.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use crate::files;
use crate::model::Timestamp;
use crate::search::time_of;
use crate::sink::LastRecord;
use crate::verify::{Line, link_of};

/// A record of a chain.
pub(super) struct ChainLine {
    /// Its sequence number and link.
    pub(super) record: LastRecord,
    /// When its call arrived.
    pub(super) time: Timestamp,
    /// Its line in the file, without the line feed.
    pub(super) text: Vec<u8>,
}

/// The records of a chain after one of them, up to another.
pub(super) struct ChainLines {
    directory: PathBuf,
    files: std::vec::IntoIter<PathBuf>,
    file: Option<BufReader<File>>,
    before: LastRecord,
    last: u64,
}

impl ChainLines {
    /// Opens the log in `directory` after the record `before`, up to the record number `last`.
    pub(super) fn open(directory: &Path, before: LastRecord, last: u64) -> io::Result<Self> {
        let files: Vec<PathBuf> = files::list(directory)?.into_iter().map(|(_, path)| path).collect();
        Ok(Self { directory: directory.to_owned(), files: files.into_iter(), file: None, before, last })
    }

    /// Reads the next record; `None` after the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<ChainLine>> {
        while self.before.seq < self.last {
            let Some(text) = self.read_line()? else { return Err(self.differs()) };
            let Some(line) = Line::parse(&text) else { return Err(self.differs()) };
            if line.seq <= self.before.seq {
                continue;
            }
            // The files were verified before, and may have been modified since.
            let follows = line.seq == self.before.seq.saturating_add(1);
            if !follows || link_of(&self.before.chain, line.covered) != line.link {
                return Err(self.differs());
            }
            let record = LastRecord { seq: line.seq, chain: line.link.to_owned() };
            let Some(time) = time_of(&text) else { return Err(self.differs()) };
            self.before.clone_from(&record);
            return Ok(Some(ChainLine { record, time, text }));
        }
        Ok(None)
    }

    /// Reads a complete line, from the next file if this one has no more.
    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(file) = &mut self.file {
                let mut line = Vec::new();
                file.read_until(b'\n', &mut line)?;
                if line.pop() == Some(b'\n') {
                    return Ok(Some(line));
                }
            }
            let Some(path) = self.files.next() else { return Ok(None) };
            self.file = Some(BufReader::new(File::open(path)?));
        }
    }

    fn differs(&self) -> io::Error {
        let (directory, after) = (self.directory.display(), self.before.seq);
        let why = format!("{directory}: what follows record {after} is not the record that was verified");
        io::Error::new(io::ErrorKind::InvalidData, why)
    }
}
