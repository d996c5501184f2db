//! The key derivation of PKCS#12 (RFC 7292, appendix B.2).

use aws_lc_rs::digest::{self, Context};
use aws_lc_rs::hmac;
use zeroize::{Zeroize as _, Zeroizing};

/// What a derived key is used for (RFC 7292, appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    EncryptionKey = 1,
    InitializationVector = 2,
    MacKey = 3,
}

/// Encodes a password: UTF-16 in big-endian order with a terminating zero (RFC 7292, appendix B.1).
pub(super) fn encode_password(password: &str) -> Zeroizing<Vec<u8>> {
    let units = password.encode_utf16().count() + 1;
    let mut encoded = Zeroizing::new(Vec::with_capacity(2 * units));
    for unit in password.encode_utf16().chain([0]) {
        encoded.extend_from_slice(&unit.to_be_bytes());
    }
    encoded
}

/// Derives `length` bytes from an encoded password.
pub(super) fn derive(
    hash: &'static digest::Algorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = hash.block_len();
    let mut input = Zeroizing::new(Vec::new());
    let lengths = [salt, password].map(|part| part.len().div_ceil(block) * block);
    input.reserve_exact(lengths.iter().sum());
    for (part, padded) in [salt, password].into_iter().zip(lengths) {
        input.extend(part.iter().copied().cycle().take(padded));
    }
    // One block more than needed, so that the buffer never moves.
    let mut output = Zeroizing::new(Vec::with_capacity(length + hash.output_len()));
    while output.len() < length {
        let mut context = Context::new(hash);
        context.update(&vec![purpose as u8; block]);
        context.update(&input);
        let mut state = [0; digest::MAX_OUTPUT_LEN];
        let state = &mut state[..hash.output_len()];
        state.copy_from_slice(context.finish().as_ref());
        for _ in 1..iterations {
            let next = digest::digest(hash, state);
            state.copy_from_slice(next.as_ref());
        }
        output.extend_from_slice(state);
        for chunk in input.chunks_mut(block) {
            add_with_one(chunk, state);
        }
        state.zeroize();
    }
    output.truncate(length);
    output
}

/// Adds the state, repeated to the length of the number, and one; the carry is dropped.
fn add_with_one(number: &mut [u8], state: &[u8]) {
    let mut carry = 1_u16;
    for (position, byte) in number.iter_mut().enumerate().rev() {
        let sum = u16::from(*byte) + u16::from(state[position % state.len()]) + carry;
        let [high, low] = sum.to_be_bytes();
        *byte = low;
        carry = u16::from(high);
    }
}

/// Returns the code that authenticates a file. `None` if the hash function has no MAC here.
pub(super) fn mac_key(
    hash: &'static digest::Algorithm,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
) -> Option<hmac::Key> {
    let algorithm =
        [hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA256, hmac::HMAC_SHA384, hmac::HMAC_SHA512]
            .into_iter()
            .find(|algorithm| algorithm.digest_algorithm() == hash)?;
    let key = derive(hash, Purpose::MacKey, password, salt, iterations, hash.output_len());
    Some(hmac::Key::new(algorithm, &key))
}
