//! Private keys in the clear: of imports, and of certificates that are exported.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode as _, Encode as _, Sequence};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::model::import::ImportMaterial;
use crate::model::key::{Curve, KeyType, PublicMaterial};
use crate::public_key::{checked_rsa, curve_of, curve_oid, point};
use crate::{Error, Result, oid};

/// `RSAPrivateKey` with two primes (RFC 8017, appendix A.1.2).
#[derive(Sequence)]
struct RsaPrivateKey<'a> {
    version: u8,
    n: UintRef<'a>,
    e: UintRef<'a>,
    d: UintRef<'a>,
    p: UintRef<'a>,
    q: UintRef<'a>,
    dp: UintRef<'a>,
    dq: UintRef<'a>,
    qi: UintRef<'a>,
}

/// An RSA or EC private key in the clear. Wiped when dropped.
#[derive(Clone)]
pub struct PrivateKey {
    material: ImportMaterial,
}

impl PrivateKey {
    /// Reads a key in PKCS#8 (RFC 5958), not encrypted.
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| Error::UnreadablePem)?;
        let key = info.private_key.as_bytes();
        match info.algorithm.oid {
            oid::RSA_ENCRYPTION => Self::from_pkcs1(key),
            oid::EC_PUBLIC_KEY => {
                let curve = info.algorithm.parameters_oid().map_err(|_| Error::UnsupportedKey)?;
                Self::read_sec1(key, Some(curve))
            }
            _ => Err(Error::UnsupportedKey),
        }
    }

    /// Reads an RSA key in PKCS#1 (RFC 8017, appendix A.1.2).
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`].
    pub fn from_pkcs1(der: &[u8]) -> Result<Self> {
        let key = RsaPrivateKey::from_der(der).map_err(|_| Error::UnreadablePem)?;
        checked_rsa(key.n.as_bytes(), key.e.as_bytes())?;
        let [n, e, d, p, q, dp, dq, qi] = [key.n, key.e, key.d, key.p, key.q, key.dp, key.dq, key.qi]
            .map(|number| number.as_bytes().to_vec());
        Ok(Self { material: ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } })
    }

    /// Reads an EC key that names its curve (RFC 5915, SEC 1).
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`].
    pub fn from_sec1(der: &[u8]) -> Result<Self> {
        Self::read_sec1(der, None)
    }

    /// Reads an EC key, whose curve PKCS#8 states outside of it. The public half is computed if it is absent.
    fn read_sec1(der: &[u8], curve: Option<ObjectIdentifier>) -> Result<Self> {
        let key = EcPrivateKey::from_der(der).map_err(|_| Error::UnreadablePem)?;
        let named = key.parameters.and_then(EcParameters::named_curve);
        let crv = curve_of(curve.or(named).ok_or(Error::UnsupportedKey)?)?;
        let scalar = without_leading_zeros(key.private_key);
        let width = crv.field_len();
        let padding = width.checked_sub(scalar.len()).ok_or(Error::UnsupportedKey)?;
        let mut d = Zeroizing::new(vec![0; width]);
        d[padding..].copy_from_slice(scalar);
        let public = match key.public_key {
            Some(public) => point(crv, public)?,
            None => point(crv, &compute_public(crv, &d)?)?,
        };
        match public {
            PublicMaterial::Ec { crv, x, y } => {
                Ok(Self { material: ImportMaterial::Ec { crv, x, y, d: std::mem::take(&mut *d) } })
            }
            PublicMaterial::Rsa { .. } | PublicMaterial::Oct { .. } => Err(Error::UnsupportedKey),
        }
    }

    /// Generates a key with AWS-LC. Takes up to seconds for RSA.
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`] for a type that certificates do not have.
    pub fn generate(key_type: KeyType) -> Result<Self> {
        let size = match key_type {
            KeyType::Ec { curve } => {
                let pair =
                    EcdsaKeyPair::generate(signing_algorithm(curve)).map_err(|_| Error::UnsupportedKey)?;
                let encoded = pair.to_pkcs8v1().map_err(|_| Error::UnsupportedKey)?;
                return Self::from_pkcs8(encoded.as_ref());
            }
            KeyType::Rsa { bits: 2048 } => KeySize::Rsa2048,
            KeyType::Rsa { bits: 3072 } => KeySize::Rsa3072,
            KeyType::Rsa { bits: 4096 } => KeySize::Rsa4096,
            KeyType::Rsa { .. } | KeyType::Oct { .. } => return Err(Error::UnsupportedKey),
        };
        let pair = KeyPair::generate(size).map_err(|_| Error::UnsupportedKey)?;
        let encoded: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Error::UnsupportedKey)?;
        Self::from_pkcs8(encoded.as_ref())
    }

    /// Returns the key for import into the token. That its halves match is for the import to validate.
    pub const fn material(&self) -> &ImportMaterial {
        &self.material
    }

    /// Returns the public half as the key states it.
    pub fn public_key(&self) -> PublicMaterial {
        match &self.material {
            ImportMaterial::Rsa { n, e, .. } => PublicMaterial::Rsa { n: n.clone(), e: e.clone() },
            ImportMaterial::Ec { crv, x, y, .. } => {
                PublicMaterial::Ec { crv: *crv, x: x.clone(), y: y.clone() }
            }
            ImportMaterial::Oct { k } => {
                PublicMaterial::Oct { key_size: u16::try_from(k.len() * 8).unwrap_or(u16::MAX) }
            }
        }
    }

    /// Returns the key in PKCS#8 (RFC 5958), not encrypted.
    ///
    /// # Errors
    /// [`Error::Encoding`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>> {
        match &self.material {
            ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } => {
                let key = RsaPrivateKey {
                    version: 0,
                    n: UintRef::new(n)?,
                    e: UintRef::new(e)?,
                    d: UintRef::new(d)?,
                    p: UintRef::new(p)?,
                    q: UintRef::new(q)?,
                    dp: UintRef::new(dp)?,
                    dq: UintRef::new(dq)?,
                    qi: UintRef::new(qi)?,
                };
                pkcs8(oid::RSA_ENCRYPTION, AnyRef::NULL, &Zeroizing::new(key.to_der()?))
            }
            ImportMaterial::Ec { crv, x, y, d } => {
                let public = [&[4], &x[..], y].concat();
                let key = EcPrivateKey { private_key: d, parameters: None, public_key: Some(&public) };
                let key = Zeroizing::new(key.to_der()?);
                let curve = curve_oid(*crv);
                pkcs8(oid::EC_PUBLIC_KEY, (&curve).into(), &key)
            }
            ImportMaterial::Oct { .. } => Err(Error::UnsupportedKey),
        }
    }
}

fn pkcs8(algorithm: ObjectIdentifier, parameters: AnyRef<'_>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let algorithm = AlgorithmIdentifierRef { oid: algorithm, parameters: Some(parameters) };
    let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(key)?);
    Ok(Zeroizing::new(info.to_der()?))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// Returns AWS-LC's algorithm for a curve.
const fn signing_algorithm(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P256K => &ECDSA_P256K1_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}

/// Computes the public point of a scalar with AWS-LC.
fn compute_public(crv: Curve, d: &[u8]) -> Result<Vec<u8>> {
    let curve = EcParameters::NamedCurve(curve_oid(crv));
    let key = EcPrivateKey { private_key: d, parameters: Some(curve), public_key: None };
    let mut der = key.to_der()?;
    let pair = EcdsaKeyPair::from_private_key_der(signing_algorithm(crv), &der);
    der.zeroize();
    Ok(pair.map_err(|_| Error::UnsupportedKey)?.public_key().as_ref().to_vec())
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.material.key_type())
    }
}
