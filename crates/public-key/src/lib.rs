//! Public-key operations in software: signature verification, RSA encryption, and validation of key
//! material for import.
//!
//! The engine is AWS-LC, which accepts every key of Managed HSM: all four curves, and RSA with any
//! odd public exponent from 3 up to 33 bits (`is_public_component_of_rsa_key_good` in its `rsa.c`).
//! So each operation has one implementation, and the result equals the token's without a PKCS#11 call.

mod ec;
mod rsa;
mod validate;

use strongroom_model as model;

use std::fmt;

pub use validate::validate;

use crate::model::algorithm::{RsaPadding, SignatureAlgorithm};
use crate::model::key::{KeyType, PublicMaterial};
use crate::model::{Error, Field, Result};

/// A parsed public key, cached per key version and shared between threads.
pub struct PublicKey {
    key_type: KeyType,
    parsed: ParsedKey,
}

/// The parsed key of either algorithm family.
enum ParsedKey {
    Rsa(Box<rsa::RsaKey>),
    Ec(ec::EcKey),
}

impl PublicKey {
    /// Parses the public half of a key.
    ///
    /// # Errors
    /// `Invalid` naming `key.n` or `key.e` if the modulus does not have 2048, 3072 or 4096 bits or the
    /// exponent is even, below 3 or above 32 bits; naming `key.x` or `key.y` if they are not a point
    /// on the curve; naming `algorithm` for a secret key, which has no public half.
    pub fn parse(material: &PublicMaterial) -> Result<Self> {
        let parsed = match material {
            PublicMaterial::Rsa { n, e } => ParsedKey::Rsa(Box::new(rsa::RsaKey::parse(n, e)?)),
            PublicMaterial::Ec { crv, x, y } => ParsedKey::Ec(ec::EcKey::parse(*crv, x, y)?),
            PublicMaterial::Oct { .. } => {
                return Err(Error::invalid(Field::Algorithm, "an oct-HSM key has no public half"));
            }
        };
        Ok(Self { key_type: material.key_type(), parsed })
    }

    /// Verifies a signature over a digest. ECDSA signatures are in JOSE form, `r || s`; low and high
    /// `s` are both accepted. A signature of the wrong length or form is not valid.
    ///
    /// # Errors
    /// Those of [`SignatureAlgorithm::check`].
    pub fn verify(&self, algorithm: SignatureAlgorithm, digest: &[u8], signature: &[u8]) -> Result<bool> {
        algorithm.check(self.key_type, digest)?;
        match &self.parsed {
            ParsedKey::Rsa(key) => key.verify(algorithm.primitive(), digest, signature),
            ParsedKey::Ec(key) => key.verify(digest, signature),
        }
    }

    /// Encrypts with the public key. The padding is random, so each call returns another ciphertext.
    ///
    /// # Errors
    /// `Invalid` naming `plaintext` if it is longer than padding and modulus allow, or `algorithm` if
    /// the key is not an RSA key.
    pub fn encrypt(&self, padding: RsaPadding, plaintext: &[u8]) -> Result<Vec<u8>> {
        match &self.parsed {
            ParsedKey::Rsa(key) => key.encrypt(padding, plaintext),
            ParsedKey::Ec(_) => Err(Error::invalid(
                Field::Algorithm,
                format!("a key of type {} cannot encrypt", self.key_type),
            )),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_type)
    }
}

/// Strips the leading zeros of a big-endian number.
///
/// Many libraries write RSA numbers with a leading sign byte, which PKCS#11 and JSON Web Keys do not
/// allow. Coordinates and scalars of elliptic-curve keys keep the width of the field.
pub fn strip_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
