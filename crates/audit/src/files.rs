//! The file names of an audit log and their order.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name of a file: the day of its records in UTC, and its number within that day, from 1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct FileName {
    pub(super) day: String,
    pub(super) part: u32,
}

impl FileName {
    /// The first file of a day.
    pub(super) fn first(day: &str) -> Self {
        Self { day: day.to_owned(), part: 1 }
    }

    /// The file after this one for records of `day`. If `day` is earlier, the day of this file is kept.
    pub(super) fn next(&self, day: &str) -> Self {
        if *day > *self.day {
            return Self::first(day);
        }
        Self { day: self.day.clone(), part: self.part.saturating_add(1) }
    }

    fn parse(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
        match name.split_once('_') {
            None => Some(Self::first(name)),
            Some((day, part)) => Some(Self { day: day.to_owned(), part: part.parse().ok()? }),
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            1 => write!(f, "audit-{}.jsonl", self.day),
            // `_` sorts after `.`, so that names sort in the order of the files.
            part => write!(f, "audit-{}_{part:06}.jsonl", self.day),
        }
    }
}

/// Lists the files of the log in `dir`, oldest first.
pub(super) fn list(dir: &Path) -> io::Result<Vec<(FileName, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if let Some(name) = FileName::parse(&path) {
            files.push((name, path));
        }
    }
    files.sort();
    Ok(files)
}
