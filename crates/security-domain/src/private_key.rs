//! Private keys of certificates, in PEM, with or without a passphrase.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use pkcs8::der::Decode as _;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::error::Error;
use crate::pem;

/// `rsaEncryption` (RFC 8017, appendix C).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// An RSA private key that decrypts in software.
pub struct PrivateKey {
    key: PrivateDecryptingKey,
}

impl PrivateKey {
    /// Reads the first private key of a PEM file: PKCS#8 (RFC 5958), encrypted PKCS#8 with PBES2 (RFC 8018), or PKCS#1
    /// (RFC 8017). The passphrase of a key that is not encrypted is ignored.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPrivateKey`], [`Error::PassphraseRequired`] and [`Error::PrivateKeyNotDecrypted`].
    pub fn from_pem(text: &str, passphrase: Option<&[u8]>) -> Result<Self, Error> {
        if let Some(der) = pem::block(text, "PRIVATE KEY") {
            return Self::from_pkcs8(&der);
        }
        if let Some(der) = pem::block(text, "RSA PRIVATE KEY") {
            return Self::from_pkcs1(&der);
        }
        let encrypted = pem::block(text, "ENCRYPTED PRIVATE KEY").ok_or(Error::NotAPrivateKey)?;
        let encrypted =
            EncryptedPrivateKeyInfoRef::from_der(&encrypted).map_err(|_| Error::NotAPrivateKey)?;
        let passphrase = passphrase.ok_or(Error::PassphraseRequired)?;
        let decrypted = encrypted.decrypt(passphrase).map_err(|_| Error::PrivateKeyNotDecrypted)?;
        Self::from_pkcs8(decrypted.as_bytes())
    }

    /// Reads a private key in DER, as PKCS#8.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPrivateKey`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| Error::NotAPrivateKey)?;
        Ok(Self { key })
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, Error> {
        let key = OctetStringRef::new(der).map_err(|_| Error::NotAPrivateKey)?;
        let parameters = Some(pkcs8::der::AnyRef::NULL);
        let info = PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid: RSA, parameters }, key);
        let document = SecretDocument::try_from(info).map_err(|_| Error::NotAPrivateKey)?;
        Self::from_pkcs8(document.as_bytes())
    }

    /// Decrypts with RSA-OAEP and SHA-256. `None` if the ciphertext is not for this key.
    pub fn unwrap_key(&self, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = OaepPrivateDecryptingKey::new(self.key.clone()).ok()?;
        let mut plaintext = Zeroizing::new(vec![0; key.min_output_size()]);
        let len = key.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut plaintext, None).ok()?.len();
        plaintext.truncate(len);
        Some(plaintext)
    }

    fn belongs_to(&self, certificate: &Certificate) -> bool {
        let public: Result<PublicKeyX509Der<'_>, _> = self.key.public_key().as_der();
        public.is_ok_and(|public| public.as_ref() == certificate.public_key_der())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// A private key with its certificate.
#[derive(Debug)]
pub struct WrappingKey {
    certificate: Certificate,
    key: PrivateKey,
}

impl WrappingKey {
    /// Combines a certificate with its private key.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPrivateKey`] if the private key is another one.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, Error> {
        if key.belongs_to(&certificate) {
            Ok(Self { certificate, key })
        } else {
            Err(Error::WrongPrivateKey(certificate.thumbprint()))
        }
    }

    /// The certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The private key.
    pub const fn key(&self) -> &PrivateKey {
        &self.key
    }
}
