//! The pairwise consistency test of a key pair: the token signs, software verifies.

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use sha2::Digest as _;

use super::error::Attempt;
use super::mechanism;
use crate::model::algorithm::{Hash, Signature};
use crate::model::key::{Curve, PublicMaterial};

const MESSAGE: &[u8] = b"strongroom: the two halves of this key belong together";

/// Signs with the private key and verifies with the public key. Returns `false` if they do not match, and
/// `true` for a secret key, which has no public key.
pub(super) fn halves_match(
    session: &Session,
    private: ObjectHandle,
    public: &PublicMaterial,
) -> Attempt<bool> {
    let primitive = match public {
        PublicMaterial::Rsa { .. } => Signature::Pkcs1(Hash::Sha256),
        PublicMaterial::Ec { crv, .. } => Signature::Ecdsa(*crv),
        PublicMaterial::Oct { .. } => return Ok(true),
    };
    signature_verifies(session, private, public, primitive)
}

/// Whether a signature that the token creates with `primitive` verifies.
pub(super) fn signature_verifies(
    session: &Session,
    private: ObjectHandle,
    public: &PublicMaterial,
    primitive: Signature,
) -> Attempt<bool> {
    let digest = match primitive {
        Signature::Ecdsa(Curve::P384) => sha2::Sha384::digest(MESSAGE).to_vec(),
        Signature::Ecdsa(Curve::P521) => sha2::Sha512::digest(MESSAGE).to_vec(),
        _ => sha2::Sha256::digest(MESSAGE).to_vec(),
    };
    let (mechanism, data) = mechanism::signing(primitive, &digest)?;
    let signature = session.sign(&mechanism, private, &data)?;
    Ok(verifies(public, primitive, &signature))
}

/// Verifies a signature of [`MESSAGE`] in software, independently of the token.
fn verifies(public: &PublicMaterial, primitive: Signature, signature_bytes: &[u8]) -> bool {
    match public {
        PublicMaterial::Rsa { n, e } => {
            let parameters = match primitive {
                Signature::Pss(_) => &signature::RSA_PSS_2048_8192_SHA256,
                _ => &signature::RSA_PKCS1_2048_8192_SHA256,
            };
            RsaPublicKeyComponents { n, e }.verify(parameters, MESSAGE, signature_bytes).is_ok()
        }
        PublicMaterial::Ec { crv, x, y } => {
            let algorithm = match crv {
                Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
                Curve::P256K => &signature::ECDSA_P256K1_SHA256_FIXED,
                Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
                Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED,
            };
            let point = [&[4], x.as_slice(), y].concat();
            UnparsedPublicKey::new(algorithm, point).verify(MESSAGE, signature_bytes).is_ok()
        }
        PublicMaterial::Oct { .. } => false,
    }
}
