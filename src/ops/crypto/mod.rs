//! Cryptographic operations. Private and secret keys are used in the token; public-key operations are computed in
//! software, with the same result and without using the token.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>

mod batch;
mod decrypt;
mod encrypt;
mod input;
mod random;
mod sign;
mod unwrap_key;
mod verify;
mod wrap_key;

pub use batch::{Batch, BatchReply, MAX_ITEMS};
pub use decrypt::{BatchDecrypt, Decrypt, DecryptInput};
pub use encrypt::{BatchEncrypt, Ciphertext, Encrypt, EncryptInput};
pub use input::{Begun, Conversion, Input, Single};
pub use random::GenerateRandomBytes;
pub use sign::{BatchSign, Sign, SignInput};
pub use unwrap_key::{BatchUnwrapKey, UnwrapInput, UnwrapKey};
pub use verify::{BatchVerify, Verify, VerifyInput};
pub use wrap_key::{BatchWrapKey, WrapInput, WrapKey};

use std::ops::RangeInclusive;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::model::algorithm::AesMode;
use crate::model::key::KeyVersion;
use crate::model::{Error, Field, Result};

/// The result of an operation with a key, and the key version that was used.
pub struct Used<T> {
    /// The key version that was used: the request may have named none.
    pub version: Arc<KeyVersion>,
    /// The name of the algorithm on the wire.
    pub algorithm: &'static str,
    /// The result of the operation.
    pub value: T,
}

/// A signature or a wrapped key.
pub type CryptoResult = Used<Vec<u8>>;

/// Whether a signature is valid.
pub type Verified = Used<bool>;

/// A ciphertext.
pub type Encrypted = Used<Ciphertext>;

/// A plaintext or an unwrapped key, zeroized when dropped.
pub type PlaintextResult = Used<Zeroizing<Vec<u8>>>;

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
