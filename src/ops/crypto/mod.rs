//! Cryptographic operations. Private and secret keys are used in the token; public-key operations are computed in
//! software, with the same result and without using the token.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>

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
use crate::model::{Error, Field, Result};

/// The result of a cryptographic operation, and the key version that was used.
#[derive(Debug)]
pub struct CryptoResult {
    /// The key version that was used: the request may have named none.
    pub version: Arc<KeyVersion>,
    /// The name of the algorithm on the wire.
    pub algorithm: &'static str,
    /// The signature or the wrapped key.
    pub value: Vec<u8>,
}

/// A plaintext or an unwrapped key, zeroized when dropped.
pub struct PlaintextResult {
    /// The key version that was used.
    pub version: Arc<KeyVersion>,
    /// The name of the algorithm on the wire.
    pub algorithm: &'static str,
    /// The bytes of the plaintext or key.
    pub value: Zeroizing<Vec<u8>>,
}

/// The maximum length of a plaintext and of additional authenticated data, in bytes.
// assumption: the limit of Azure is not recorded; requests to this service have at most 1 MiB.
const MAX_LEN: usize = 256 * 1024;
/// The maximum length of a ciphertext, in bytes: A*CBCPAD adds up to one block.
const MAX_CIPHERTEXT_LEN: usize = MAX_LEN + 16;

/// Checks the length of an input.
fn check_length(field: Field, value: &[u8], longest: usize) -> Result<()> {
    if value.len() > longest {
        return Err(Error::invalid(field, format!("{field} has at most {longest} bytes")));
    }
    Ok(())
}

/// Checks the length of an IV that the caller supplies, for decryption and CBC encryption.
fn check_iv(mode: AesMode, iv: &[u8]) -> Result<()> {
    let wanted = match mode {
        AesMode::Gcm => 12,
        AesMode::Cbc | AesMode::CbcPad => 16,
    };
    if iv.len() == wanted {
        Ok(())
    } else {
        Err(Error::invalid(Field::Iv, format!("an IV of {wanted} bytes is needed, {} were given", iv.len())))
    }
}

/// The lengths of keys that AES Key Wrap accepts, in bytes (<https://www.rfc-editor.org/rfc/rfc3394#section-2>; the upper
/// limit is that of this service).
const KEY_TO_WRAP: RangeInclusive<usize> = 16..=4096;
/// The lengths of wrapped keys, in bytes: 8 more.
const WRAPPED_KEY: RangeInclusive<usize> = 24..=4104;

/// Checks that AES Key Wrap accepts the length of a key or wrapped key.
fn check_key_wrap(field: Field, value: &[u8], lengths: RangeInclusive<usize>) -> Result<()> {
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

/// Checks that an RSA ciphertext has the length of the modulus.
fn check_rsa_ciphertext(field: Field, version: &KeyVersion, value: &[u8]) -> Result<()> {
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
