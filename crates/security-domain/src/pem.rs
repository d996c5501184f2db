//! Reads and writes one block of PEM (RFC 7468). Accepts lines of any length, since `az keyvault security-domain init-recovery`
//! writes lines of 65 characters; wipes what it copies, since the block may be a private key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Returns the contents of the first block with this label. `None` if there is none, or it is not base64.
pub(crate) fn block(text: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut contents = Zeroizing::new(vec![0; base64.len()]);
    let len = STANDARD.decode_slice(&*base64, &mut contents).ok()?;
    contents.truncate(len);
    Some(contents)
}

/// Writes a block with lines of 64 characters.
pub(crate) fn encode(label: &str, contents: &[u8]) -> String {
    const LINE: usize = 64;
    let base64 = STANDARD.encode(contents);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(LINE.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = next;
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for length in [0, 1, 47, 48, 49, 200] {
            let contents = vec![7; length];
            let text = encode("X", &contents);
            assert!(text.lines().all(|line| line.len() <= 64));
            assert_eq!(block(&text, "X").unwrap()[..], contents);
        }
    }

    #[test]
    fn reads_lines_of_any_length() {
        let text = "Bag attributes\n-----BEGIN X-----\r\nAQ\nIDBAU\nG\n-----END X-----";
        assert_eq!(block(text, "X").unwrap()[..], [1, 2, 3, 4, 5, 6]);
        for (text, label) in [(text, "Y"), ("-----BEGIN X-----\nA:\n-----END X-----", "X"), ("", "X")] {
            assert!(block(text, label).is_none());
        }
    }
}
