//! Reads and writes blocks of PEM (RFC 7468). Accepts lines of any length, and text between the blocks; wipes what it copies,
//! since a block may be a private key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{Error, Result};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// A block.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    pub(crate) contents: Zeroizing<Vec<u8>>,
}

/// Whether the text has a block.
pub(crate) fn has_block(text: &str) -> bool {
    text.contains(BEGIN)
}

/// Returns the blocks in their order, at most `limit`.
///
/// # Errors
/// [`Error::UnreadablePem`] if a block has no end or is not base64, [`Error::TooManyCertificates`] if there are more.
pub(crate) fn blocks(text: &str, limit: usize) -> Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) = after.split_once(DASHES).ok_or(Error::UnreadablePem)?;
        let (body, after) =
            after.split_once(&format!("-----END {label}-----")).ok_or(Error::UnreadablePem)?;
        if blocks.len() == limit {
            return Err(Error::TooManyCertificates);
        }
        blocks.push(Block { label, contents: decode(body)? });
        rest = after;
    }
    Ok(blocks)
}

/// Decodes base64 without headers; spaces and line ends are ignored.
fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut contents = Zeroizing::new(vec![0; base64.len()]);
    let len = STANDARD.decode_slice(&*base64, &mut contents).map_err(|_| Error::UnreadablePem)?;
    contents.truncate(len);
    Ok(contents)
}

/// Appends a block with lines of 64 characters.
pub(crate) fn write(text: &mut Zeroizing<String>, label: &str, contents: &[u8]) {
    const LINE: usize = 48;
    let length = contents.len().div_ceil(LINE) * 65 + 2 * label.len() + 64;
    reserve(text, length);
    text.push_str(BEGIN);
    text.push_str(label);
    text.push_str("-----\n");
    for line in contents.chunks(LINE) {
        let encoded = Zeroizing::new(STANDARD.encode(line));
        text.push_str(&encoded);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
}

/// Makes room without leaving a copy that is not wiped.
fn reserve(text: &mut Zeroizing<String>, additional: usize) {
    if text.capacity() - text.len() < additional {
        let mut larger = Zeroizing::new(String::with_capacity(text.len() + additional));
        larger.push_str(text);
        *text = larger;
    }
}
