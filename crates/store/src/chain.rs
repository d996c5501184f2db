//! The hash chain of audit records, which makes alteration, removal and reordering detectable.
//!
//! A line is the record with two more members at its end: `"seq"`, which counts from 1 without gaps,
//! and `"chain"`. To verify a line: `chain` is the base64url encoding, without padding, of the SHA-256
//! of the `chain` of the line before it (nothing for the first), followed by the line itself up to,
//! and not including, `,"chain":`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The maximum number of bytes added to a record: sequence number, link and their member names.
const ADDED: usize = 88;

/// The end of the chain, after which the next record is added.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct ChainHead {
    /// The last record's sequence number; 0 if there is none.
    pub(super) seq: u64,
    /// The last record's link; empty if there is none.
    pub(super) chain: String,
}

impl ChainHead {
    /// Appends a record, a JSON object with at least one member, and returns its line without a line
    /// break.
    pub(super) fn link(&mut self, body: &str) -> String {
        self.seq += 1;
        let mut line = String::with_capacity(body.len() + ADDED);
        line.push_str(body.strip_suffix('}').unwrap_or(body));
        // Writing to a String cannot fail.
        let _ = write!(line, ",\"seq\":{}", self.seq);
        let mut hash = Sha256::new();
        hash.update(self.chain.as_bytes());
        hash.update(line.as_bytes());
        self.chain.clear();
        URL_SAFE_NO_PAD.encode_string(hash.finalize(), &mut self.chain);
        line.push_str(",\"chain\":\"");
        line.push_str(&self.chain);
        line.push_str("\"}");
        line
    }
}

/// Returns the link of a line.
pub(super) fn link_of(line: &str) -> Option<&str> {
    line.rsplit_once(",\"chain\":\"")?.1.strip_suffix("\"}")
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
        let mut head = ChainHead::default();
        let first = head.link(r#"{"a":1}"#);
        let chain = URL_SAFE_NO_PAD.encode(Sha256::digest(r#"{"a":1,"seq":1"#));
        assert_eq!(first, format!(r#"{{"a":1,"seq":1,"chain":"{chain}"}}"#));
        let second = head.link(r#"{"a":1}"#);
        let chain = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{chain}{{"a":1,"seq":2"#)));
        assert_eq!(second, format!(r#"{{"a":1,"seq":2,"chain":"{chain}"}}"#));
        assert_eq!(head, ChainHead { seq: 2, chain });
    }

    #[test]
    fn accepts_only_one_json_object_on_one_line() {
        assert!(is_record(r#"{"a":1}"#));
        for bad in ["", "{}", "[1]", "{\"a\":\n1}", "{\"a\":1", "\"a\":1}"] {
            assert!(!is_record(bad), "{bad}");
        }
    }
}
