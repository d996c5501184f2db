//! Validates elliptic-curve private keys: the scalar is in range and its public point matches.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
};
use sec1::EcPrivateKey;
use sec1::der::Encode as _;
use zeroize::Zeroizing;

use super::super::ec::{EcKey, check_width, point};
use crate::model::key::{Curve, PublicMaterial};
use crate::model::{Error, Field, Result};

/// Checks an elliptic-curve private key.
///
/// # Errors
/// `Invalid` naming the wrong member.
pub(super) fn validate(crv: Curve, x: &[u8], y: &[u8], d: &[u8]) -> Result<PublicMaterial> {
    let given = point(crv, x, y)?;
    check_width(crv, Field::KeyD, d)?;
    let computed = public_point(crv, d)?;
    if given != computed {
        // Layout: a tag byte, then x, then y, each as wide as the field.
        let same = |at: usize, coordinate| computed.get(at..at + crv.field_len()) == Some(coordinate);
        let (field, why) = if same(1, x) {
            (Field::KeyY, "it is not the y coordinate of d's public point")
        } else if same(1 + crv.field_len(), y) {
            (Field::KeyX, "it is not the x coordinate of d's public point")
        } else {
            EcKey::parse(crv, x, y)?;
            (Field::KeyD, "its public point is not the point given by x and y")
        };
        return Err(Error::invalid(field, why));
    }
    Ok(PublicMaterial::Ec { crv, x: x.to_vec(), y: y.to_vec() })
}

/// Computes the point `d * G`, uncompressed. It is on the curve and not at infinity by construction.
fn public_point(curve: Curve, d: &[u8]) -> Result<Vec<u8>> {
    let algorithm = match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P256K => &ECDSA_P256K1_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    };
    // AWS-LC computes a public half only when it parses an `ECPrivateKey` without one (RFC 5915).
    let key = EcPrivateKey { private_key: d, parameters: None, public_key: None };
    let der = Zeroizing::new(key.to_der().map_err(Error::internal)?);
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, &der)
        .map_err(|_| Error::invalid(Field::KeyD, format!("it is zero, or not below the order of {curve}")))?;
    Ok(pair.public_key().as_ref().to_vec())
}
