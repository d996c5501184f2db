//! Base64 and JSON, with a limit on the size of documents.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::MAX_DOCUMENT_BYTES;
use crate::error::{Document, Error};

/// Encodes base64url without padding (RFC 7515, section 2).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
pub(crate) fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes base64 with padding, as in `x5c` (RFC 7517, section 4.7).
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes base64 with padding.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Parses a document. The error names a position and quotes nothing.
pub(crate) fn parse<T: DeserializeOwned>(document: Document, text: &str) -> Result<T, Error> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(Error::TooLarge(document));
    }
    serde_json::from_str(text).map_err(|error| Error::Json {
        document,
        line: error.line(),
        column: error.column(),
    })
}

/// Writes a document on one line.
pub(crate) fn print(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::Library)
}
