//! What the public half of a key can do in software: verify signatures, encrypt for RSA, and tell
//! whether material handed in for import is a key at all.
//!
//! The engine is AWS-LC, which accepts every key of Managed HSM: all four curves, and RSA with any
//! odd public exponent from 3 up to 33 bits (`is_public_component_of_rsa_key_good` in its `rsa.c`).
//! So there is one path for each operation, and the result is the token's without its time.

mod ec;
mod rsa;
mod validate;

use std::fmt;

pub use validate::validate;

use crate::model::algorithm::{RsaPadding, SignatureAlgorithm};
use crate::model::key::{KeyType, PublicMaterial};
use crate::model::{Error, Result};

/// A parsed public key, made once per key version and kept. Shared freely between threads.
pub struct PublicKey {
    key_type: KeyType,
    half: Half,
}

enum Half {
    Rsa(Box<rsa::RsaKey>),
    Ec(ec::EcKey),
}

impl PublicKey {
    /// Parses the public half of a key.
    ///
    /// # Errors
    /// `Invalid`: naming `key.n` or `key.e` where the modulus has not 2048, 3072 or 4096 bits or the
    /// exponent is even, below 3 or above 32 bits; naming `key.x` or `key.y` where they are no point
    /// of the curve; naming `algorithm` for a secret key, which has no public half.
    pub fn parse(material: &PublicMaterial) -> Result<Self> {
        let half = match material {
            PublicMaterial::Rsa { n, e } => Half::Rsa(Box::new(rsa::RsaKey::parse(n, e)?)),
            PublicMaterial::Ec { crv, x, y } => Half::Ec(ec::EcKey::parse(*crv, x, y)?),
            PublicMaterial::Oct { .. } => {
                return Err(Error::invalid("algorithm", "an oct-HSM key has no public half"));
            }
        };
        Ok(Self { key_type: material.key_type(), half })
    }

    /// Whether the signature is this key's over the digest. ECDSA signatures are in JOSE form,
    /// `r || s`; both halves of the range of `s` are accepted. A signature of a wrong length or
    /// form is just not valid.
    ///
    /// # Errors
    /// Those of [`SignatureAlgorithm::check`].
    pub fn verify(&self, algorithm: SignatureAlgorithm, digest: &[u8], signature: &[u8]) -> Result<bool> {
        algorithm.check(self.key_type, digest)?;
        match &self.half {
            Half::Rsa(key) => key.verify(algorithm.primitive(), digest, signature),
            Half::Ec(key) => key.verify(digest, signature),
        }
    }

    /// Encrypts for the holder of the private half. Made anew each time: padding is random.
    ///
    /// # Errors
    /// `Invalid` naming `plaintext` where it is longer than padding and modulus allow, or
    /// `algorithm` where the key is not RSA.
    pub fn encrypt(&self, padding: RsaPadding, plaintext: &[u8]) -> Result<Vec<u8>> {
        match &self.half {
            Half::Rsa(key) => key.encrypt(padding, plaintext),
            Half::Ec(_) => {
                Err(Error::invalid("algorithm", format!("a key of type {} cannot encrypt", self.key_type)))
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_type)
    }
}

/// A big-endian number without its leading zeros.
///
/// Numbers of an RSA key may arrive with some (many libraries write a sign byte); PKCS#11 and JSON
/// Web Keys want none. Coordinates and scalars of elliptic-curve keys are as wide as the field.
pub fn minimal(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
