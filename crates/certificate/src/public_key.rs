//! Public keys in DER (`SubjectPublicKeyInfo`, RFC 5280, section 4.1).

use der::asn1::{AnyRef, BitString, BitStringRef, ObjectIdentifier, UintRef};
use der::{Any, Decode, Encode, Sequence};
use pkcs8::spki::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::model::key::{Curve, KeyType, PublicMaterial};
use crate::oid;
use crate::{Error, Result};

/// `RSAPublicKey` (RFC 8017, appendix A.1.1).
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

/// Returns the object identifier of a curve.
pub(crate) const fn curve_oid(curve: Curve) -> ObjectIdentifier {
    match curve {
        Curve::P256 => oid::P256,
        Curve::P256K => oid::P256K,
        Curve::P384 => oid::P384,
        Curve::P521 => oid::P521,
    }
}

/// Returns the curve of an object identifier.
pub(crate) fn curve_of(oid: ObjectIdentifier) -> Result<Curve> {
    Curve::ALL.into_iter().find(|curve| curve_oid(*curve) == oid).ok_or(Error::UnsupportedKey)
}

/// Encodes a public key.
pub(crate) fn encode(material: &PublicMaterial) -> Result<SubjectPublicKeyInfoOwned> {
    let (algorithm, key) = match material {
        PublicMaterial::Rsa { n, e } => {
            let key = RsaPublicKey { modulus: UintRef::new(n)?, public_exponent: UintRef::new(e)? };
            let parameters = Some(Any::null());
            (AlgorithmIdentifierOwned { oid: oid::RSA_ENCRYPTION, parameters }, key.to_der()?)
        }
        PublicMaterial::Ec { crv, x, y } => {
            let parameters = Some(Any::encode_from(&curve_oid(*crv))?);
            (AlgorithmIdentifierOwned { oid: oid::EC_PUBLIC_KEY, parameters }, [&[4], &x[..], y].concat())
        }
        PublicMaterial::Oct { .. } => return Err(Error::UnsupportedKey),
    };
    Ok(SubjectPublicKeyInfoOwned { algorithm, subject_public_key: BitString::from_bytes(&key)? })
}

/// Reads a public key of a type that vaults have.
///
/// # Errors
/// [`Error::UnsupportedKey`].
pub(crate) fn read(der: &[u8]) -> Result<PublicMaterial> {
    type Info<'a> = SubjectPublicKeyInfo<AnyRef<'a>, BitStringRef<'a>>;
    let info = Info::from_der(der).map_err(|_| Error::UnsupportedKey)?;
    let AlgorithmIdentifier { oid: algorithm, parameters } = info.algorithm;
    let key = info.subject_public_key.as_bytes().ok_or(Error::UnsupportedKey)?;
    match algorithm {
        oid::RSA_ENCRYPTION => {
            let key = RsaPublicKey::from_der(key).map_err(|_| Error::UnsupportedKey)?;
            checked_rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
        }
        oid::EC_PUBLIC_KEY => {
            let curve =
                parameters.ok_or(Error::UnsupportedKey)?.decode_as().map_err(|_| Error::UnsupportedKey)?;
            point(curve_of(curve)?, key)
        }
        _ => Err(Error::UnsupportedKey),
    }
}

/// Returns an RSA key if it has one of the sizes of vaults.
pub(crate) fn checked_rsa(n: &[u8], e: &[u8]) -> Result<PublicMaterial> {
    let material = PublicMaterial::Rsa { n: n.to_vec(), e: e.to_vec() };
    let has_top_bit = n.first().is_some_and(|byte| byte & 0x80 != 0);
    match material.key_type() {
        KeyType::Rsa { bits: 2048 | 3072 | 4096 } if has_top_bit => Ok(material),
        _ => Err(Error::UnsupportedKey),
    }
}

/// Reads an uncompressed point (SEC 1, section 2.3.4).
pub(crate) fn point(crv: Curve, point: &[u8]) -> Result<PublicMaterial> {
    match point.split_first() {
        Some((4, coordinates)) if coordinates.len() == 2 * crv.field_len() => {
            let (x, y) = coordinates.split_at(crv.field_len());
            Ok(PublicMaterial::Ec { crv, x: x.to_vec(), y: y.to_vec() })
        }
        _ => Err(Error::UnsupportedKey),
    }
}
