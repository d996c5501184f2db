//! Appends audit records to files: one per day, and another one when a file reaches its size limit.
//!
//! Every call of [`Sink::append`] ends with `fdatasync`: its records are durable when it returns. A file's
//! day is that of its records in UTC; days never decrease, so that the newest file always contains the
//! last record.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::files::{self, FileName};
use crate::model::Timestamp;

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

    /// Appends records, each with its sequence number and the instant that determines its day, and returns
    /// when they are durable. Skips records that the log already has.
    ///
    /// # Errors
    /// Errors of the file system. The log then contains complete records only, and the same records can be
    /// appended again.
    pub fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = (u64, Timestamp, &'a str)>,
    ) -> io::Result<()> {
        let known = self.last.seq;
        let (mut day, mut lines, mut last) = (String::new(), String::new(), known);
        let mut instant = None;
        for (seq, at, line) in records.into_iter().filter(|(seq, ..)| *seq > known) {
            // The records of a group share their instant: the day is computed once per group.
            if instant != Some(at) {
                instant = Some(at);
                let next = at.strftime("%Y-%m-%d").to_string();
                if next > day {
                    self.write(&day, &lines, last)?;
                    lines.clear();
                    day = next;
                }
            }
            lines.push_str(line);
            lines.push('\n');
            last = seq;
        }
        self.write(&day, &lines, last)
    }

    fn write(&mut self, day: &str, lines: &str, last: u64) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let next = match &self.current {
            Some(current) if *current.name.day >= *day && current.len < self.rotate => None,
            Some(current) => Some(current.name.next(day)),
            None => Some(FileName::first(day)),
        };
        if let Some(name) = next {
            let (current, _) = Current::open(&self.dir.join(name.to_string()), name)?;
            File::open(&self.dir)?.sync_all()?;
            self.current = Some(current);
        }
        if let Some(current) = &mut self.current {
            current.write(lines)?;
        }
        self.last =
            LastRecord::of(lines.trim_end().rsplit('\n').next().unwrap_or_default()).unwrap_or_default();
        self.last.seq = last;
        Ok(())
    }
}

impl LastRecord {
    /// Parses a line of a log; `None` if it has no sequence number.
    pub(super) fn of(line: &str) -> Option<Self> {
        let record: serde_json::Value = serde_json::from_str(line).ok()?;
        let chain = record.get("chain").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        Some(Self { seq: record.get("seq")?.as_u64()?, chain })
    }
}

impl Current {
    /// Opens a file, and returns its last complete line as well.
    fn open(path: &Path, name: FileName) -> io::Result<(Self, Option<String>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let (len, last) = tail(&mut file)?;
        let found = file.metadata()?.len();
        if len < found {
            tracing::warn!(file = %path.display(), "truncated an incomplete last audit record");
            file.set_len(len)?;
        }
        // A killed process may have written records without syncing them; they count as logged from now on.
        if found > 0 {
            file.sync_data()?;
        }
        Ok((Self { name, file, len, torn: false }, last))
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.len)?;
        }
        self.torn = true;
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()?;
        self.torn = false;
        self.len += lines.len() as u64;
        Ok(())
    }
}

/// The length of a file up to the end of its last complete line, and that line.
pub(super) fn tail(file: &mut File) -> io::Result<(u64, Option<String>)> {
    let len = file.metadata()?.len();
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
                return Ok((start + end as u64 + 1, Some(text)));
            }
            _ => return Ok((0, None)),
        }
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn line(seq: u64) -> String {
        format!("{{\"a\":\"é\",\"seq\":{seq}}}")
    }

    fn append(sink: &mut Sink, records: &[(u64, &str)]) {
        let lines: Vec<_> = records.iter().map(|(seq, day)| (*seq, at(day), line(*seq))).collect();
        sink.append(lines.iter().map(|(seq, at, line)| (*seq, *at, line.as_str()))).unwrap();
    }

    const MONDAY: &str = "2026-03-02T23:59:59Z";
    const TUESDAY: &str = "2026-03-03T00:00:00Z";

    #[test]
    fn writes_records_to_the_file_of_their_day() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("audit");
        let mut sink = Sink::open(&dir).unwrap();
        assert_eq!(sink.last_seq(), 0);
        append(&mut sink, &[(1, MONDAY), (2, TUESDAY), (3, MONDAY)]);
        append(&mut sink, &[(2, MONDAY), (3, MONDAY), (4, MONDAY)]);
        let read = |day: &str| fs::read_to_string(dir.join(format!("audit-{day}.jsonl"))).unwrap();
        assert_eq!(read("2026-03-02"), line(1) + "\n");
        assert_eq!(read("2026-03-03"), [line(2), line(3), line(4), String::new()].join("\n"));
        assert_eq!(Sink::open(&dir).unwrap().last_seq(), 4);
    }

    #[test]
    fn starts_a_new_file_at_the_size_limit() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = Sink::open(dir.path()).unwrap().with_max_file_size(30);
        for seq in 1..=5 {
            append(&mut sink, &[(seq, MONDAY)]);
        }
        append(&mut sink, &[(6, TUESDAY)]);
        let names: Vec<_> =
            files::list(dir.path()).unwrap().into_iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(
            names,
            [
                "audit-2026-03-02.jsonl",
                "audit-2026-03-02_000002.jsonl",
                "audit-2026-03-02_000003.jsonl",
                "audit-2026-03-03.jsonl"
            ]
        );
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(names, sorted, "file names sort in the order of their records");
        assert_eq!(Sink::open(dir.path()).unwrap().last_seq(), 6);
    }

    #[test]
    fn truncates_incomplete_last_line() {
        let dir = tempfile::tempdir().unwrap();
        append(&mut Sink::open(dir.path()).unwrap(), &[(1, MONDAY), (2, TUESDAY)]);
        let path = dir.path().join("audit-2026-03-03.jsonl");
        let complete = fs::read(&path).unwrap();

        for torn in ["{\"a\":1,\"se", &"x".repeat(200_000)] {
            fs::write(&path, [&complete, torn.as_bytes()].concat()).unwrap();
            assert_eq!(Sink::open(dir.path()).unwrap().last_seq(), 2);
            assert_eq!(fs::read(&path).unwrap(), complete);
        }
        // The newest file has no complete line: the last record is in the file before it.
        fs::write(&path, &complete[..4]).unwrap();
        let mut sink = Sink::open(dir.path()).unwrap();
        assert_eq!((sink.last_seq(), fs::read(&path).unwrap().len()), (1, 0));
        append(&mut sink, &[(2, MONDAY)]);
        assert_eq!(fs::read(&path).unwrap(), complete, "writing continues in the newest file");
    }

    #[test]
    fn rejects_log_that_does_not_end_with_a_record() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("audit-2026-03-03.jsonl"), "hello\n").unwrap();
        assert!(Sink::open(dir.path()).is_err());
    }

    #[test]
    fn failed_write_does_not_advance_the_log() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.path().join("audit-2026-03-03.jsonl")).unwrap();
        let mut sink = Sink::open(dir.path()).unwrap();
        append(&mut sink, &[]);
        assert!(sink.append([(1, at(TUESDAY), "{}")]).is_err());
        assert_eq!(sink.last_seq(), 0);
    }
}
