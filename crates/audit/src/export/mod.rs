//! Exports the logs of several instances as one file, in which the chain of each can still be verified.
//!
//! The records are merged by time. Within a chain they keep their order, in which times may decrease: a record has the time at which
//! its call arrived, and its place is that of its reply. So the next record of the export is always the earliest of those that are next
//! in their chains.

mod format;
mod lines;
#[cfg(test)]
mod tests;
mod verification;

use std::io::{self, Write};
use std::path::PathBuf;

pub use format::{ExportedChain, ExportedPosition};
pub use verification::{ExportReport, VerifiedChain, verify_export};

use super::sink::LastRecord;
use super::statement::SignedStatement;
use crate::model::Timestamp;
use format::RecordLine;
use lines::{ChainLine, ChainLines};

/// A verified log that is exported.
#[derive(Clone, Debug)]
pub struct ExportedLog {
    /// The directory of its files.
    pub directory: PathBuf,
    /// The name of its instance.
    pub instance: String,
    /// The last record that was verified.
    pub last: u64,
}

/// The records to export. Those between the first and the last one of a chain are exported too, whatever their times.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportPeriod {
    /// Only records at or after this time.
    pub from: Option<Timestamp>,
    /// Only records before this time.
    pub to: Option<Timestamp>,
}

impl ExportPeriod {
    fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }
}

/// A chain that is being written, and its next record.
struct Exported<'a> {
    instance: &'a str,
    lines: ChainLines,
    next: Option<ChainLine>,
}

/// Writes the records of logs, and returns what was written of each.
///
/// # Errors
/// Errors of the file system and of `out`; `InvalidInput` if an instance is named twice or has no valid name; `InvalidData` if a log
/// was modified after its verification.
pub fn export(
    logs: &[ExportedLog],
    period: ExportPeriod,
    out: &mut dyn Write,
) -> io::Result<Vec<ExportedChain>> {
    let mut chains: Vec<ExportedChain> = Vec::new();
    for log in logs {
        let is_named = format::is_name(&log.instance);
        if !is_named || chains.iter().any(|chain| chain.instance == log.instance) {
            let why = format!("{:?} is not a name, or two logs have it", log.instance);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        chains.push(select(log, period)?);
    }
    for chain in &chains {
        serde_json::to_writer(&mut *out, chain)?;
        out.write_all(b"\n")?;
    }
    let mut exported = Vec::new();
    for (log, chain) in logs.iter().zip(&chains) {
        let mut lines = ChainLines::open(&log.directory, chain.after.clone().into(), chain.last.seq)?;
        let next = lines.next()?;
        exported.push(Exported { instance: &chain.instance, lines, next });
    }
    while let Some(chain) = earliest(&mut exported) {
        let Some(ChainLine { record, text, .. }) = chain.next.take() else { break };
        RecordLine { instance: chain.instance, position: record.seq, record: &text }.write(out)?;
        chain.next = chain.lines.next()?;
    }
    Ok(chains)
}

/// The chain whose next record is the earliest.
fn earliest<'c, 'a>(chains: &'c mut [Exported<'a>]) -> Option<&'c mut Exported<'a>> {
    let has_next = chains.iter_mut().filter(|chain| chain.next.is_some());
    has_next.min_by_key(|chain| chain.next.as_ref().map(|line| line.time))
}

/// Finds the records of a log that are in the period.
fn select(log: &ExportedLog, period: ExportPeriod) -> io::Result<ExportedChain> {
    // Files before a signed start are about to be deleted, and the link of their predecessor is not known.
    let start = SignedStatement::read_start(&log.directory)?;
    let mut before = start.map(|start| LastRecord { seq: start.seq, chain: start.chain }).unwrap_or_default();
    let mut lines = ChainLines::open(&log.directory, before.clone(), log.last)?;
    let mut selected: Option<(LastRecord, LastRecord)> = None;
    while let Some(ChainLine { record, time, .. }) = lines.next()? {
        if period.contains(time) {
            let after = selected.map_or(before, |(after, _)| after);
            selected = Some((after, record.clone()));
        }
        before = record;
    }
    let (after, last) = selected.unwrap_or_else(|| (before.clone(), before));
    let head = SignedStatement::read_head(&log.directory)?;
    let head = head.filter(|head| head.seq > after.seq && head.seq <= last.seq);
    Ok(ExportedChain { instance: log.instance.clone(), after: after.into(), last: last.into(), head })
}
