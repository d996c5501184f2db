//! Base64 as clients write it: the alphabet of URLs or the standard one (RFC 4648, sections 4 and 5), with or without
//! padding.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Reads one alphabet. Azure takes spare bits of the last letter that are not zero, and drops them.
const fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    GeneralPurpose::new(
        alphabet,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    )
}

const OF_URLS: GeneralPurpose = engine(&URL_SAFE);
const OF_MIME: GeneralPurpose = engine(&STANDARD);

/// Reads base64url or standard base64. A text that mixes the two alphabets is refused: it was cut or joined by mistake.
/// `None` where it is neither.
pub fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_standard = text.iter().any(|byte| matches!(byte, b'+' | b'/'));
    let engine = if is_standard { OF_MIME } else { OF_URLS };
    // One allocation of the final size at least: a vector that grows leaves copies that are not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(base64::decoded_len_estimate(text.len())));
    engine.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<u8>> {
        decode(text.as_bytes()).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn both_alphabets_are_read_with_and_without_padding() {
        for text in ["-_-_AQ", "-_-_AQ==", "-_-_AQ=", "+/+/AQ", "+/+/AQ==", "-_-_AR", "+/+/Af=="] {
            assert_eq!(read(text).unwrap(), [0xfb, 0xff, 0xbf, 1], "{text}");
        }
        assert_eq!(read(""), Some(Vec::new()));
    }

    #[test]
    fn mixed_alphabets_and_other_texts_are_refused() {
        for text in
            ["-_+/", "AQ_/", "+-AA", "A", "AAAAA", "AQ===", "A=Q=", "AQ=A", "a.b", "A Q", " AQ", "ä", "\n"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
