//! Checks that an audit log is as it was written.
//!
//! Each line ends with `"seq":N,"chain":"…"}`. `chain` is the base64url form, without padding, of the
//! SHA-256 of the `chain` of the line before (nothing for record 1) followed by the line up to
//! `,"chain":`. So a record that is altered, removed, added or moved breaks the chain there, unless all links that
//! follow are computed anew: that is found by the signatures in the log, which name records and their links, and by
//! signed heads that were kept elsewhere.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::files;
use super::sink::{Last, tail};
use super::statement::{Says, Signed};

/// How many links are remembered, to be compared with signatures, which come some records later.
const REMEMBERED: usize = 1 << 18;

/// What is asked of a log.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The first record that is checked; from the first one that is kept unless given.
    pub from: Option<u64>,
    /// The last record that is checked; to the end unless given.
    pub to: Option<u64>,
    /// Heads that the log must hold.
    pub heads: Vec<Signed>,
    /// The keys that may sign, by their thumbprints; any if there are none.
    pub keys: Vec<String>,
    /// Of all files but the newest, read the first line and the last one only.
    pub quick: bool,
    /// Let the log begin with any record: where it was written before beginnings were signed.
    pub any_start: bool,
}

/// What was found in a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// How many records were checked, up to the break if there is one.
    pub records: u64,
    /// The number of the first one.
    pub first: Option<u64>,
    /// The number of the last one that was read.
    pub last: Option<u64>,
    /// The link of the last one.
    pub chain: String,
    /// The first record of the files, and its link.
    pub begins: Option<Last>,
    /// How many signatures were checked.
    pub signatures: u64,
    /// The last record that a signature in the log covers.
    pub signed: Option<u64>,
    /// The thumbprints of the keys that signed, in the order in which they appear.
    pub keys: Vec<String>,
    /// The record after which the kept files begin, if older ones were deleted as configured.
    pub start: Option<u64>,
    /// The first thing that is wrong.
    pub broken: Option<Break>,
}

/// Where a log is not as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Break {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 where the file as a whole is meant.
    pub line: u64,
    /// The number of the first record that is wrong or missing, if it is known.
    pub seq: Option<u64>,
    /// What is wrong with it.
    pub why: String,
}

/// Reads all files of the log in `dir` and follows the chain. A line without its end is one that is
/// being written, and is left out.
///
/// # Errors
/// Those of the file system.
pub fn verify(dir: &Path) -> io::Result<Report> {
    verify_with(dir, &Expected::default())
}

/// Reads the files of the log in `dir`, and checks the chain, its signatures, its beginning, and whether it holds the
/// expected heads.
///
/// # Errors
/// Those of the file system.
pub fn verify_with(dir: &Path, expected: &Expected) -> io::Result<Report> {
    let mut reader = match Reader::new(dir, expected) {
        Ok(reader) => reader,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let found = Break { file: dir.to_owned(), line: 0, seq: None, why: error.to_string() };
            return Ok(Report { broken: Some(found), ..Report::empty() });
        }
        Err(error) => return Err(error),
    };
    let files = files::of(dir)?;
    for (number, (_, path)) in files.iter().enumerate() {
        let whole = !expected.quick || number + 1 == files.len();
        let read = if whole { reader.whole(path)? } else { reader.ends(path)? };
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

/// `,"chain":"` and what follows it: 43 characters, a quotation mark and a brace.
const LINK: &[u8] = b",\"chain\":\"";
const REST: usize = 43 + 2;

/// A line, taken apart.
struct Line<'a> {
    covered: &'a [u8],
    seq: u64,
    link: &'a str,
}

struct Reader<'e> {
    expected: &'e Expected,
    start: Option<Signed>,
    links: VecDeque<(u64, String)>,
    report: Report,
}

type Wrong = (u64, String);

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
            broken: None,
        }
    }
}

impl<'e> Reader<'e> {
    fn new(dir: &Path, expected: &'e Expected) -> io::Result<Self> {
        let start = Signed::start_in(dir)?;
        if let Some(start) = &start {
            let trusted = expected.keys.is_empty() || expected.keys.contains(&start.kid);
            if start.statement != Says::Start || !trusted {
                let why = format!("{}: not signed by a key that is trusted", super::statement::START_FILE);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        let report = Report { start: start.as_ref().map(|start| start.seq), ..Report::empty() };
        Ok(Self { expected, start, links: VecDeque::new(), report })
    }

    fn whole(&mut self, path: &Path) -> io::Result<ControlFlow<()>> {
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

    /// Reads the first line of a file as usual, and takes what its last one says for true.
    fn ends(&mut self, path: &Path) -> io::Result<ControlFlow<()>> {
        let mut first = Vec::new();
        BufReader::new(File::open(path)?).read_until(b'\n', &mut first)?;
        let Some(text) = first.strip_suffix(b"\n") else { return Ok(ControlFlow::Continue(())) };
        if self.line(path, 1, text).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let last = tail(&mut File::open(path)?)?.1.and_then(|line| Last::of(&line));
        if let Some(last) = last.filter(|last| Some(last.seq) > self.report.last) {
            self.report.last = Some(last.seq);
            self.report.chain.clone_from(&last.chain);
            self.links.push_back((last.seq, last.chain));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn line(&mut self, path: &Path, number: u64, text: &[u8]) -> ControlFlow<()> {
        let next = self.report.last.map(|last| last.saturating_add(1));
        let checked = match Line::parse(text) {
            Some(line) => self.follow(&line, text),
            None => Err((
                next.or(self.expected.from).unwrap_or(1),
                "the line is not a record with a number and a link".to_owned(),
            )),
        };
        match checked {
            Ok(true) => ControlFlow::Continue(()),
            // What comes after is not asked for.
            Ok(false) => ControlFlow::Break(()),
            Err((seq, why)) => {
                self.report.broken = Some(Break { file: path.to_owned(), line: number, seq: Some(seq), why });
                ControlFlow::Break(())
            }
        }
    }

    /// Checks a record; false where it is behind the last that is asked for.
    fn follow(&mut self, line: &Line<'_>, text: &[u8]) -> Result<bool, Wrong> {
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
            self.report.begins = Some(Last { seq: line.seq, chain: line.link.to_owned() });
            self.begin(line.seq)?;
        }
        let asked = self.expected.from.is_none_or(|from| line.seq >= from);
        let known = before.is_some() || line.seq == 1 || !self.report.chain.is_empty();
        if asked && known {
            let hash = Sha256::new().chain_update(&self.report.chain).chain_update(line.covered).finalize();
            if URL_SAFE_NO_PAD.encode(hash) != line.link {
                return Err((line.seq, "the link does not fit the record and the one before".to_owned()));
            }
        }
        self.report.last = Some(line.seq);
        self.report.chain.clear();
        self.report.chain.push_str(line.link);
        if self.links.len() == REMEMBERED {
            self.links.pop_front();
        }
        self.links.push_back((line.seq, line.link.to_owned()));
        if !asked {
            return Ok(true);
        }
        self.report.records += 1;
        self.report.first.get_or_insert(line.seq);
        let heads = self.expected.heads.iter().chain(&self.start);
        if let Some(head) = heads.into_iter().find(|head| head.seq == line.seq && head.chain != line.link) {
            let why = format!("the link is not the one that was signed at {}", head.time);
            return Err((line.seq, why));
        }
        if let Some(signed) = Signed::of_record(text).map_err(|why| (line.seq, why.to_owned()))? {
            self.signature(line.seq, &signed)?;
        }
        Ok(true)
    }

    /// Decides whether the log may begin with this record.
    fn begin(&mut self, seq: u64) -> Result<(), Wrong> {
        match &self.start {
            Some(start) if start.seq.checked_add(1) == Some(seq) => {
                self.report.chain.clone_from(&start.chain);
                Ok(())
            }
            // Files that were to be deleted are still there.
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

    fn signature(&mut self, at: u64, signed: &Signed) -> Result<(), Wrong> {
        if !signed.is_valid() {
            return Err((at, "the signature in the record is wrong".to_owned()));
        }
        if !self.expected.keys.is_empty() && !self.expected.keys.contains(&signed.kid) {
            return Err((at, format!("the record is signed with key {}, which is not trusted", signed.kid)));
        }
        if signed.seq >= at {
            return Err((at, "the record signs what comes after it".to_owned()));
        }
        // Files that were deleted held what a statement about the beginning names.
        let link = self.links.iter().rev().find(|(seq, _)| *seq == signed.seq);
        if let Some((seq, link)) = link
            && *link != signed.chain
        {
            let why = format!("the chain up to here is not the one that record {at} signs");
            return Err((*seq, why));
        }
        self.report.signatures += 1;
        if signed.statement == Says::Head && link.is_some() {
            self.report.signed = Some(signed.seq);
        }
        if !self.report.keys.contains(&signed.kid) {
            self.report.keys.push(signed.kid.clone());
        }
        Ok(())
    }

    /// Whether records are missing at the end.
    fn at_end(&self) -> Result<(), Wrong> {
        let last = self.report.last.unwrap_or(0);
        let wanted = match self.expected.to {
            Some(to) => Some((to, "was asked for".to_owned())),
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

impl<'a> Line<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let at = line.len().checked_sub(LINK.len() + REST)?;
        let (covered, link) = line.split_at(at);
        let link = link.strip_prefix(LINK)?.strip_suffix(b"\"}")?;
        Some(Self { covered, seq: number(covered)?, link: std::str::from_utf8(link).ok()? })
    }
}

/// The digits at the end of `…,"seq":12`.
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
