//! JSON, with a limit on the size of documents.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::MAX_DOCUMENT_BYTES;
use crate::error::{Document, Error};

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
