//! Reads the lines of a file in blocks, in both directions.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::record::time_of;
use crate::model::Timestamp;

/// How many bytes are read at a time. A longer line takes a longer block.
const BLOCK: u64 = 256 * 1024;

/// Below this distance, the lines are read instead of looking for the one in the middle.
const NEAR: u64 = 2 * BLOCK;

/// A file of a log.
pub(super) struct Blocks {
    file: File,
    len: u64,
    bytes: Vec<u8>,
}

/// Complete lines: the offset of each in the file, and its bytes without the line feed.
pub(super) type Lines<'b> = Vec<(u64, &'b [u8])>;

impl Blocks {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, len, bytes: Vec::new() })
    }

    /// The number of bytes when the file was opened.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Returns the offset, if a line begins there.
    ///
    /// # Errors
    /// `InvalidInput` if none does.
    pub(super) fn check(&mut self, offset: u64) -> io::Result<u64> {
        let invalid =
            || io::Error::new(io::ErrorKind::InvalidInput, "this is not a position between records");
        if offset == 0 {
            return Ok(0);
        }
        if offset > self.len {
            return Err(invalid());
        }
        self.read(offset - 1, offset)?;
        if self.bytes == b"\n" { Ok(offset) } else { Err(invalid()) }
    }

    /// Returns the last complete lines before an offset, in the order of the file; `None` at the beginning of the file.
    pub(super) fn before(&mut self, offset: u64) -> io::Result<Option<Lines<'_>>> {
        let mut size = BLOCK;
        loop {
            if offset == 0 {
                return Ok(None);
            }
            let start = offset.saturating_sub(size);
            self.read(start, offset)?;
            // The first line of a block is incomplete, unless it is the first line of the file.
            let first = if start == 0 { Some(0) } else { line_feed(&self.bytes).map(|at| at + 1) };
            if let Some(first) = first {
                let lines = complete_lines(start + first as u64, self.bytes.get(first..).unwrap_or_default());
                if !lines.is_empty() {
                    return Ok(Some(lines_of(start, &self.bytes, lines)));
                }
                if start == 0 {
                    return Ok(None);
                }
            }
            size = size.saturating_mul(2);
        }
    }

    /// Returns the first complete lines from an offset; `None` at the end of the file.
    pub(super) fn after(&mut self, offset: u64) -> io::Result<Option<Lines<'_>>> {
        let mut size = BLOCK;
        loop {
            let end = offset.saturating_add(size).min(self.len);
            if offset >= end {
                return Ok(None);
            }
            self.read(offset, end)?;
            let lines = complete_lines(offset, &self.bytes);
            if !lines.is_empty() {
                return Ok(Some(lines_of(offset, &self.bytes, lines)));
            }
            if end == self.len {
                return Ok(None);
            }
            size = size.saturating_mul(2);
        }
    }

    fn read(&mut self, start: u64, end: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(start))?;
        self.bytes.clear();
        (&mut self.file).take(end.saturating_sub(start)).read_to_end(&mut self.bytes)?;
        Ok(())
    }
}

/// Returns the offset of a line in a file after which all records are later than `time`, as far as their order is that of their times;
/// the length of the file if there is none. Reads some blocks, whatever the length of the file.
pub(super) fn first_line_after(path: &Path, time: Timestamp) -> io::Result<u64> {
    let mut blocks = Blocks::open(path)?;
    let (mut low, mut high) = (0, blocks.len());
    while high.saturating_sub(low) > NEAR {
        let middle = low + (high - low) / 2;
        let lines = blocks.before(middle)?.unwrap_or_default();
        // The line that ends at the middle or before it.
        let Some((start, line)) = lines.last() else { break };
        let (start, end) = (*start, start + line.len() as u64 + 1);
        if start < low {
            break;
        }
        match time_of(line) {
            Some(found) if found > time => high = start,
            _ => low = end,
        }
    }
    // What is between them is read by the search itself.
    Ok(high)
}

/// Returns the time of the first record of a file.
pub(super) fn time_of_first(path: &Path) -> io::Result<Option<Timestamp>> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).take(BLOCK).read_until(b'\n', &mut line)?;
    Ok(time_of(&line))
}

fn line_feed(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// The ranges of the complete lines of some bytes, which begin at `offset` in the file.
fn complete_lines(offset: u64, bytes: &[u8]) -> Vec<(u64, u64)> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        lines.push((offset + start as u64, offset + at as u64));
        start = at + 1;
    }
    lines
}

fn lines_of(start: u64, bytes: &[u8], ranges: Vec<(u64, u64)>) -> Lines<'_> {
    let index = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
    ranges
        .into_iter()
        .map(|(from, to)| (from, bytes.get(index(from)..index(to)).unwrap_or_default()))
        .collect()
}
