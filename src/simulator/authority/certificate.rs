//! Client certificates of applications, whose public keys verify client assertions.

use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::identity::system_clock;
use crate::model::{Error, Field, Result};

/// The accepted sizes of RSA keys, in bits; the upper limit is that of AWS-LC.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A registered certificate with an RSA key. Registration makes it trusted; its issuer is not verified.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientCertificate {
    der: Vec<u8>,
    key: DecodingKey,
    sha1: Vec<u8>,
    sha256: Vec<u8>,
    /// `notBefore` and `notAfter`, in Unix seconds.
    validity: (i64, i64),
}

impl ClientCertificate {
    /// Parses the first certificate of a PEM file; a private key in it is ignored.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the file has no certificate, or its key is not RSA with 2048 to 8192 bits.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        match CertificateDer::pem_slice_iter(pem).next() {
            Some(Ok(der)) => Self::from_der(der.as_ref()),
            _ => Err(wrong("the file contains no certificate")),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| wrong("it is not an X.509 certificate"))?;
        if !rest.is_empty() {
            return Err(wrong("it has trailing data"));
        }
        let key = match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(key)) if BITS.contains(&key.key_size()) => {
                // A DER INTEGER has a leading zero byte if it would be negative otherwise; the verifier rejects it.
                let modulus = key.modulus.strip_prefix(&[0]).unwrap_or(key.modulus);
                DecodingKey::from_rsa_raw_components(modulus, key.exponent)
            }
            _ => return Err(wrong("its key is not RSA with 2048 to 8192 bits")),
        };
        let validity = certificate.validity();
        Ok(Self {
            der: der.to_vec(),
            key,
            sha1: digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref().to_vec(),
            sha256: digest(&SHA256, der).as_ref().to_vec(),
            validity: (validity.not_before.timestamp(), validity.not_after.timestamp()),
        })
    }

    /// Whether this is the certificate's SHA-1 or SHA-256 thumbprint.
    pub(super) fn has_thumbprint(&self, thumbprint: &[u8]) -> bool {
        thumbprint == self.sha1 || thumbprint == self.sha256
    }

    /// Returns the public key.
    pub(super) const fn key(&self) -> &DecodingKey {
        &self.key
    }

    /// Returns `notBefore` and `notAfter`, in Unix seconds.
    pub(super) const fn validity(&self) -> (i64, i64) {
        self.validity
    }

    /// Whether the certificate is valid now and for at least `days` more days.
    pub(super) fn is_valid_for(&self, days: i64) -> bool {
        let now = i64::try_from(system_clock::unix_seconds()).unwrap_or(i64::MAX);
        let (from, until) = self.validity;
        from <= now && now.saturating_add(days.saturating_mul(24 * 60 * 60)) < until
    }
}

fn wrong(why: &str) -> Error {
    Error::invalid(Field::Certificate, why)
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for ClientCertificate {}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", hex(&self.sha1))
    }
}

impl TryFrom<String> for ClientCertificate {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let der = STANDARD.decode(text).map_err(|_| wrong("it is not Base64"))?;
        Self::from_der(&der)
    }
}

impl From<ClientCertificate> for String {
    fn from(certificate: ClientCertificate) -> Self {
        STANDARD.encode(certificate.der)
    }
}

/// Formats a thumbprint as upper-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
