//! The lines of the input: values as base64url, separated by spaces, or a JSON object.

use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::{self, MAX_INPUT_BYTES, SecretBytes, Source};

/// A value of a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    /// A digest to sign or verify.
    Digest,
    /// A signature.
    Signature,
    /// A plaintext.
    Plaintext,
    /// A ciphertext.
    Ciphertext,
    /// An initialization vector.
    Iv,
    /// An authentication tag.
    AuthenticationTag,
    /// Additional authenticated data.
    AdditionalAuthenticatedData,
    /// A key to wrap.
    Key,
    /// A wrapped key.
    WrappedKey,
}

/// The values of a line. Absent ones are empty, and the server says which it needs.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    /// The name of the key version, in the output of another command.
    pub(super) name: Option<String>,
    pub(super) algorithm: Option<String>,
    digest: Option<SecretBytes>,
    signature: Option<SecretBytes>,
    plaintext: Option<SecretBytes>,
    ciphertext: Option<SecretBytes>,
    iv: Option<SecretBytes>,
    authentication_tag: Option<SecretBytes>,
    additional_authenticated_data: Option<SecretBytes>,
    key: Option<SecretBytes>,
    wrapped_key: Option<SecretBytes>,
}

impl Line {
    /// Parses a line. Values without names are those of `columns`, in this order.
    fn parse(text: &str, columns: &[Column]) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|error| error.to_string());
        }
        let mut line = Self::default();
        let mut columns = columns.iter();
        for word in text.split_ascii_whitespace() {
            let column = columns.next().ok_or("it has too many values")?;
            *line.value(*column) = Some(input::decode(word)?);
        }
        Ok(line)
    }

    const fn value(&mut self, column: Column) -> &mut Option<SecretBytes> {
        match column {
            Column::Digest => &mut self.digest,
            Column::Signature => &mut self.signature,
            Column::Plaintext => &mut self.plaintext,
            Column::Ciphertext => &mut self.ciphertext,
            Column::Iv => &mut self.iv,
            Column::AuthenticationTag => &mut self.authentication_tag,
            Column::AdditionalAuthenticatedData => &mut self.additional_authenticated_data,
            Column::Key => &mut self.key,
            Column::WrappedKey => &mut self.wrapped_key,
        }
    }

    /// Returns a copy of a value for a request message; empty if it is absent.
    pub(super) fn bytes(&mut self, column: Column) -> Vec<u8> {
        self.value(column).as_ref().map(SecretBytes::to_vec).unwrap_or_default()
    }

    /// Returns the size of the values, in bytes.
    pub(super) fn len(&self) -> usize {
        let values = [
            &self.digest,
            &self.signature,
            &self.plaintext,
            &self.ciphertext,
            &self.iv,
            &self.authentication_tag,
            &self.additional_authenticated_data,
            &self.key,
            &self.wrapped_key,
        ];
        values.into_iter().flatten().map(|value| value.0.len()).sum()
    }
}

/// The lines of a file or of standard input.
pub(super) struct Lines {
    source: Source,
    reader: BufReader<Box<dyn Read>>,
    columns: &'static [Column],
    number: usize,
    peeked: Option<Line>,
}

impl Lines {
    /// Opens the source.
    pub(super) fn open(source: &Source, columns: &'static [Column]) -> Outcome<Self> {
        let reader = BufReader::new(source.open()?);
        Ok(Self { source: source.clone(), reader, columns, number: 0, peeked: None })
    }

    /// Reads the next line. Errors if it is malformed or longer than [`MAX_INPUT_BYTES`].
    pub(super) fn next(&mut self) -> Outcome<Option<Line>> {
        if let Some(line) = self.peeked.take() {
            return Ok(Some(line));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        let mut limited = (&mut self.reader).take(MAX_INPUT_BYTES + 1);
        let read = limited.read_until(b'\n', &mut bytes);
        if read.map_err(|error| Failure::file(&self.source, &error))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let malformed = |why: &str| Failure::problem(format!("{}, line {}: {why}", self.source, self.number));
        if bytes.len() as u64 > MAX_INPUT_BYTES {
            return Err(malformed(&format!("longer than {MAX_INPUT_BYTES} bytes")));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed("not text"))?;
        Line::parse(text, self.columns).map(Some).map_err(|why| malformed(&why))
    }

    /// Reads the next line if it satisfies a predicate.
    pub(super) fn next_if(&mut self, accepts: impl FnOnce(&Line) -> bool) -> Outcome<Option<Line>> {
        let line = self.next()?;
        match line {
            Some(line) if !accepts(&line) => {
                self.peeked = Some(line);
                Ok(None)
            }
            line => Ok(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const COLUMNS: &[Column] = &[Column::Digest, Column::Signature];

    #[test]
    fn lines_are_values_or_objects() {
        let parse = |text| {
            Line::parse(text, COLUMNS).map(|mut line| {
                (line.bytes(Column::Digest), line.bytes(Column::Signature), line.algorithm.take(), line.len())
            })
        };
        assert_eq!(parse("AQID -_v7\n"), Ok((vec![1, 2, 3], vec![0xfb, 0xfb, 0xfb], None, 6)));
        assert_eq!(parse("AQID"), Ok((vec![1, 2, 3], vec![], None, 3)));
        assert_eq!(parse("\r\n"), Ok((vec![], vec![], None, 0)));
        let object = r#"{"name": "hsms/l/keys/k", "algorithm": "ES256", "digest": "AQID", "other": 1}"#;
        assert_eq!(parse(object), Ok((vec![1, 2, 3], vec![], Some("ES256".to_owned()), 3)));
        for malformed in ["AQID AQID AQID", "a.b", "{", "{\"digest\": 1}", "{\"digest\": \"a.b\"}"] {
            assert!(parse(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"AQID\n\nnot base64!").unwrap();
        let mut lines = Lines::open(&Source::File(file.path().into()), COLUMNS).unwrap();
        assert!(lines.next_if(|line| line.len() == 9).unwrap().is_none());
        assert_eq!(lines.next_if(|line| line.len() == 3).unwrap().unwrap().len(), 3);
        assert_eq!(lines.next().unwrap().unwrap().len(), 0);
        let error = format!("{:?}", lines.next().err().unwrap());
        assert!(error.contains("line 3: not valid base64url"), "{error}");
    }
}
