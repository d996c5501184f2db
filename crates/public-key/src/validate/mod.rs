//! Validates key material for import before it is sent to the token.
//!
//! Some tokens accept a scalar of zero, or an RSA key whose members do not fit together, and fail only
//! when the key is used. Material that passes here is a valid key with the returned public half.
//!
//! Private numbers live in `Zeroizing` here, and in AWS-LC's own memory, which it wipes when freed.
//! AWS-LC has no safe interface for primality and does not report which member is wrong, so
//! `crypto-bigint` computes both, in constant time. Its Montgomery parameters and temporaries cannot be
//! wiped. They are freed at once, and the same numbers already passed through network buffers.

mod ec;
mod prime;
mod rsa;

use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::RsaPublicKeyComponents;

use crate::model::import::ImportMaterial;
use crate::model::key::PublicMaterial;
use crate::model::{Error, Field, Result};

/// Validates key material for import and returns its public half: modulus and exponent without leading
/// zeros, coordinates as wide as the field. Checks that public and private half form one key pair.
///
/// Takes milliseconds, for 4096-bit RSA hundreds of milliseconds, so it must not run on an async thread.
///
/// # Errors
/// `Invalid` naming the wrong member as the request does (`key.n`, `key.d`, ...), or `key` if no single
/// member is at fault. The text never contains private values.
pub fn validate(material: &ImportMaterial) -> Result<PublicMaterial> {
    match material {
        ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } => rsa::validate(&KeyPairComponents {
            public_key: RsaPublicKeyComponents { n, e },
            d,
            p,
            q,
            dP: dp,
            dQ: dq,
            qInv: qi,
        }),
        ImportMaterial::Ec { crv, x, y, d } => ec::validate(*crv, x, y, d),
        ImportMaterial::Oct { k } => oct(k),
    }
}

fn oct(k: &[u8]) -> Result<PublicMaterial> {
    match k.len() {
        16 => Ok(PublicMaterial::Oct { key_size: 128 }),
        24 => Ok(PublicMaterial::Oct { key_size: 192 }),
        32 => Ok(PublicMaterial::Oct { key_size: 256 }),
        // Recorded: Azure names this limit, although no size above 32 bytes is usable.
        long if long > 64 => {
            Err(Error::invalid(Field::KeyK, format!("an oct key has at most 64 bytes, {long} were given")))
        }
        length => Err(Error::invalid(
            Field::KeyK,
            format!("an oct key has 16, 24 or 32 bytes, {length} were given"),
        )),
    }
}
