//! Verifies that an audit log has not been altered.
//!
//! Each line ends with `"seq":N,"chain":"…"}`. `chain` is the base64url encoding, without padding, of the
//! SHA-256 of the `chain` of the line before (nothing for record 1) followed by the line up to
//! `,"chain":`. So a record that is altered, removed, added or moved breaks the chain there, unless all following
//! hashes are recomputed: that is detected by the signatures in the log, which contain sequence numbers and hashes,
//! and by signed heads that are stored elsewhere.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::files;
use super::sink::{LastRecord, tail};
use super::statement::{SignedStatement, StatementKind};

/// The number of chain hashes kept for comparison with signatures, which follow some records later.
const RECENT_LINKS: usize = 1 << 18;

/// Options and expectations of a verification.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The sequence number of the first record to verify; by default, the first retained one.
    pub from: Option<u64>,
    /// The sequence number of the last record to verify; by default, the last one.
    pub to: Option<u64>,
    /// Signed heads that the log must contain.
    pub heads: Vec<SignedStatement>,
    /// The thumbprints of the trusted keys; if empty, all keys are trusted.
    pub keys: Vec<String>,
    /// Reads only the first and the last line of each file except the newest.
    pub quick: bool,
    /// Accepts any first record, for logs from before signed starts were introduced.
    pub any_start: bool,
    /// Records to look for, which may be of other chains.
    pub sought: Vec<LastRecord>,
}

/// The result of a verification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The number of verified records, up to the break if there is one.
    pub records: u64,
    /// The sequence number of the first verified record.
    pub first: Option<u64>,
    /// The sequence number of the last record read.
    pub last: Option<u64>,
    /// The chain hash of the last record read.
    pub chain: String,
    /// The first record of the files, and its chain hash.
    pub begins: Option<LastRecord>,
    /// The number of verified signatures.
    pub signatures: u64,
    /// The sequence number of the last record that a signature in the log covers.
    pub signed: Option<u64>,
    /// The thumbprints of the signing keys, in order of appearance.
    pub keys: Vec<String>,
    /// The record after which the retained files begin, if older files were deleted by retention.
    pub start: Option<u64>,
    /// The name of the instance that has signed the chain last, which older signatures do not have.
    pub instance: Option<String>,
    /// The indices of the sought records that the chain has.
    pub found: BTreeSet<usize>,
    /// The first violation.
    pub broken: Option<Break>,
}

/// A violation: where a log differs from what was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Break {
    /// The file.
    pub file: PathBuf,
    /// The line number, from 1; 0 for the entire file.
    pub line: u64,
    /// The sequence number of the first wrong or missing record, if known.
    pub seq: Option<u64>,
    /// A description of the violation.
    pub why: String,
}

/// Verifies the chain of all files of the log in `dir`. An incomplete last line is being written and is
/// ignored.
///
/// # Errors
/// Errors of the file system.
pub fn verify(dir: &Path) -> io::Result<Report> {
    verify_with(dir, &VerifyOptions::default())
}

/// Verifies the chain of the log in `dir`, its signatures, its start, and that it contains the expected heads.
///
/// # Errors
/// Errors of the file system.
pub fn verify_with(dir: &Path, expected: &VerifyOptions) -> io::Result<Report> {
    let mut reader = match Reader::new(dir, expected) {
        Ok(reader) => reader,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let found = Break { file: dir.to_owned(), line: 0, seq: None, why: error.to_string() };
            return Ok(Report { broken: Some(found), ..Report::empty() });
        }
        Err(error) => return Err(error),
    };
    let files = files::list(dir)?;
    for (number, (_, path)) in files.iter().enumerate() {
        let all = !expected.quick || number + 1 == files.len();
        let read = if all { reader.read_all(path)? } else { reader.read_first_and_last(path)? };
        if read.is_break() {
            return Ok(reader.report);
        }
    }
    if let Err((seq, why)) = reader.at_end() {
        let file = files.last().map_or_else(|| dir.to_owned(), |(_, path)| path.clone());
        reader.report.broken = Some(Break { file, line: 0, seq: Some(seq), why });
    }
    Ok(reader.report)
}

/// Returns the first record of the files in `dir`; `None` if there is none.
///
/// # Errors
/// Errors of the file system.
pub fn first_record(dir: &Path) -> io::Result<Option<LastRecord>> {
    for (_, path) in files::list(dir)? {
        let mut line = Vec::new();
        BufReader::new(File::open(path)?).read_until(b'\n', &mut line)?;
        if !line.is_empty() {
            let found = line.strip_suffix(b"\n").and_then(Line::parse);
            return Ok(found.map(|line| LastRecord { seq: line.seq, chain: line.link.to_owned() }));
        }
    }
    Ok(None)
}

/// `,"chain":"`, and the length of what follows it: 43 characters, a quotation mark and a brace.
const LINK: &[u8] = b",\"chain\":\"";
const REST: usize = 43 + 2;

/// A parsed line: the hashed part, the sequence number and the chain hash.
pub(super) struct Line<'a> {
    pub(super) covered: &'a [u8],
    pub(super) seq: u64,
    pub(super) link: &'a str,
}

/// Follows a chain, record by record.
pub(super) struct Reader<'e> {
    expected: &'e VerifyOptions,
    start: Option<SignedStatement>,
    links: VecDeque<(u64, String)>,
    pub(super) report: Report,
}

/// The sequence number of a wrong or missing record, and a description.
type Violation = (u64, String);

impl Report {
    const fn empty() -> Self {
        Self {
            records: 0,
            first: None,
            last: None,
            chain: String::new(),
            begins: None,
            signatures: 0,
            signed: None,
            keys: Vec::new(),
            start: None,
            instance: None,
            found: BTreeSet::new(),
            broken: None,
        }
    }
}

impl<'e> Reader<'e> {
    fn new(dir: &Path, expected: &'e VerifyOptions) -> io::Result<Self> {
        let start = SignedStatement::read_start(dir)?;
        if let Some(start) = &start {
            let trusted = expected.keys.is_empty() || expected.keys.contains(&start.kid);
            if start.statement != StatementKind::Start || !trusted {
                let why = format!("{}: not signed by a trusted key", super::statement::START_FILE);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        let report = Report { start: start.as_ref().map(|start| start.seq), ..Report::empty() };
        Ok(Self { expected, start, links: VecDeque::new(), report })
    }

    /// Follows a chain from the record after this one, which is known to be its predecessor.
    pub(super) fn after(before: &LastRecord, expected: &'e VerifyOptions) -> Self {
        let mut report = Report { chain: before.chain.clone(), ..Report::empty() };
        report.last = (before.seq > 0).then_some(before.seq);
        let links = VecDeque::from([(before.seq, before.chain.clone())]);
        Self { expected, start: None, links, report }
    }

    fn read_all(&mut self, path: &Path) -> io::Result<ControlFlow<()>> {
        let mut file = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            file.read_until(b'\n', &mut line)?;
            let Some(text) = line.strip_suffix(b"\n") else { break };
            if self.line(path, number, text).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Verifies the first line of a file, and trusts its last line.
    fn read_first_and_last(&mut self, path: &Path) -> io::Result<ControlFlow<()>> {
        let mut first = Vec::new();
        BufReader::new(File::open(path)?).read_until(b'\n', &mut first)?;
        let Some(text) = first.strip_suffix(b"\n") else { return Ok(ControlFlow::Continue(())) };
        if self.line(path, 1, text).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let last = tail(&mut File::open(path)?)?.1.and_then(|line| LastRecord::of(&line));
        if let Some(last) = last.filter(|last| Some(last.seq) > self.report.last) {
            self.report.last = Some(last.seq);
            self.report.chain.clone_from(&last.chain);
            self.links.push_back((last.seq, last.chain));
        }
        Ok(ControlFlow::Continue(()))
    }

    pub(super) fn line(&mut self, path: &Path, number: u64, text: &[u8]) -> ControlFlow<()> {
        let next = self.report.last.map(|last| last.saturating_add(1));
        let checked = match Line::parse(text) {
            Some(line) => self.follow(&line, text),
            None => Err((
                next.or(self.expected.from).unwrap_or(1),
                "the line is not a record with a sequence number and a link".to_owned(),
            )),
        };
        match checked {
            Ok(true) => ControlFlow::Continue(()),
            // Later records are not to be verified.
            Ok(false) => ControlFlow::Break(()),
            Err((seq, why)) => {
                self.report.broken = Some(Break { file: path.to_owned(), line: number, seq: Some(seq), why });
                ControlFlow::Break(())
            }
        }
    }

    /// Verifies a record. Returns `false` if it is after the last record to verify.
    fn follow(&mut self, line: &Line<'_>, text: &[u8]) -> Result<bool, Violation> {
        if self.expected.to.is_some_and(|to| line.seq > to) {
            return Ok(false);
        }
        let before = self.report.last;
        if let Some(last) = before
            && last.checked_add(1) != Some(line.seq)
        {
            let missing = last.saturating_add(1);
            return Err((missing, format!("record {missing} is missing: record {} comes next", line.seq)));
        }
        if before.is_none() {
            self.report.begins = Some(LastRecord { seq: line.seq, chain: line.link.to_owned() });
            self.begin(line.seq)?;
        }
        let in_range = self.expected.from.is_none_or(|from| line.seq >= from);
        let known = before.is_some() || line.seq == 1 || !self.report.chain.is_empty();
        if in_range && known && link_of(&self.report.chain, line.covered) != line.link {
            return Err((line.seq, "the link does not match the record and its predecessor".to_owned()));
        }
        self.report.last = Some(line.seq);
        self.report.chain.clear();
        self.report.chain.push_str(line.link);
        if self.links.len() == RECENT_LINKS {
            self.links.pop_front();
        }
        self.links.push_back((line.seq, line.link.to_owned()));
        for (index, sought) in self.expected.sought.iter().enumerate() {
            if sought.seq == line.seq && sought.chain == line.link {
                self.report.found.insert(index);
            }
        }
        if !in_range {
            return Ok(true);
        }
        self.report.records += 1;
        self.report.first.get_or_insert(line.seq);
        let heads = self.expected.heads.iter().chain(&self.start);
        if let Some(head) = heads.into_iter().find(|head| head.seq == line.seq && head.chain != line.link) {
            let why = format!("the link is not the one that was signed at {}", head.time);
            return Err((line.seq, why));
        }
        let statement = SignedStatement::of_record(text).map_err(|why| (line.seq, why.to_owned()))?;
        if let Some((signed, instance)) = statement {
            self.signature(line.seq, &signed)?;
            self.report.instance = instance.or(self.report.instance.take());
        }
        Ok(true)
    }

    /// Checks that the log may begin with this record.
    fn begin(&mut self, seq: u64) -> Result<(), Violation> {
        match &self.start {
            Some(start) if start.seq.checked_add(1) == Some(seq) => {
                self.report.chain.clone_from(&start.chain);
                Ok(())
            }
            // Expired files have not been deleted yet.
            Some(start) if seq <= start.seq => Ok(()),
            _ if seq == 1
                || self.expected.any_start
                || self.expected.from.is_some_and(|from| from >= seq) =>
            {
                Ok(())
            }
            start => {
                let first = start.as_ref().map_or(1, |start| start.seq.saturating_add(1));
                Err((first, format!("record {first} is missing: the files begin with record {seq}")))
            }
        }
    }

    fn signature(&mut self, at: u64, signed: &SignedStatement) -> Result<(), Violation> {
        if !signed.is_valid() {
            return Err((at, "the signature in the record is invalid".to_owned()));
        }
        if !self.expected.keys.is_empty() && !self.expected.keys.contains(&signed.kid) {
            return Err((at, format!("the record is signed with key {}, which is not trusted", signed.kid)));
        }
        if signed.seq >= at {
            return Err((at, "the record signs a later record".to_owned()));
        }
        // The record of a start statement is in a deleted file, so its link may be unknown.
        let link = self.links.iter().rev().find(|(seq, _)| *seq == signed.seq);
        if let Some((seq, link)) = link
            && *link != signed.chain
        {
            let why = format!("the chain up to here is not the one that record {at} signs");
            return Err((*seq, why));
        }
        self.report.signatures += 1;
        if signed.statement == StatementKind::Head && link.is_some() {
            self.report.signed = Some(signed.seq);
        }
        if !self.report.keys.contains(&signed.kid) {
            self.report.keys.push(signed.kid.clone());
        }
        Ok(())
    }

    /// Checks that no records are missing at the end.
    fn at_end(&self) -> Result<(), Violation> {
        let last = self.report.last.unwrap_or(0);
        let wanted = match self.expected.to {
            Some(to) => Some((to, "was requested".to_owned())),
            None => {
                let heads = self.expected.heads.iter().chain(&self.start);
                let newest = heads.max_by_key(|head| head.seq);
                newest.map(|head| (head.seq, format!("was signed at {}", head.time)))
            }
        };
        match wanted {
            Some((seq, why)) if seq > last => {
                let missing = last.saturating_add(1);
                Err((
                    missing,
                    format!(
                        "record {missing} is missing: the files end with record {last}, but record {seq} {why}"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The link of a record: `before` is that of its predecessor, empty for the first, `covered` the line up to the link.
pub(super) fn link_of(before: &str, covered: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(before).chain_update(covered).finalize())
}

impl<'a> Line<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let at = line.len().checked_sub(LINK.len() + REST)?;
        let (covered, link) = line.split_at(at);
        let link = link.strip_prefix(LINK)?.strip_suffix(b"\"}")?;
        Some(Self { covered, seq: number(covered)?, link: std::str::from_utf8(link).ok()? })
    }
}

/// Parses the sequence number at the end of `…,"seq":12`.
fn number(covered: &[u8]) -> Option<u64> {
    let digits = covered.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, digits) = covered.split_at(covered.len() - digits);
    if !before.ends_with(b",\"seq\":") {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, why, .. } = self;
        match line {
            0 => write!(f, "{}: {why}", file.display()),
            _ => write!(f, "{}, line {line}: {why}", file.display()),
        }
    }
}
