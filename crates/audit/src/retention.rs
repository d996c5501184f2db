//! Selects and deletes the audit files that exceed the configured retention.
//!
//! Uses no clock: only days on which records were written count, so that a clock that jumps ahead expires no file.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::files;
use super::sink::{LastRecord, tail};

/// The retention of an audit log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// The number of days with records whose files are kept; unlimited if `None`.
    pub days: Option<u32>,
    /// The number of bytes kept; unlimited if `None`.
    pub bytes: Option<u64>,
}

/// The oldest files of a log, which exceed its retention.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpiredFiles {
    /// The names of the files.
    pub names: Vec<String>,
    /// The last record in these files.
    pub last: LastRecord,
    dir: PathBuf,
}

impl Retention {
    /// Whether a limit is set.
    pub const fn limits(&self) -> bool {
        self.days.is_some() || self.bytes.is_some()
    }
}

/// Returns the files of the log in `dir` that exceed `retention`, never including the newest file.
///
/// # Errors
/// Errors of the file system; `InvalidData` if a file does not end with a record.
pub fn expired_files(dir: &Path, retention: &Retention) -> io::Result<Option<ExpiredFiles>> {
    let files = files::list(dir)?;
    let days: BTreeSet<&str> = files.iter().map(|(name, _)| name.day.as_str()).collect();
    let kept = retention.days.map_or(usize::MAX, |days| usize::try_from(days).unwrap_or(usize::MAX));
    let old: BTreeSet<&str> = days.iter().rev().skip(kept).copied().collect();
    let mut total = 0_u64;
    for (_, path) in &files {
        total = total.saturating_add(fs::metadata(path)?.len());
    }
    let (mut names, mut last) = (Vec::new(), None);
    for (name, path) in files.iter().take(files.len().saturating_sub(1)) {
        if !old.contains(name.day.as_str()) && retention.bytes.is_none_or(|bytes| total <= bytes) {
            break;
        }
        total = total.saturating_sub(fs::metadata(path)?.len());
        if let (_, Some(line)) = tail(&mut File::open(path)?)? {
            let why = || format!("{}: does not end with a record", path.display());
            last =
                Some(LastRecord::of(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, why()))?);
        }
        names.push(name.to_string());
    }
    Ok(last.map(|last| ExpiredFiles { names, last, dir: dir.to_owned() }))
}

impl ExpiredFiles {
    /// Deletes the files, oldest first. Files that no longer exist are skipped.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn delete(&self) -> io::Result<()> {
        for name in &self.names {
            match fs::remove_file(self.dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        File::open(&self.dir)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path, days: Option<u32>, bytes: Option<u64>) -> (Vec<String>, u64) {
        expired_files(dir, &Retention { days, bytes }).unwrap().map_or_else(Default::default, |found| {
            (
                found.names.iter().map(|name| name["audit-2026-03-".len()..].to_owned()).collect(),
                found.last.seq,
            )
        })
    }

    #[test]
    fn deletes_oldest_files_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        for (seq, name) in ["02", "02_000002", "03", "09"].into_iter().enumerate() {
            let line = format!("{{\"seq\":{},\"chain\":\"c\"}}\n", seq + 1);
            fs::write(dir.path().join(format!("audit-2026-03-{name}.jsonl")), line).unwrap();
        }
        fs::write(dir.path().join("head.json"), "{}").unwrap();
        assert_eq!(names(dir.path(), None, None), (vec![], 0));
        assert_eq!(names(dir.path(), Some(3), None), (vec![], 0));
        let two = vec!["02.jsonl".to_owned(), "02_000002.jsonl".to_owned()];
        assert_eq!(names(dir.path(), Some(2), None), (two.clone(), 2));
        let size = fs::metadata(dir.path().join("audit-2026-03-02.jsonl")).unwrap().len();
        assert_eq!(names(dir.path(), None, Some(2 * size)), (two, 2));
        assert_eq!(names(dir.path(), None, Some(1)).1, 3, "the newest file is never deleted");
        let found = expired_files(dir.path(), &Retention { days: Some(1), bytes: None }).unwrap().unwrap();
        found.delete().unwrap();
        found.delete().unwrap();
        assert_eq!(names(dir.path(), Some(1), Some(1)), (vec![], 0));
    }
}
