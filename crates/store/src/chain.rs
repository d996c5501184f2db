//! The hash chain of audit records, which makes alteration, removal and reordering detectable.
//!
//! A line is the record with more members at its end: `"ledger"` (see `record_member`), `"seq"`, which counts from 1 without
//! gaps, and `"chain"`. To verify a line: `chain` is the base64url encoding, without padding, of the SHA-256 of the `chain` of
//! the line before it (nothing for the first), followed by the line itself up to, and not including, `,"chain":`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The end of the chain, after which the next record is added.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct ChainHead {
    /// The last record's sequence number; 0 if there is none.
    pub(super) seq: u64,
    /// The last record's link; empty if there is none.
    pub(super) chain: String,
}

impl ChainHead {
    /// Appends a record, a JSON object with at least one member, to `lines`. `member` writes the members that precede the
    /// sequence number, each with a comma before it.
    pub(super) fn append(&mut self, lines: &mut String, body: &str, member: impl FnOnce(&mut String)) {
        self.seq += 1;
        let start = lines.len();
        lines.push_str(body.strip_suffix('}').unwrap_or(body));
        member(lines);
        // Writing to a String cannot fail.
        let _ = write!(lines, ",\"seq\":{}", self.seq);
        let line = lines.get(start..).unwrap_or_default();
        let hash = Sha256::new().chain_update(&self.chain).chain_update(line).finalize();
        self.chain.clear();
        URL_SAFE_NO_PAD.encode_string(hash, &mut self.chain);
        lines.push_str(",\"chain\":\"");
        lines.push_str(&self.chain);
        lines.push_str("\"}\n");
    }

    /// Advances the head to a line, without line break, if it is the next record of the chain. Returns whether it is.
    pub(super) fn advance(&mut self, line: &str) -> bool {
        let next = self.seq + 1;
        if seq_of(line) != Some(next) || !follows(&self.chain, line) {
            return false;
        }
        self.seq = next;
        self.chain.clear();
        self.chain.push_str(link_of(line).unwrap_or_default());
        true
    }
}

/// Returns the link of a line.
pub(super) fn link_of(line: &str) -> Option<&str> {
    line.rsplit_once(",\"chain\":\"")?.1.strip_suffix("\"}")
}

/// Returns the sequence number of a line.
fn seq_of(line: &str) -> Option<u64> {
    line.rsplit_once(",\"chain\":\"")?.0.rsplit_once(",\"seq\":")?.1.parse().ok()
}

/// Whether `line` is the successor of a line with this link.
pub(super) fn follows(link: &str, line: &str) -> bool {
    let Some((covered, found)) = line.rsplit_once(",\"chain\":\"") else { return false };
    let hash = Sha256::new().chain_update(link).chain_update(covered).finalize();
    found.strip_suffix("\"}") == Some(&URL_SAFE_NO_PAD.encode(hash))
}

/// Whether a record can be chained: one non-empty JSON object on one line.
pub(super) fn is_record(body: &str) -> bool {
    body.len() > 2 && body.starts_with('{') && body.ends_with('}') && !body.contains('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_hashes_previous_link_and_line() {
        let (mut head, mut lines) = (ChainHead::default(), String::new());
        head.append(&mut lines, r#"{"a":1}"#, |line| line.push_str(r#","b":2"#));
        let chain = URL_SAFE_NO_PAD.encode(Sha256::digest(r#"{"a":1,"b":2,"seq":1"#));
        let first = format!("{{\"a\":1,\"b\":2,\"seq\":1,\"chain\":\"{chain}\"}}\n");
        assert_eq!(lines, first);
        head.append(&mut lines, r#"{"a":1}"#, |_| {});
        let chain = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{chain}{{"a":1,"seq":2"#)));
        assert_eq!(lines, format!("{first}{{\"a\":1,\"seq\":2,\"chain\":\"{chain}\"}}\n"));
        assert_eq!(head, ChainHead { seq: 2, chain });

        let mut read = ChainHead::default();
        let lines: Vec<&str> = lines.lines().collect();
        assert!(!read.advance(lines[1]) && read.advance(lines[0]) && !read.advance(lines[0]));
        assert!(!read.advance(&lines[1].replace("\"a\":1", "\"a\":2")));
        assert!(read.advance(lines[1]));
        assert_eq!(read, head);
    }

    #[test]
    fn accepts_only_one_json_object_on_one_line() {
        assert!(is_record(r#"{"a":1}"#));
        for bad in ["", "{}", "[1]", "{\"a\":\n1}", "{\"a\":1", "\"a\":1}"] {
            assert!(!is_record(bad), "{bad}");
        }
    }
}
