//! Elliptic-curve public keys: point validation and ECDSA verification. Handles public data only.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
    EcdsaVerificationAlgorithm, ParsedPublicKey,
};

use crate::model::key::Curve;
use crate::model::{Error, Field, Result};

/// An elliptic-curve public key.
pub(super) struct EcKey {
    parsed: ParsedPublicKey,
    hash: &'static digest::Algorithm,
}

impl EcKey {
    /// Parses a point. AWS-LC checks that it is on the curve and not at infinity.
    ///
    /// # Errors
    /// `Invalid` naming `key.x` or `key.y`.
    pub(super) fn parse(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self> {
        let (algorithm, hash) = verification(curve);
        let parsed = ParsedPublicKey::new(algorithm, point(curve, x, y)?)
            .map_err(|_| Error::invalid(Field::KeyX, format!("x and y are not a point of {curve}")))?;
        Ok(Self { parsed, hash })
    }

    /// Whether `r || s` is this key's signature over the digest.
    ///
    /// # Errors
    /// `Internal` if the digest's length is not the algorithm's; callers check it first.
    pub(super) fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<bool> {
        let digest = Digest::import_less_safe(digest, self.hash).map_err(Error::internal)?;
        Ok(self.parsed.verify_digest_sig(&digest, signature).is_ok())
    }
}

/// Returns a point in uncompressed form (SEC 1, section 2.3.3).
///
/// # Errors
/// `Invalid` naming the coordinate whose width is not the field's.
pub(super) fn point(curve: Curve, x: &[u8], y: &[u8]) -> Result<Vec<u8>> {
    check_width(curve, Field::KeyX, x)?;
    check_width(curve, Field::KeyY, y)?;
    Ok([&[0x04], x, y].concat())
}

/// Checks that a coordinate or scalar is exactly as wide as the field (RFC 7518, section 6.2).
///
/// # Errors
/// `Invalid` naming the field.
pub(super) fn check_width(curve: Curve, field: Field, number: &[u8]) -> Result<()> {
    if number.len() == curve.field_len() {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        format!("on {curve} it has exactly {} bytes, {} were given", curve.field_len(), number.len()),
    ))
}

/// Returns AWS-LC's verification algorithm and hash for a curve; each curve has exactly one.
fn verification(curve: Curve) -> (&'static EcdsaVerificationAlgorithm, &'static digest::Algorithm) {
    match curve {
        Curve::P256 => (&ECDSA_P256_SHA256_FIXED, &digest::SHA256),
        Curve::P256K => (&ECDSA_P256K1_SHA256_FIXED, &digest::SHA256),
        Curve::P384 => (&ECDSA_P384_SHA384_FIXED, &digest::SHA384),
        Curve::P521 => (&ECDSA_P521_SHA512_FIXED, &digest::SHA512),
    }
}
