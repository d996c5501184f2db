//! Certificates with an RSA key: what shares and wrapped keys are encrypted for.

use std::fmt;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::error::Error;
use crate::pem;
use crate::thumbprint::Thumbprint;

/// A certificate with an RSA key of 2048 to 8192 bits. Its signature, issuer and validity period are not checked: it
/// names a key, and the caller vouches for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    thumbprint: Thumbprint,
    /// `SubjectPublicKeyInfo` in DER.
    public_key: Vec<u8>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    ///
    /// [`Error::NotACertificate`] and [`Error::UnsupportedCertificate`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(&pem::block(text, "CERTIFICATE").ok_or(Error::NotACertificate)?)
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`Error::NotACertificate`] and [`Error::UnsupportedCertificate`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let Ok((&[], certificate)) = X509Certificate::from_der(der) else {
            return Err(Error::NotACertificate);
        };
        let thumbprint = Thumbprint::of(der);
        let info = certificate.public_key();
        let Ok(PublicKey::RSA(rsa)) = info.parsed() else {
            return Err(Error::UnsupportedCertificate(thumbprint));
        };
        let certificate = Self {
            der: der.to_vec(),
            thumbprint,
            public_key: info.raw.to_vec(),
            modulus: without_leading_zeros(rsa.modulus).to_vec(),
            exponent: without_leading_zeros(rsa.exponent).to_vec(),
        };
        certificate.encrypting_key()?;
        Ok(certificate)
    }

    /// The digest that identifies the certificate.
    pub const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The certificate in PEM (RFC 7468).
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The `SubjectPublicKeyInfo` in DER (RFC 5280, section 4.1).
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key
    }

    /// The modulus of the key, without leading zeros.
    pub(crate) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent of the key, without leading zeros.
    pub(crate) fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// Encrypts with RSA-OAEP and SHA-256 (`RSA-OAEP-256`, RFC 7518, section 4.3).
    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.encrypting_key()?;
        let mut ciphertext = vec![0; key.ciphertext_size()];
        key.encrypt(&OAEP_SHA256_MGF1SHA256, plaintext, &mut ciphertext, None).map_err(|_| Error::Library)?;
        Ok(ciphertext)
    }

    /// The key for AWS-LC, which accepts 2048 to 8192 bits and valid exponents only.
    fn encrypting_key(&self) -> Result<OaepPublicEncryptingKey, Error> {
        let unsupported = || Error::UnsupportedCertificate(self.thumbprint);
        let key = PublicEncryptingKey::from_der(&self.public_key).map_err(|_| unsupported())?;
        OaepPublicEncryptingKey::new(key).map_err(|_| unsupported())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.thumbprint)
    }
}

/// A number without leading zeros. A DER integer has one if its first bit is set, and some clients send it in JSON.
pub(crate) fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
