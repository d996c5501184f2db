//! Decoding of RSA encryption padding on the host, for tokens that do not support it (RFC 8017, sections
//! 7.1.2 and 7.2.2). It runs in constant time with respect to the padded message: one branch, at the end,
//! and one error.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeGreater as _};
use zeroize::{Zeroize as _, Zeroizing};

use crate::model::algorithm::{Hash, RsaPadding};
use crate::model::{Error, Result};

/// Extracts the message from `encoded`, the result of the raw RSA operation, as long as the modulus.
///
/// # Errors
/// `DecryptionFailed` for any invalid padding.
pub(super) fn decode(padding: RsaPadding, encoded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>> {
    match padding {
        RsaPadding::Pkcs1 => decode_pkcs1(&encoded),
        RsaPadding::Oaep(hash) => decode_oaep(hash, encoded),
    }
}

/// `00 02 PS 00 M`, with at least 8 bytes of `PS`, none of them zero.
fn decode_pkcs1(encoded: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let [first, second, rest @ ..] = encoded else { return Err(Error::DecryptionFailed) };
    let (ends, separator) = position(rest, 0, Choice::from(1));
    let valid = first.ct_eq(&0) & second.ct_eq(&2) & ends & separator.ct_gt(&7);
    finish(valid, rest, separator)
}

/// `00 maskedSeed maskedDB`, where `DB = lHash 00…00 01 M` and the label is empty.
fn decode_oaep(hash: Hash, mut encoded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>> {
    let width = hash.digest_len();
    // The length is that of the modulus and therefore public.
    if encoded.len() < 2 * width + 2 {
        return Err(Error::DecryptionFailed);
    }
    let (first, masked) = encoded.split_at_mut(1);
    let (seed, block) = masked.split_at_mut(width);
    mask(hash, block, seed);
    mask(hash, seed, block);
    let (label, rest) = block.split_at(width);

    // The padding string is all zeros; the first non-zero byte must be 1.
    let (ends, separator) = position_of_nonzero(rest);
    let marker = select(rest, separator);
    let valid = first[0].ct_eq(&0) & label.ct_eq(&digest(hash, &[])) & ends & marker.ct_eq(&1);
    finish(valid, rest, separator)
}

/// Returns the bytes after `separator` in `rest` if the padding is valid, else `DecryptionFailed`.
fn finish(valid: Choice, rest: &[u8], separator: u32) -> Result<Zeroizing<Vec<u8>>> {
    // An empty slice if invalid, so that the copy below runs in both cases.
    let end = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let start = u32::conditional_select(&end, &separator.wrapping_add(1), valid);
    let message = Zeroizing::new(rest.get(start as usize..).unwrap_or_default().to_vec());
    if bool::from(valid) { Ok(message) } else { Err(Error::DecryptionFailed) }
}

/// Whether and where the first byte occurs that equals `wanted` (or differs from it, if `equal` is 0). Reads
/// every byte.
fn position(bytes: &[u8], wanted: u8, equal: Choice) -> (Choice, u32) {
    let mut found = Choice::from(0);
    let mut position = 0_u32;
    for (index, byte) in (0_u32..).zip(bytes) {
        let hit = !(byte.ct_eq(&wanted) ^ equal) & !found;
        position.conditional_assign(&index, hit);
        found |= hit;
    }
    (found, position)
}

fn position_of_nonzero(bytes: &[u8]) -> (Choice, u32) {
    position(bytes, 0, Choice::from(0))
}

/// The byte at `position`, found by reading every byte.
fn select(bytes: &[u8], position: u32) -> u8 {
    let mut selected = 0;
    for (index, byte) in (0_u32..).zip(bytes) {
        selected.conditional_assign(byte, index.ct_eq(&position));
    }
    selected
}

/// Removes MGF1(`seed`) from `target` (RFC 8017, appendix B.2.1).
fn mask(hash: Hash, seed: &[u8], target: &mut [u8]) {
    for (counter, chunk) in (0_u32..).zip(target.chunks_mut(hash.digest_len())) {
        let mut stream = digest(hash, &[seed, &counter.to_be_bytes()]);
        for (byte, key) in chunk.iter_mut().zip(&stream) {
            *byte ^= key;
        }
        stream.zeroize();
    }
}

fn digest(hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
    fn of<D: sha2::digest::Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut hasher = D::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }
    match hash {
        Hash::Sha1 => of::<sha1::Sha1>(parts),
        Hash::Sha256 => of::<sha2::Sha256>(parts),
        Hash::Sha384 => of::<sha2::Sha384>(parts),
        Hash::Sha512 => of::<sha2::Sha512>(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pkcs1(encoded: &[u8]) -> Result<Vec<u8>> {
        decode(RsaPadding::Pkcs1, Zeroizing::new(encoded.to_vec())).map(|message| message.to_vec())
    }

    fn oaep(hash: Hash, encoded: &[u8]) -> Result<Vec<u8>> {
        decode(RsaPadding::Oaep(hash), Zeroizing::new(encoded.to_vec())).map(|message| message.to_vec())
    }

    /// Encodes as in RFC 8017, section 7.1.1, with parameters that can be made invalid.
    fn encode_oaep(
        hash: Hash,
        first: u8,
        label: &[u8],
        filler: u8,
        separator: u8,
        message: &[u8],
    ) -> Vec<u8> {
        let width = hash.digest_len();
        let mut block = digest(hash, &[label]);
        block.resize(256 - width - 1 - message.len() - 1, filler);
        block.push(separator);
        block.extend_from_slice(message);
        let mut seed = vec![7; width];
        mask(hash, &seed, &mut block);
        mask(hash, &block, &mut seed);
        [&[first][..], &seed, &block].concat()
    }

    #[test]
    fn pkcs1_rejects_invalid_padding() {
        let good = [&[0, 2][..], &[9; 8], &[0], b"message"].concat();
        assert_eq!(pkcs1(&good).unwrap(), b"message");
        assert_eq!(pkcs1(&[&[0, 2][..], &[9; 8], &[0]].concat()).unwrap(), b"");
        // Zeros after the separator belong to the message.
        assert_eq!(pkcs1(&[&[0, 2][..], &[9; 9], &[0, 0, 1]].concat()).unwrap(), [0, 1]);
        for bad in [
            [&[1, 2][..], &[9; 8], &[0], b"message"].concat(),
            [&[0, 1][..], &[9; 8], &[0], b"message"].concat(),
            [&[0, 2][..], &[9; 7], &[0], b"message"].concat(),
            [&[0, 2][..], &[9; 32]].concat(),
            vec![0],
            vec![],
        ] {
            assert_eq!(pkcs1(&bad), Err(Error::DecryptionFailed), "{bad:?}");
        }
    }

    #[test]
    fn oaep_rejects_invalid_padding() {
        for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            for message in [&b""[..], b"m", &[0, 1, 0], &[3; 64]] {
                assert_eq!(oaep(hash, &encode_oaep(hash, 0, b"", 0, 1, message)).unwrap(), message);
            }
            for bad in [
                encode_oaep(hash, 1, b"", 0, 1, b"message"),
                encode_oaep(hash, 0, b"label", 0, 1, b"message"),
                encode_oaep(hash, 0, b"", 1, 1, b"message")
                    .into_iter()
                    .enumerate()
                    .map(|(index, byte)| if index == 0 { 1 } else { byte })
                    .collect(),
                encode_oaep(hash, 0, b"", 2, 1, b"message"),
                encode_oaep(hash, 0, b"", 0, 2, b"message"),
                encode_oaep(hash, 0, b"", 0, 0, &[0; 7]),
                vec![0; 2 * hash.digest_len() + 1],
            ] {
                assert_eq!(oaep(hash, &bad), Err(Error::DecryptionFailed), "{hash:?}");
            }
        }
    }
}
