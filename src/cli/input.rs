//! Reads bytes from arguments, files and standard input.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};
use crate::model::base64;

/// The maximum size of an input file, in bytes. The largest plaintext is 256 KiB, and base64url in JSON makes a
/// ciphertext a third longer.
pub(crate) const MAX_INPUT_BYTES: u64 = 1 << 20;

/// Bytes that may be secret: zeroized on drop, hidden in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretBytes(pub(crate) Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Returns a copy for a request message.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        decode(&text).map_err(serde::de::Error::custom)
    }
}

/// Decodes base64 as the server does ([`base64::decode`]), ignoring white space.
pub(crate) fn decode(text: &str) -> Result<SecretBytes, &'static str> {
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    base64::decode(&text).map(SecretBytes).ok_or("not valid base64url")
}

/// Encodes base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An input file, or standard input for `-`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl From<OsString> for Source {
    fn from(text: OsString) -> Self {
        if text == "-" { Self::Stdin } else { Self::File(text.into()) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

impl Source {
    /// Opens the source for reading.
    pub(crate) fn open(&self) -> Outcome<Box<dyn Read>> {
        match self {
            Self::Stdin => Ok(Box::new(io::stdin().lock())),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(Failure::file(self, &error)),
            },
        }
    }

    /// Reads the whole source. Errors if it is larger than [`MAX_INPUT_BYTES`].
    pub(crate) fn read(&self) -> Outcome<SecretBytes> {
        // Full capacity from the start: a vector that grows leaves copies behind that are not zeroized.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_INPUT_BYTES as usize + 1));
        self.open()?
            .take(MAX_INPUT_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::file(self, &error))?;
        if bytes.len() as u64 > MAX_INPUT_BYTES {
            return Err(Failure::problem(format!("{self}: larger than {MAX_INPUT_BYTES} bytes")));
        }
        Ok(SecretBytes(bytes))
    }
}

/// The input of an operation: an argument, a file, or standard input.
#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Input {
    /// Input as base64url
    #[arg(long, value_parser = decode, value_name = "BASE64URL", allow_hyphen_values = true)]
    value: Option<SecretBytes>,
    /// File with the input, or - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<Source>,
}

impl Input {
    /// Reads the input.
    pub(crate) fn read(&self) -> Outcome<SecretBytes> {
        match (&self.value, &self.file) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(source)) => source.read(),
            (None, None) => Err(Failure::Usage("one of --value and --file is required".into())),
        }
    }

    /// Returns whether the input is a file, which may contain the JSON output of another command.
    pub(crate) const fn is_file(&self) -> bool {
        self.file.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_both_alphabets_padding_and_white_space() {
        let bytes = [0xfb, 0xff, 0xfe, 0x01];
        for text in ["-__-AQ", "-__-AQ==", "+//+AQ==", "+//+AQ", "-__-AR", " -__-\n AQ\n"] {
            assert_eq!(decode(text).unwrap().0.as_slice(), bytes, "{text:?}");
        }
        assert_eq!(encode(&bytes), "-__-AQ");
        for text in ["A", "-_/+AQ", "a.b", "ä", "AQ=A"] {
            assert!(decode(text).is_err(), "{text:?}");
        }
        assert!(decode("").unwrap().0.is_empty());
    }

    #[test]
    fn debug_output_hides_bytes() {
        assert_eq!(format!("{:?}", decode("AQID").unwrap()), "3 bytes");
    }

    #[test]
    fn rejects_files_over_the_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(MAX_INPUT_BYTES).unwrap();
        let source = Source::from(file.path().as_os_str().to_owned());
        assert_eq!(source.read().unwrap().0.len() as u64, MAX_INPUT_BYTES);
        file.as_file().set_len(MAX_INPUT_BYTES + 1).unwrap();
        assert!(source.read().is_err());
    }
}
