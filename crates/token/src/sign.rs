//! Signatures and message authentication codes.

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::session::Session;

use super::capabilities::Feature;
use super::device::Device;
use super::error::{Attempt, Failure};
use super::handles::Part;
use super::mechanism;
use crate::model::Error;
use crate::model::algorithm::{Hash, Signature, SignatureAlgorithm};
use crate::model::key::{Curve, KeyType};
use crate::model::name::VersionId;

/// Signs a digest, or computes a MAC of it.
pub(super) fn sign(
    device: &Device,
    session: &Session,
    id: VersionId,
    (key_type, algorithm): (KeyType, SignatureAlgorithm),
    digest: &[u8],
) -> Attempt<Vec<u8>> {
    let primitive = algorithm.primitive();
    let part = match primitive {
        Signature::Hmac(hash) => {
            let supported = Feature::of_hmac(hash).is_some_and(|feature| device.capabilities.has(feature));
            if !supported {
                return Err(
                    Error::Unsupported { what: format!("the token does not support {algorithm}") }.into()
                );
            }
            Part::HmacCompanion
        }
        Signature::Pss(_) => {
            device.capabilities.require(Feature::RsaPss, || algorithm.to_string())?;
            Part::Main
        }
        _ => Part::Main,
    };
    let (mechanism, data) = mechanism::signing(primitive, digest)?;
    let key = device.handle(session, id, part)?;
    let mut signature = match (session.sign(&mechanism, key, &data), primitive) {
        (Err(WrapperError::Pkcs11(RvError::KeySizeRange, _)), Signature::Hmac(hash)) => {
            return Err(too_short(algorithm, hash));
        }
        (made, _) => made?,
    };
    if signature.len() != algorithm.signature_len(key_type) {
        return Err(Error::internal(format!(
            "the token returned a {algorithm} signature of {} bytes for a key of type {key_type}",
            signature.len()
        ))
        .into());
    }
    if primitive == Signature::Ecdsa(Curve::P256K) {
        lower_s(&mut signature);
    }
    Ok(signature)
}

/// The order of secp256k1 (SEC 2, section 2.4.1).
const P256K_ORDER: [u8; 32] = *b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\
    \xba\xae\xdc\xe6\xaf\x48\xa0\x3b\xbf\xd2\x5e\x8c\xd0\x36\x41\x41";

/// Half of [`P256K_ORDER`], rounded down.
const P256K_HALF: [u8; 32] = *b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \x5d\x57\x6e\x73\x57\xa4\x50\x1d\xdf\xe9\x2f\x46\x68\x1b\x20\xa0";

/// Replaces `s` by the smaller of `s` and `n - s`, which are equally valid: many verifiers on this curve
/// accept only the smaller, and tokens return either.
fn lower_s(signature: &mut [u8]) {
    let (_, s) = signature.split_at_mut(32);
    if *s <= P256K_HALF[..] {
        return;
    }
    let mut borrow = 0;
    for (byte, order) in s.iter_mut().zip(P256K_ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = difference.rem_euclid(256) as u8;
    }
}

/// The error for an HMAC key that the token rejects as too short. Tokens do not all report key lengths, so
/// this is not checked before.
fn too_short(algorithm: SignatureAlgorithm, hash: Hash) -> Failure {
    Error::Unsupported {
        what: format!(
            "the token does not support {algorithm} with this key: it requires at least {} bytes",
            hash.digest_len()
        ),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizes_high_s_and_keeps_low_s() {
        let lowered = |s: [u8; 32]| {
            let mut signature = [[9; 32], s].concat();
            lower_s(&mut signature);
            assert_eq!(signature[..32], [9; 32]);
            <[u8; 32]>::try_from(&signature[32..]).unwrap()
        };
        assert_eq!(lowered(P256K_HALF), P256K_HALF);
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(lowered(one), one);
        let mut order_less_one = P256K_ORDER;
        order_less_one[31] -= 1;
        assert_eq!(lowered(order_less_one), one);
        let mut half_and_one = P256K_HALF;
        half_and_one[31] += 1;
        assert_eq!(lowered(half_and_one), P256K_HALF);
    }
}
