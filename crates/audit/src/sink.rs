//! Appends audit records to files: one per day, and another one when a file reaches its size limit.
//!
//! The files are the log of record: the records of an append are durable when it returns, and may be acknowledged then. After a
//! failed append, its records are removed before anything else is written. A file's day is that of its records in UTC; days never
//! decrease, so that the newest file always contains the last record.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::files::{self, FileName};
use crate::model::Timestamp;

/// How many bytes a probe writes: as many as some hundred records have.
const PROBE: usize = 256 * 1024;

/// The files of an audit log, open for appending.
pub struct Sink {
    dir: PathBuf,
    current: Option<Current>,
    last: LastRecord,
    rotate: u64,
}

/// The last record of a log or file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LastRecord {
    /// The sequence number of the record; 0 if there is none.
    pub seq: u64,
    /// Its chain hash; empty if there is none.
    pub chain: String,
}

struct Current {
    name: FileName,
    /// The number of the day since 1970-01-01, of the last append.
    day: Option<i64>,
    file: File,
    /// The length of the complete records in the file, in bytes.
    len: u64,
    /// Whether an incomplete write may follow them.
    torn: bool,
}

impl Sink {
    /// Opens the log in `dir`, creating the directory if it does not exist, and truncates an incomplete last
    /// line.
    ///
    /// # Errors
    /// Errors of the file system; `InvalidData` if the last record has no sequence number.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut sink =
            Self { dir: dir.to_owned(), current: None, last: LastRecord::default(), rotate: u64::MAX };
        for (name, path) in files::list(dir)?.into_iter().rev() {
            let (current, last) = Current::open(&path, name)?;
            // Writing continues in the newest file; older ones are read only if it is empty.
            sink.current.get_or_insert(current);
            if let Some(line) = last {
                sink.last = LastRecord::of(&line).ok_or_else(|| {
                    invalid(format!("{}: the last record has no sequence number", path.display()))
                })?;
                break;
            }
        }
        File::open(dir)?.sync_all()?;
        Ok(sink)
    }

    /// Sets the size in bytes at which a new file of the same day is started. Records that are appended together stay
    /// in one file, which may exceed the size.
    #[must_use]
    pub fn with_max_file_size(self, bytes: u64) -> Self {
        Self { rotate: bytes, ..self }
    }

    /// The last record of the log.
    pub const fn last(&self) -> &LastRecord {
        &self.last
    }

    /// The sequence number of the last record; 0 if there is none.
    pub const fn last_seq(&self) -> u64 {
        self.last.seq
    }

    /// Appends `lines`, complete records that end with `last`, to the file of the day of `at`, and returns when they are
    /// durable.
    ///
    /// # Errors
    /// Errors of the file system. Any part of the lines may be in the file until [`discard_failed`](Self::discard_failed)
    /// succeeds; until then, appending fails.
    pub fn append(&mut self, at: Timestamp, lines: &str, last: LastRecord) -> io::Result<()> {
        let day = at.as_second().div_euclid(86_400);
        let same = |current: &Current| current.day == Some(day) && current.len < self.rotate;
        if !self.current.as_ref().is_some_and(same) {
            self.rotate(at, day)?;
        }
        let Some(current) = &mut self.current else { return Err(io::Error::other("the log has no file")) };
        current.write(lines)?;
        self.last = last;
        Ok(())
    }

    /// Opens the file for records of this instant.
    fn rotate(&mut self, at: Timestamp, number: i64) -> io::Result<()> {
        let day = at.strftime("%Y-%m-%d").to_string();
        let next = match &mut self.current {
            Some(current) if *current.name.day >= *day && current.len < self.rotate => {
                current.day = Some(number);
                return Ok(());
            }
            // What a failed append has left must not precede the records of another file.
            Some(current) if current.torn => return Err(unresolved()),
            Some(current) => current.name.next(&day),
            None => FileName::first(&day),
        };
        let (current, _) = Current::open(&self.dir.join(next.to_string()), next)?;
        File::open(&self.dir)?.sync_all()?;
        self.current = Some(Current { day: Some(number), ..current });
        Ok(())
    }

    /// Removes what a failed append has written, and returns when the removal is durable.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn discard_failed(&mut self) -> io::Result<()> {
        match &mut self.current {
            Some(current) if current.torn => current.truncate(current.len),
            _ => Ok(()),
        }
    }

    /// Checks whether records can be appended, by writing zeros after the last record and removing them. A process that is killed
    /// meanwhile leaves them, as an incomplete write.
    ///
    /// # Errors
    /// Errors of the file system; see [`append`](Self::append).
    pub fn probe(&mut self) -> io::Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        if current.torn {
            return Err(unresolved());
        }
        current.torn = true;
        current.file.write_all(&[0; PROBE])?;
        current.file.sync_data()?;
        current.truncate(current.len)
    }

    /// Passes the records after the sequence number `after` to `visit`, in order, each as a line without line feed.
    ///
    /// The rest of the newest file is removed from the first of these lines that contains a zero byte, which no record does: it
    /// is a write that was interrupted by a failure of the machine before it was flushed, so that none of its records was
    /// acknowledged.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn read_after(&mut self, after: u64, visit: &mut dyn FnMut(&str)) -> io::Result<()> {
        if self.last.seq <= after {
            return Ok(());
        }
        let mut files = Vec::new();
        for (_, path) in files::list(&self.dir)?.into_iter().rev() {
            let mut first = Vec::new();
            BufReader::new(File::open(&path)?).read_until(b'\n', &mut first)?;
            let first = LastRecord::of(&String::from_utf8_lossy(&first));
            files.push(path);
            if first.is_some_and(|first| first.seq <= after.saturating_add(1)) {
                break;
            }
        }
        let mut last = LastRecord::default();
        while let Some(path) = files.pop() {
            let mut lines = BufReader::new(File::open(&path)?);
            let (mut line, mut offset) = (Vec::new(), 0);
            while lines.read_until(b'\n', &mut line)? > 0 {
                let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
                let record = LastRecord::of(&text);
                let is_after = last.seq >= after && record.as_ref().is_none_or(|record| record.seq > after);
                if is_after && files.is_empty() && line.contains(&0) {
                    tracing::warn!(file = %path.display(), "truncated an incomplete group of audit records");
                    self.last = last;
                    return self.current.as_mut().map_or(Ok(()), |current| current.truncate(offset));
                }
                if is_after || record.as_ref().is_some_and(|record| record.seq > after) {
                    visit(&text);
                }
                last = record.unwrap_or(last);
                offset += line.len() as u64;
                line.clear();
            }
        }
        Ok(())
    }
}

impl LastRecord {
    /// Parses a line of a log; `None` if it has no sequence number.
    pub(super) fn of(line: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Link {
            seq: u64,
            #[serde(default)]
            chain: String,
        }
        let Link { seq, chain } = serde_json::from_str(line).ok()?;
        Some(Self { seq, chain })
    }
}

impl Current {
    /// Opens a file, and returns its last complete line as well.
    fn open(path: &Path, name: FileName) -> io::Result<(Self, Option<String>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let found = file.metadata()?.len();
        let mut line = last_line(&mut file, found)?;
        // A line with a zero byte is an interrupted write, see `Sink::read_after`.
        while let Some((range, _)) = line.as_ref().filter(|(_, text)| text.contains('\0')) {
            let start = range.start;
            line = last_line(&mut file, start)?;
        }
        let (len, last) = line.map_or((0, None), |(range, text)| (range.end, Some(text)));
        if len < found {
            tracing::warn!(file = %path.display(), "truncated an incomplete last audit record");
            file.set_len(len)?;
        }
        // A killed process may have written records without syncing them; they count as logged from now on.
        if found > 0 {
            file.sync_data()?;
        }
        Ok((Self { name, day: None, file, len, torn: false }, last))
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.torn {
            return Err(unresolved());
        }
        self.torn = true;
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()?;
        self.torn = false;
        self.len += lines.len() as u64;
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.torn = true;
        self.file.set_len(len)?;
        self.file.sync_all()?;
        (self.len, self.torn) = (len, false);
        Ok(())
    }
}

/// The length of a file up to the end of its last complete line, and that line.
pub(super) fn tail(file: &mut File) -> io::Result<(u64, Option<String>)> {
    let len = file.metadata()?.len();
    Ok(last_line(file, len)?.map_or((0, None), |(range, text)| (range.end, Some(text))))
}

/// The last complete line of the first `len` bytes of a file, and the range of its bytes with the line feed.
fn last_line(file: &mut File, len: u64) -> io::Result<Option<(Range<u64>, String)>> {
    let mut window = 64 * 1024;
    loop {
        let start = len.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(len - start).read_to_end(&mut bytes)?;
        let end = bytes.iter().rposition(|b| *b == b'\n');
        let line = end.map(|end| bytes[..end].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1));
        match (line, end) {
            // The line may start before the window.
            (None | Some(0), _) if start > 0 => window *= 2,
            (Some(line), Some(end)) => {
                let text = String::from_utf8_lossy(&bytes[line..end]).into_owned();
                return Ok(Some((start + line as u64..start + end as u64 + 1, text)));
            }
            _ => return Ok(None),
        }
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The error of an append before the records of a failed one are removed.
fn unresolved() -> io::Error {
    io::Error::other("the records of a failed append have not been removed")
}

#[cfg(test)]
mod tests;
