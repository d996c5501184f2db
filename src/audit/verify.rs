//! Checks that an audit log is as it was written.
//!
//! Each line ends with `"seq":N,"chain":"…"}`. `chain` is the base64url form, without padding, of the
//! SHA-256 of the `chain` of the line before (nothing for record 1) followed by the line up to
//! `,"chain":`. So a record that is altered, removed, added or moved breaks the chain there. The end
//! of the log can be cut off unseen: keep the last `seq` and `chain` elsewhere to notice that.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::sink;

/// What was found in a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// How many records were read, up to the break if there is one.
    pub records: u64,
    /// The number of the first one. If it is not 1, older files were taken away and its own link
    /// could not be checked.
    pub first: Option<u64>,
    /// The number of the last one.
    pub last: Option<u64>,
    /// The link of the last one.
    pub chain: String,
    /// Where the chain breaks.
    pub broken: Option<Break>,
}

/// Where a log is not as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Break {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Reads all files of the log in `dir` and follows the chain. A line without its end is one that is
/// being written, and is left out.
///
/// # Errors
/// Those of the file system.
pub fn verify(dir: &Path) -> io::Result<Report> {
    let mut report = Report { records: 0, first: None, last: None, chain: String::new(), broken: None };
    for path in sink::files(dir)? {
        let mut file = BufReader::new(File::open(&path)?);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            file.read_until(b'\n', &mut line)?;
            let Some(text) = line.strip_suffix(b"\n") else { break };
            if let Err(why) = report.follow(text) {
                report.broken = Some(Break { file: path, line: number, why });
                return Ok(report);
            }
        }
    }
    Ok(report)
}

/// `,"chain":"` and what follows it: 43 characters, a quotation mark and a brace.
const LINK: &[u8] = b",\"chain\":\"";
const REST: usize = 43 + 2;

impl Report {
    fn follow(&mut self, line: &[u8]) -> Result<(), &'static str> {
        const NOT_A_RECORD: &str = "the line is not a record with a number and a link";
        let at = line.len().checked_sub(LINK.len() + REST).ok_or(NOT_A_RECORD)?;
        let (covered, link) = line.split_at(at);
        let link = link.strip_prefix(LINK).and_then(|link| link.strip_suffix(b"\"}")).ok_or(NOT_A_RECORD)?;
        let seq = number(covered).ok_or(NOT_A_RECORD)?;
        if self.last.is_some_and(|last| last.checked_add(1) != Some(seq)) {
            return Err("the number does not follow the one before");
        }
        if self.last.is_some() || seq == 1 {
            let hash = Sha256::new().chain_update(&self.chain).chain_update(covered).finalize();
            if URL_SAFE_NO_PAD.encode(hash).as_bytes() != link {
                return Err("the link does not fit the record and the one before");
            }
        }
        self.records += 1;
        self.first.get_or_insert(seq);
        self.last = Some(seq);
        self.chain = String::from_utf8_lossy(link).into_owned();
        Ok(())
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
