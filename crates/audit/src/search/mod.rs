//! Searches the files of a log, a bounded number of bytes at a time, without holding up who writes them.
//!
//! A search continues where the previous one has ended, at a [`Position`] between two records. It reads whole lines only, and no record
//! after the one that the caller knows to be acknowledged: what follows may be part of an append that fails.

mod blocks;
mod links;
mod position;
mod record;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::files::{self, FileName};
use crate::model::Timestamp;
use blocks::{Blocks, first_line_after, time_of_first};
use links::Links;
pub use position::{InvalidPosition, Position};
pub(super) use record::time_of;
pub use record::{FoundCaller, FoundRecord};

/// How much the times of consecutive records may differ from their order: a record has the time at which its call arrived, and its
/// place is that of its reply.
const DISORDER_SECONDS: i64 = 600;

/// Where a search begins, and what limits it.
#[derive(Clone, Debug)]
pub struct Search {
    /// The sequence number of the last acknowledged record.
    pub acknowledged: u64,
    /// Where it begins; `None` for the end of the log.
    pub begin: Option<Position>,
    /// Only records at or after this time.
    pub from: Option<Timestamp>,
    /// Only records before this time.
    pub to: Option<Timestamp>,
    /// The maximum number of records that are returned.
    pub most: usize,
    /// The number of bytes after which it stops.
    pub bytes: u64,
}

/// What a search has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The records, in the order of the search.
    pub records: Vec<FoundRecord>,
    /// Where the search continues; `None` if there is nothing left.
    pub next: Option<Position>,
    /// Whether the search has read all that there was.
    pub is_complete: bool,
    /// The time of the last record that was read.
    pub searched_to: Option<Timestamp>,
    /// The number of records whose link to their predecessor was checked.
    pub checked_links: u64,
    /// The sequence number of the first record whose link is wrong.
    pub broken_at: Option<u64>,
}

/// Whether a search goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Continue,
    /// It ends before the line that was visited.
    StopBefore,
    /// It ends after that line.
    StopAfter,
    /// There is nothing left to find.
    End,
}

impl Step {
    /// Breaks with where the search continues if it has ended at a line of a file. `before` and `after` are the offsets of the line's
    /// ends, in the direction of the search.
    fn at(self, file: &FileName, before: u64, after: u64) -> ControlFlow<Option<Position>> {
        let offset = match self {
            Self::Continue => return ControlFlow::Continue(()),
            Self::End => return ControlFlow::Break(None),
            Self::StopBefore => before,
            Self::StopAfter => after,
        };
        ControlFlow::Break(Some(Position { file: file.clone(), offset }))
    }
}

impl Search {
    /// Searches the log in `dir` from the end, or from [`begin`](Self::begin), towards older records.
    ///
    /// # Errors
    /// Errors of the file system; `InvalidInput` if the position is not one between two records.
    pub fn backwards(
        &self,
        dir: &Path,
        mut is_wanted: impl FnMut(&FoundRecord) -> bool,
    ) -> io::Result<Found> {
        let mut files = files::list(dir)?;
        let mut running = Running::new(self);
        let mut end = match &self.begin {
            Some(Position { file, offset }) => {
                files.retain(|(name, _)| name <= file);
                // The file of the position may have been deleted.
                files.last().is_some_and(|(name, _)| name == file).then_some(*offset)
            }
            None => None,
        };
        if let (None, Some(to)) = (&self.begin, self.to) {
            let latest = end_of_disorder(to);
            files.retain(|(name, _)| *name.day <= *latest.strftime("%Y-%m-%d").to_string());
            while files.len() > 1
                && let Some((_, path)) = files.last()
                && time_of_first(path)?.is_some_and(|first| first > latest)
            {
                files.pop();
            }
            end = files.last().map(|(_, path)| first_line_after(path, latest)).transpose()?;
        }
        while let Some((name, path)) = files.pop() {
            let mut blocks = Blocks::open(&path)?;
            let mut at = match end.take() {
                Some(offset) => blocks.check(offset)?,
                None => blocks.len(),
            };
            while let Some(lines) = blocks.before(at)? {
                for (start, line) in lines.into_iter().rev() {
                    let step = running.visit(line, Direction::Older, &mut is_wanted);
                    let end = start + line.len() as u64 + 1;
                    if let ControlFlow::Break(next) = step.at(&name, end, start) {
                        let is_complete = next.is_none();
                        return Ok(Found { is_complete, ..running.end(next) });
                    }
                    at = start;
                }
            }
        }
        Ok(running.end(None))
    }

    /// Searches the log in `dir` from [`begin`](Self::begin), or from the end, towards newer records. The result always has a position
    /// to continue at, which is at the end of the log if all of it was read.
    ///
    /// # Errors
    /// As [`backwards`](Self::backwards).
    pub fn forwards(&self, dir: &Path, mut is_wanted: impl FnMut(&FoundRecord) -> bool) -> io::Result<Found> {
        let Some(begin) = &self.begin else {
            let end = end_of_log(dir, self.acknowledged)?;
            return Ok(Running::new(self).end(end));
        };
        let mut running = Running::new(self);
        let mut last = begin.clone();
        // A file is complete once the list has one after it.
        for (name, path) in files::list(dir)?.into_iter().filter(|(name, _)| *name >= begin.file) {
            let mut blocks = Blocks::open(&path)?;
            let mut at = if name == begin.file { blocks.check(begin.offset)? } else { 0 };
            last = Position { file: name.clone(), offset: at };
            while let Some(lines) = blocks.after(at)? {
                for (start, line) in lines {
                    let end = start + line.len() as u64 + 1;
                    let step = running.visit(line, Direction::Newer, &mut is_wanted);
                    match step.at(&name, start, end) {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(None) => return Ok(running.end(Some(last))),
                        ControlFlow::Break(next) => {
                            return Ok(Found { is_complete: false, ..running.end(next) });
                        }
                    }
                    last.offset = end;
                    at = end;
                }
            }
        }
        Ok(running.end(Some(last)))
    }
}

/// The latest time at which a record can be, in the order of the log, whose time is before `to`.
fn end_of_disorder(to: Timestamp) -> Timestamp {
    Timestamp::from_second(to.as_second().saturating_add(DISORDER_SECONDS)).unwrap_or(Timestamp::MAX)
}

/// Returns the position after the last acknowledged record; `None` if there is no file.
fn end_of_log(dir: &Path, acknowledged: u64) -> io::Result<Option<Position>> {
    let files: Vec<(FileName, PathBuf)> = files::list(dir)?;
    for (name, path) in files.into_iter().rev() {
        let mut blocks = Blocks::open(&path)?;
        let mut at = blocks.len();
        while let Some(lines) = blocks.before(at)? {
            for (start, line) in lines.into_iter().rev() {
                if links::sequence_number(line).is_some_and(|seq| seq <= acknowledged) {
                    return Ok(Some(Position { file: name, offset: start + line.len() as u64 + 1 }));
                }
                at = start;
            }
        }
        if at == 0 && acknowledged == 0 {
            return Ok(Some(Position { file: name, offset: 0 }));
        }
    }
    Ok(None)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Direction {
    Older,
    Newer,
}

/// A search in progress.
struct Running<'s> {
    search: &'s Search,
    left: u64,
    links: Links,
    found: Found,
}

impl<'s> Running<'s> {
    fn new(search: &'s Search) -> Self {
        let found = Found {
            records: Vec::new(),
            next: None,
            is_complete: true,
            searched_to: None,
            checked_links: 0,
            broken_at: None,
        };
        Self { search, left: search.bytes, links: Links::default(), found }
    }

    /// Looks at a line, without its line feed.
    fn visit(
        &mut self,
        line: &[u8],
        direction: Direction,
        is_wanted: &mut impl FnMut(&FoundRecord) -> bool,
    ) -> Step {
        // One line is read, however long it is, so that every search makes progress.
        let length = line.len() as u64 + 1;
        if self.left < length && self.left < self.search.bytes {
            return Step::StopBefore;
        }
        self.left = self.left.saturating_sub(length);
        let Some(seq) = links::sequence_number(line) else { return Step::Continue };
        if seq > self.search.acknowledged {
            return if direction == Direction::Newer { Step::End } else { Step::Continue };
        }
        match direction {
            Direction::Older => self.links.older(line),
            Direction::Newer => self.links.newer(line),
        }
        let Some(record) = FoundRecord::parse(seq, line) else { return Step::Continue };
        self.found.searched_to = Some(record.time);
        let Search { from, to, .. } = self.search;
        if from.is_some_and(|from| record.time < from) {
            let is_past = from.is_some_and(|from| end_of_disorder(record.time) < from);
            return if is_past && direction == Direction::Older { Step::End } else { Step::Continue };
        }
        if to.is_some_and(|to| record.time >= to) || !is_wanted(&record) {
            return Step::Continue;
        }
        self.found.records.push(record);
        if self.found.records.len() >= self.search.most { Step::StopAfter } else { Step::Continue }
    }

    fn end(self, next: Option<Position>) -> Found {
        Found { next, checked_links: self.links.checked, broken_at: self.links.broken_at, ..self.found }
    }
}

#[cfg(test)]
mod tests;
