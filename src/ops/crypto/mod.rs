//! What keys are used for. Private and secret keys act in the token; what needs only the public
//! half is computed in software, with the same result and no device time.

mod decrypt;
mod encrypt;
mod random;
mod sign;
mod unwrap_key;
mod verify;
mod wrap_key;

pub use decrypt::Decrypt;
pub use encrypt::{Encrypt, Encrypted};
pub use random::GenerateRandomBytes;
pub use sign::Sign;
pub use unwrap_key::UnwrapKey;
pub use verify::{Verified, Verify};
pub use wrap_key::WrapKey;

use std::ops::RangeInclusive;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::model::algorithm::AesMode;
use crate::model::key::KeyVersion;
use crate::model::{Error, Result};

/// What a cryptographic operation came to, and which version did it.
#[derive(Debug)]
pub struct Outcome {
    /// The version that was used: the request may have named none.
    pub version: Arc<KeyVersion>,
    /// The algorithm, as surfaces spell it.
    pub algorithm: &'static str,
    /// Signature, wrapped key, or the like.
    pub value: Vec<u8>,
}

/// A plaintext or an unwrapped key, zeroized when dropped.
pub struct Revealed {
    /// The version that was used.
    pub version: Arc<KeyVersion>,
    /// The algorithm, as surfaces spell it.
    pub algorithm: &'static str,
    /// The bytes.
    pub value: Zeroizing<Vec<u8>>,
}

/// The longest plaintext of one call, and the longest data to be authenticated, in bytes.
// assumption: the service's own limit is not recorded; requests here end at 1 MiB.
const LONGEST: usize = 256 * 1024;
/// The longest ciphertext: A*CBCPAD adds up to a block.
const LONGEST_CIPHERTEXT: usize = LONGEST + 16;

/// Whether an input is short enough.
fn check_length(field: &'static str, value: &[u8], longest: usize) -> Result<()> {
    if value.len() > longest {
        return Err(Error::invalid(field, format!("{field} has at most {longest} bytes")));
    }
    Ok(())
}

/// Whether the IV is what the mode wants from the caller, for decryption and CBC encryption.
fn check_iv(mode: AesMode, iv: &[u8]) -> Result<()> {
    let wanted = match mode {
        AesMode::Gcm => 12,
        AesMode::Cbc | AesMode::CbcPad => 16,
    };
    if iv.len() == wanted {
        Ok(())
    } else {
        Err(Error::invalid("iv", format!("an IV of {wanted} bytes is needed, {} were given", iv.len())))
    }
}

/// How long a key may be that AES Key Wrap wraps, in bytes (RFC 3394, section 2; the end is ours).
const KEY_TO_WRAP: RangeInclusive<usize> = 16..=4096;
/// The same, wrapped: 8 bytes longer.
const WRAPPED_KEY: RangeInclusive<usize> = 24..=4104;

/// Whether a wrapped or to be wrapped key has a length AES Key Wrap can take.
fn check_key_wrap(field: &'static str, value: &[u8], lengths: RangeInclusive<usize>) -> Result<()> {
    if !lengths.contains(&value.len()) || !value.len().is_multiple_of(8) {
        return Err(Error::invalid(
            field,
            format!(
                "AES key wrap takes {} to {} bytes, a multiple of 8; {} were given",
                lengths.start(),
                lengths.end(),
                value.len()
            ),
        ));
    }
    Ok(())
}

/// Whether an RSA ciphertext is as long as the modulus.
fn check_rsa_ciphertext(field: &'static str, version: &KeyVersion, value: &[u8]) -> Result<()> {
    match version.material.key_type() {
        crate::model::key::KeyType::Rsa { bits } if value.len() != usize::from(bits) / 8 => {
            Err(Error::invalid(
                field,
                format!(
                    "with this key {} bytes are needed, {} were given",
                    usize::from(bits) / 8,
                    value.len()
                ),
            ))
        }
        _ => Ok(()),
    }
}
