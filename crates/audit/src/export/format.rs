//! The lines of an export: a header for each chain, then the records of all chains.
//!
//! The text of a record is that of its file, byte for byte, since its link depends on it.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::sink::LastRecord;
use crate::statement::SignedStatement;

/// The first lines of an export have the chains that it contains.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedChain {
    /// The name of the instance, or the link of the first record of a chain that has no name.
    pub instance: String,
    /// The record before the first exported one; 0 and empty at the beginning of the chain.
    pub after: ExportedPosition,
    /// The last exported record.
    pub last: ExportedPosition,
    /// The last signed head of the chain, if its record is exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<SignedStatement>,
}

/// A record of a chain.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedPosition {
    /// The sequence number.
    pub seq: u64,
    /// The link.
    pub chain: String,
}

impl From<LastRecord> for ExportedPosition {
    fn from(LastRecord { seq, chain }: LastRecord) -> Self {
        Self { seq, chain }
    }
}

impl From<ExportedPosition> for LastRecord {
    fn from(ExportedPosition { seq, chain }: ExportedPosition) -> Self {
        Self { seq, chain }
    }
}

/// A line with a record.
pub(super) struct RecordLine<'a> {
    pub(super) instance: &'a str,
    pub(super) position: u64,
    pub(super) record: &'a [u8],
}

const INSTANCE: &[u8] = b"{\"instance\":\"";
const POSITION: &[u8] = b"\",\"position\":";
const RECORD: &[u8] = b",\"record\":";

/// Whether a name needs no escapes in JSON: those of instances, and links, which name chains that have no instance.
pub(super) fn is_name(name: &str) -> bool {
    let is_allowed = |character: u8| character.is_ascii_alphanumeric() || matches!(character, b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_allowed)
}

impl RecordLine<'_> {
    /// Writes the line.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(INSTANCE)?;
        out.write_all(self.instance.as_bytes())?;
        out.write_all(POSITION)?;
        write!(out, "{}", self.position)?;
        out.write_all(RECORD)?;
        out.write_all(self.record)?;
        out.write_all(b"}\n")
    }
}

impl<'a> RecordLine<'a> {
    /// Parses a line without its line feed; `None` if it is not one that [`write`](Self::write) writes.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(INSTANCE)?;
        let (instance, rest) = rest.split_at(rest.iter().position(|byte| *byte == b'"')?);
        let rest = rest.strip_prefix(POSITION)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (position, rest) = rest.split_at(digits);
        let record = rest.strip_prefix(RECORD)?.strip_suffix(b"}")?;
        let instance = std::str::from_utf8(instance).ok().filter(|name| is_name(name))?;
        Some(Self { instance, position: std::str::from_utf8(position).ok()?.parse().ok()?, record })
    }
}
