//! Files that hold what another command printed as JSON.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::input::{self, Octets};

/// What `key sign` prints.
#[derive(Deserialize)]
pub(super) struct Signed {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) signature: Octets,
}

/// What `key encrypt` prints.
#[derive(Deserialize)]
pub(super) struct Encrypted {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) ciphertext: Octets,
    #[serde(default)]
    pub(super) iv: Option<Octets>,
    #[serde(default)]
    pub(super) authentication_tag: Option<Octets>,
    #[serde(default)]
    pub(super) additional_authenticated_data: Option<Octets>,
}

/// What `key wrap` prints.
#[derive(Deserialize)]
pub(super) struct Wrapped {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) wrapped_key: Octets,
}

/// What is in a file: what another command printed, or anything else.
pub(super) enum Content<T> {
    /// What another command printed.
    Printed(T),
    /// The bytes themselves.
    Bytes(Octets),
}

impl<T: DeserializeOwned> Content<T> {
    /// Looks into a file. What is not JSON with all the members is taken as it is.
    pub(super) fn of(bytes: Octets) -> Self {
        match serde_json::from_slice(&bytes.0) {
            Ok(printed) => Self::Printed(printed),
            Err(_) => Self::Bytes(bytes),
        }
    }
}

/// The bytes of a file that may hold them raw or as base64url text. Random bytes of a signature's
/// length are never all letters and digits.
pub(super) fn raw_or_text(bytes: Octets) -> Octets {
    let text = std::str::from_utf8(&bytes.0).ok().filter(|text| !text.trim().is_empty());
    text.and_then(|text| input::decode(text).ok()).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn octets(bytes: &[u8]) -> Octets {
        Octets(Zeroizing::new(bytes.to_vec()))
    }

    #[test]
    fn what_was_printed_is_recognised_and_the_rest_is_bytes() {
        let json = br#"{"name":"hsms/l/keys/k","algorithm":"RSA-OAEP","ciphertext":"AQID","iv":null}"#;
        match Content::<Encrypted>::of(octets(json)) {
            Content::Printed(printed) => {
                assert_eq!(*printed.ciphertext.0, [1, 2, 3]);
                assert!(printed.iv.is_none() && printed.authentication_tag.is_none());
            }
            Content::Bytes(_) => panic!("not recognised"),
        }
        for other in [&b"\x00\x01"[..], b"{}", br#"{"ciphertext":"AQID"}"#] {
            assert!(matches!(Content::<Encrypted>::of(octets(other)), Content::Bytes(_)));
        }
    }

    #[test]
    fn signatures_are_read_raw_and_as_text() {
        let raw = octets(&[0xfb; 64]);
        assert_eq!(raw_or_text(raw.clone()), raw);
        let text = format!("{}\n", input::encode(&raw.0));
        assert_eq!(raw_or_text(octets(text.as_bytes())), raw);
        assert_eq!(raw_or_text(octets(b"")), octets(b""));
    }
}
