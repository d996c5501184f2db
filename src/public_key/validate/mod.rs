//! Whether material handed in for import is a key, decided before it touches the token.
//!
//! Tokens are trusting: some take a scalar of zero, or an RSA key whose members do not fit together,
//! and fail when it is used. What passes here is a key, and its public half is the one returned.
//!
//! Private numbers live in `Zeroizing` here, and in AWS-LC's own memory, which it wipes when freed.
//! AWS-LC has no safe interface for primality, nor does it say which member is wrong; there
//! `crypto-bigint` computes, in constant time. Its Montgomery parameters and temporaries cannot be
//! wiped: they are freed at once, and the same numbers have come through the buffers of the network.

mod ec;
mod prime;
mod rsa;

use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::RsaPublicKeyComponents;

use crate::model::import::ImportMaterial;
use crate::model::key::PublicMaterial;
use crate::model::{Error, Result};

/// Checks key material handed in for import, and returns its public half: modulus and exponent
/// without leading zeros, coordinates as wide as the field. Public and private half are proved to
/// belong together.
///
/// Takes milliseconds, for RSA with 4096 bits some hundreds of them: not for an async thread.
///
/// # Errors
/// `Invalid` naming the member that is wrong as the request does (`key.n`, `key.d`, ...), or `key`
/// where no one member can be blamed. Private values are never in the text.
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
        // Recorded: the service names this limit, although no size above 32 can be used.
        long if long > 64 => {
            Err(Error::invalid("key.k", format!("an oct key has at most 64 bytes, {long} were given")))
        }
        length => {
            Err(Error::invalid("key.k", format!("an oct key has 16, 24 or 32 bytes, {length} were given")))
        }
    }
}
