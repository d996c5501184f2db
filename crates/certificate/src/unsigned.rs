//! Certificates and requests before they are signed.

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Any, Decode as _, Encode as _, Sequence};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::model::algorithm::{Hash, SignatureAlgorithm};
use crate::model::key::{Curve, KeyType};
use crate::oid;
use crate::{Error, Result};

/// A certificate or request without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    to_be_signed: Vec<u8>,
    key_type: KeyType,
    algorithm: SignatureAlgorithm,
}

/// `SIGNED` (X.509, clause 6.1.2): what certificates and requests have in common.
#[derive(Sequence)]
struct Signed<'a> {
    to_be_signed: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

/// `ECDSA-Sig-Value` (RFC 3279, section 2.2.3).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Returns the algorithm with which a key of this type signs certificates: the hash is as wide as the curve, and SHA-256 for RSA, as
/// recorded from Azure.
///
/// # Errors
/// [`Error::UnsupportedKey`] for a secret key.
const fn signature_algorithm(signer: KeyType) -> Result<SignatureAlgorithm> {
    Ok(match signer {
        KeyType::Rsa { .. } => SignatureAlgorithm::Rs256,
        KeyType::Ec { curve: Curve::P256 } => SignatureAlgorithm::Es256,
        KeyType::Ec { curve: Curve::P256K } => SignatureAlgorithm::Es256K,
        KeyType::Ec { curve: Curve::P384 } => SignatureAlgorithm::Es384,
        KeyType::Ec { curve: Curve::P521 } => SignatureAlgorithm::Es512,
        KeyType::Oct { .. } => return Err(Error::UnsupportedKey),
    })
}

/// Returns the identifier of the algorithm with which a key of this type signs.
pub(crate) fn algorithm_identifier(signer: KeyType) -> Result<AlgorithmIdentifierOwned> {
    let (oid, parameters) = match signature_algorithm(signer)? {
        SignatureAlgorithm::Es256 | SignatureAlgorithm::Es256K => (oid::ECDSA_WITH_SHA256, None),
        SignatureAlgorithm::Es384 => (oid::ECDSA_WITH_SHA384, None),
        SignatureAlgorithm::Es512 => (oid::ECDSA_WITH_SHA512, None),
        _ => (oid::SHA256_WITH_RSA, Some(Any::null())),
    };
    Ok(AlgorithmIdentifierOwned { oid, parameters })
}

impl Unsigned {
    pub(crate) fn new(to_be_signed: Vec<u8>, signer: KeyType) -> Result<Self> {
        Ok(Self { to_be_signed, key_type: signer, algorithm: signature_algorithm(signer)? })
    }

    /// Returns the algorithm of the signature.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Returns the bytes over which the signature is made.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// Returns the digest that the algorithm signs.
    pub fn digest(&self) -> Vec<u8> {
        let hash = match self.algorithm.hash() {
            Some(Hash::Sha384) => &SHA384,
            Some(Hash::Sha512) => &SHA512,
            _ => &SHA256,
        };
        digest(hash, &self.to_be_signed).as_ref().to_vec()
    }

    /// Returns the certificate or request in DER. An ECDSA signature is given in JOSE form, `r || s`.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] if the signature has another length than the key's signatures have.
    pub fn assemble(&self, signature: &[u8]) -> Result<Vec<u8>> {
        if signature.len() != self.algorithm.signature_len(self.key_type) {
            return Err(Error::InvalidSignature);
        }
        let encoded = match self.key_type {
            KeyType::Ec { curve } => {
                let (r, s) = signature.split_at(curve.field_len());
                EcdsaSignature { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der()?
            }
            KeyType::Rsa { .. } | KeyType::Oct { .. } => signature.to_vec(),
        };
        let signed = Signed {
            to_be_signed: AnyRef::from_der(&self.to_be_signed)?,
            algorithm: algorithm_identifier(self.key_type)?,
            signature: BitStringRef::from_bytes(&encoded)?,
        };
        Ok(signed.to_der()?)
    }
}
