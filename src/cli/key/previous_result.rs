//! Parses files with the JSON output of a previous command.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::input::{self, SecretBytes};

/// The output of `key sign`.
#[derive(Deserialize)]
pub(super) struct SignResult {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) signature: SecretBytes,
}

/// The output of `key encrypt`.
#[derive(Deserialize)]
pub(super) struct EncryptResult {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) ciphertext: SecretBytes,
    #[serde(default)]
    pub(super) iv: Option<SecretBytes>,
    #[serde(default)]
    pub(super) authentication_tag: Option<SecretBytes>,
    #[serde(default)]
    pub(super) additional_authenticated_data: Option<SecretBytes>,
}

/// The output of `key wrap`.
#[derive(Deserialize)]
pub(super) struct WrapResult {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) wrapped_key: SecretBytes,
}

/// The content of an input file: the JSON output of another command, or any other bytes.
pub(super) enum FileContent<T> {
    /// The JSON output of another command.
    Printed(T),
    /// Any other bytes.
    Bytes(SecretBytes),
}

impl<T: DeserializeOwned> FileContent<T> {
    /// Parses the content of a file. Anything but JSON with all required members is returned as bytes.
    pub(super) fn parse(bytes: SecretBytes) -> Self {
        match serde_json::from_slice(&bytes.0) {
            Ok(printed) => Self::Printed(printed),
            Err(_) => Self::Bytes(bytes),
        }
    }
}

/// Decodes a file with raw bytes or base64url text. Raw signatures are long enough that one never consists of
/// base64url characters only.
pub(super) fn raw_or_text(bytes: SecretBytes) -> SecretBytes {
    let text = std::str::from_utf8(&bytes.0).ok().filter(|text| !text.trim().is_empty());
    text.and_then(|text| input::decode(text).ok()).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn octets(bytes: &[u8]) -> SecretBytes {
        SecretBytes(Zeroizing::new(bytes.to_vec()))
    }

    #[test]
    fn recognizes_json_output_of_commands() {
        let json = br#"{"name":"hsms/l/keys/k","algorithm":"RSA-OAEP","ciphertext":"AQID","iv":null}"#;
        match FileContent::<EncryptResult>::parse(octets(json)) {
            FileContent::Printed(printed) => {
                assert_eq!(*printed.ciphertext.0, [1, 2, 3]);
                assert!(printed.iv.is_none() && printed.authentication_tag.is_none());
            }
            FileContent::Bytes(_) => panic!("the output is not recognized"),
        }
        for other in [&b"\x00\x01"[..], b"{}", br#"{"ciphertext":"AQID"}"#] {
            assert!(matches!(FileContent::<EncryptResult>::parse(octets(other)), FileContent::Bytes(_)));
        }
    }

    #[test]
    fn decodes_raw_and_base64url_signatures() {
        let raw = octets(&[0xfb; 64]);
        assert_eq!(raw_or_text(raw.clone()), raw);
        let text = format!("{}\n", input::encode(&raw.0));
        assert_eq!(raw_or_text(octets(text.as_bytes())), raw);
        assert_eq!(raw_or_text(octets(b"")), octets(b""));
    }
}
