//! Verifies the chains in an export.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use super::format::{ExportedChain, RecordLine, is_name};
use crate::model::Timestamp;
use crate::search::time_of;
use crate::verify::{Break, Reader, Report, VerifyOptions};

/// The result of the verification of an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportReport {
    /// The chains, in the order of their headers.
    pub chains: Vec<VerifiedChain>,
    /// A violation that belongs to none of them.
    pub broken: Option<Break>,
}

/// The result of the verification of a chain in an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedChain {
    /// The name in the export.
    pub instance: String,
    /// What was found.
    pub report: Report,
}

impl ExportReport {
    /// Whether there is no violation.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.broken.is_none() && self.chains.iter().all(|chain| chain.report.broken.is_none())
    }
}

/// A line of the file, with its number.
struct NumberedLine {
    number: u64,
    text: Vec<u8>,
}

/// A chain whose records are followed.
struct Followed<'e> {
    header: &'e ExportedChain,
    reader: Reader<'e>,
    /// The latest record of other chains since the last one of this chain: the next one is not earlier.
    not_before: Option<Timestamp>,
}

/// Verifies the chains in an export: links, signatures, gaps, the ends that its headers state, and the order of the records. The keys
/// and sought records of `expected` apply to each chain.
///
/// # Errors
/// Errors of the file system.
pub fn verify_export(path: &Path, expected: &VerifyOptions) -> io::Result<ExportReport> {
    let mut file = BufReader::new(File::open(path)?);
    let mut number = 0;
    let mut next = || -> io::Result<Option<NumberedLine>> {
        let mut text = Vec::new();
        number += 1;
        let length = file.read_until(b'\n', &mut text)?;
        Ok((length > 0).then_some(NumberedLine { number, text }))
    };
    let broken = |number, why: String| Break { file: path.to_owned(), line: number, seq: None, why };
    let mut headers: Vec<ExportedChain> = Vec::new();
    let mut line = next()?;
    while let Some(NumberedLine { number, text }) = &line
        && RecordLine::parse(trimmed(text)).is_none()
    {
        match parse_header(text, &headers, expected) {
            Ok(header) => headers.push(header),
            Err(why) => {
                return Ok(ExportReport { chains: Vec::new(), broken: Some(broken(*number, why)) });
            }
        }
        line = next()?;
    }
    let options: Vec<VerifyOptions> = headers.iter().map(|header| options_of(header, expected)).collect();
    let start = |(header, options)| Followed::new(header, options);
    let mut chains: Vec<Followed<'_>> = headers.iter().zip(&options).map(start).collect();
    let mut wrong = match chains.is_empty() {
        true => Some(broken(1, "the file is no export: its first line names no chain".to_owned())),
        false => None,
    };
    while let Some(NumberedLine { number, text }) = line.filter(|_| wrong.is_none()) {
        match follow(&mut chains, path, number, &text) {
            Ok(()) => line = next()?,
            Err(why) => {
                wrong = Some(broken(number, why));
                line = None;
            }
        }
    }
    if wrong.is_none() {
        chains.iter_mut().for_each(|chain| chain.end(path));
    }
    let verified = |chain: Followed<'_>| VerifiedChain {
        instance: chain.header.instance.clone(),
        report: chain.reader.report,
    };
    Ok(ExportReport { chains: chains.into_iter().map(verified).collect(), broken: wrong })
}

fn trimmed(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

fn parse_header(
    text: &[u8],
    before: &[ExportedChain],
    expected: &VerifyOptions,
) -> Result<ExportedChain, String> {
    let header: ExportedChain = serde_json::from_slice(text)
        .map_err(|_| "the line is neither a header of an export nor a record of one".to_owned())?;
    let name = &header.instance;
    if !is_name(name) || before.iter().any(|other| other.instance == *name) {
        return Err(format!("the export has two chains with the name {name:?}, or this is no name"));
    }
    if header.last.seq < header.after.seq {
        return Err("the last record is before the first one".to_owned());
    }
    if let Some(head) = &header.head {
        let is_trusted = expected.keys.is_empty() || expected.keys.contains(&head.kid);
        if !head.is_valid() || !is_trusted {
            return Err("the signed head is not signed by a trusted key".to_owned());
        }
        if head.seq <= header.after.seq || head.seq > header.last.seq {
            return Err(format!("the signed head is that of record {}, which is not exported", head.seq));
        }
    }
    Ok(header)
}

fn options_of(header: &ExportedChain, expected: &VerifyOptions) -> VerifyOptions {
    VerifyOptions {
        heads: header.head.iter().cloned().collect(),
        keys: expected.keys.clone(),
        sought: expected.sought.clone(),
        ..VerifyOptions::default()
    }
}

/// Follows the chain of a line. Returns why the line belongs to none.
fn follow(chains: &mut [Followed<'_>], path: &Path, number: u64, text: &[u8]) -> Result<(), String> {
    let Some(text) = text.strip_suffix(b"\n") else {
        return Err("the last line is incomplete".to_owned());
    };
    let line = RecordLine::parse(text).ok_or("the line is not a record of an export")?;
    let named = chains.iter().position(|chain| chain.header.instance == line.instance);
    let named = named.ok_or_else(|| format!("the export has no chain of the instance {}", line.instance))?;
    let Some(time) = time_of(line.record) else { return Err("the record has no time".to_owned()) };
    for (index, chain) in chains.iter_mut().enumerate() {
        if index == named {
            chain.record(path, number, (&line, time));
        } else {
            chain.not_before = chain.not_before.max(Some(time));
        }
    }
    Ok(())
}

impl<'e> Followed<'e> {
    fn new(header: &'e ExportedChain, options: &'e VerifyOptions) -> Self {
        let reader = Reader::after(&header.after.clone().into(), options);
        Self { header, reader, not_before: None }
    }

    fn record(&mut self, path: &Path, number: u64, (line, time): (&RecordLine<'_>, Timestamp)) {
        let not_before = self.not_before.take();
        // Only the first violation of a chain is reported.
        if self.reader.report.broken.is_some() {
            return;
        }
        if self.reader.line(path, number, line.record).is_break() {
            return;
        }
        let why = if self.reader.report.last != Some(line.position) {
            "the position is not that of the record".to_owned()
        } else if line.position > self.header.last.seq {
            format!("the header states that record {} is the last one", self.header.last.seq)
        } else if not_before.is_some_and(|not_before| time < not_before) {
            "the record is after later ones of other instances".to_owned()
        } else {
            return;
        };
        let seq = self.reader.report.last;
        self.reader.report.broken = Some(Break { file: path.to_owned(), line: number, seq, why });
    }

    /// Checks that the chain ends where its header states, and has its name.
    fn end(&mut self, path: &Path) {
        let (report, header) = (&mut self.reader.report, self.header);
        if report.broken.is_some() {
            return;
        }
        let last = report.last.unwrap_or(0);
        let (seq, why) = if last < header.last.seq {
            let missing = last.saturating_add(1);
            let stated = header.last.seq;
            (
                missing,
                format!("record {missing} is missing: the header states that record {stated} is the last"),
            )
        } else if report.chain != header.last.chain {
            (last, "the link of the last record is not the one in the header".to_owned())
        } else if let Some(signed) = report.instance.as_ref().filter(|name| **name != header.instance) {
            (last, format!("the records are signed by the instance {signed}"))
        } else {
            return;
        };
        report.broken = Some(Break { file: path.to_owned(), line: 0, seq: Some(seq), why });
    }
}
