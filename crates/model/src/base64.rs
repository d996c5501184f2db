//! Lenient base64 decoding: standard or URL-safe alphabet (RFC 4648, sections 4 and 5), with or without padding.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Returns a decoder for one alphabet. Like Azure, it ignores non-zero trailing bits of the last character.
const fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    GeneralPurpose::new(
        alphabet,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    )
}

const URL_SAFE_ENGINE: GeneralPurpose = engine(&URL_SAFE);
const STANDARD_ENGINE: GeneralPurpose = engine(&STANDARD);

/// Decodes base64url or standard base64. `None` if the text is neither, or mixes the two alphabets, which indicates
/// text that was cut or joined by mistake.
pub fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_standard = text.iter().any(|byte| matches!(byte, b'+' | b'/'));
    let engine = if is_standard { STANDARD_ENGINE } else { URL_SAFE_ENGINE };
    // Allocate the final size at once: a growing vector leaves copies that are not zeroized.
    let mut bytes = Zeroizing::new(Vec::with_capacity(base64::decoded_len_estimate(text.len())));
    engine.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Serde support for bytes as base64url without padding, as in JSON Web Keys.
pub mod base64url {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Serializes bytes as base64url.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Deserializes bytes from base64url.
    ///
    /// # Errors
    /// The text is not base64url.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        decode(text.as_bytes()).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn decodes_both_alphabets_with_or_without_padding() {
        for text in ["-_-_AQ", "-_-_AQ==", "-_-_AQ=", "+/+/AQ", "+/+/AQ==", "-_-_AR", "+/+/Af=="] {
            assert_eq!(decoded(text).unwrap(), [0xfb, 0xff, 0xbf, 1], "{text}");
        }
        assert_eq!(decoded(""), Some(Vec::new()));
    }

    #[test]
    fn rejects_mixed_alphabets_and_invalid_text() {
        for text in
            ["-_+/", "AQ_/", "+-AA", "A", "AAAAA", "AQ===", "A=Q=", "AQ=A", "a.b", "A Q", " AQ", "ä", "\n"]
        {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
