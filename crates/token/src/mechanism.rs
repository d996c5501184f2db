//! The mapping of algorithms to PKCS#11 mechanisms.
//!
//! Callers supply digests, so signatures use only mechanisms that do not hash: every token has those, and
//! they need no fallback.

use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};

use crate::model::algorithm::{Hash, Signature};
use crate::model::key::Curve;
use crate::model::{Error, Result};

/// Returns the mechanism for a signature and its input data.
pub(super) fn signing(signature: Signature, digest: &[u8]) -> Result<(Mechanism<'static>, Vec<u8>)> {
    Ok(match signature {
        Signature::Pkcs1(hash) => (Mechanism::RsaPkcs, [digest_info(hash), digest].concat()),
        Signature::Pkcs1Raw => (Mechanism::RsaPkcs, digest.to_vec()),
        Signature::Pss(hash) => {
            let s_len = u64::try_from(hash.digest_len()).map_err(Error::internal)?.into();
            let (hash_alg, mgf) = hashing(hash);
            (Mechanism::RsaPkcsPss(PkcsPssParams { hash_alg, mgf, s_len }), digest.to_vec())
        }
        Signature::Ecdsa(_) => (Mechanism::Ecdsa, digest.to_vec()),
        Signature::Hmac(hash) => (hmac(hash), digest.to_vec()),
    })
}

/// The HMAC mechanism of a hash.
pub(super) const fn hmac(hash: Hash) -> Mechanism<'static> {
    match hash {
        Hash::Sha1 => Mechanism::Sha1Hmac,
        Hash::Sha256 => Mechanism::Sha256Hmac,
        Hash::Sha384 => Mechanism::Sha384Hmac,
        Hash::Sha512 => Mechanism::Sha512Hmac,
    }
}

/// OAEP with an empty label; MGF1 uses the same hash.
pub(super) fn oaep(hash: Hash) -> Mechanism<'static> {
    let (hash_alg, mgf) = hashing(hash);
    Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash_alg, mgf, PkcsOaepSource::empty()))
}

const fn hashing(hash: Hash) -> (MechanismType, PkcsMgfType) {
    match hash {
        Hash::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        Hash::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        Hash::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        Hash::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
    }
}

/// The bytes before the digest in a `DigestInfo` (RFC 8017, section 9.2, note 1).
const fn digest_info(hash: Hash) -> &'static [u8] {
    match hash {
        Hash::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        Hash::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        Hash::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
        Hash::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
    }
}

/// A curve's object identifier in DER, as in `CKA_EC_PARAMS` (RFC 5480, section 2.1.1.1; SEC 2).
pub(super) const fn curve_parameters(curve: Curve) -> &'static [u8] {
    match curve {
        Curve::P256 => b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        Curve::P256K => b"\x06\x05\x2b\x81\x04\x00\x0a",
        Curve::P384 => b"\x06\x05\x2b\x81\x04\x00\x22",
        Curve::P521 => b"\x06\x05\x2b\x81\x04\x00\x23",
    }
}
