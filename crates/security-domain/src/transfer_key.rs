//! The transfer key document: the certificate that a new HSM offers, for which the restore blob is encrypted.

use serde::{Deserialize, Serialize};

use crate::base64::{base64, base64url, decode_base64};
use crate::certificate::Certificate;
use crate::error::{Document, Error};
use crate::json::{parse, print};

/// The certificate of a transfer key, which azure-cli calls the exchange key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferKey(Certificate);

/// The document. The key is a JSON text in a string: azure-cli parses it twice.
#[derive(Deserialize, Serialize)]
struct DocumentJson {
    key_format: String,
    transfer_key: String,
}

/// The key, with the members that Azure sends, in alphabetical order.
#[derive(Serialize)]
struct JwkJson {
    alg: &'static str,
    e: String,
    key_ops: [&'static str; 3],
    kid: &'static str,
    kty: &'static str,
    n: String,
    x5c: [String; 1],
    #[serde(rename = "x5t#S256")]
    x5t_s256: String,
}

/// The member of the key that is read; the certificate contains the others.
#[derive(Deserialize)]
struct CertificateJson {
    x5c: Vec<String>,
}

impl TransferKey {
    /// The transfer key of this certificate.
    pub const fn new(certificate: Certificate) -> Self {
        Self(certificate)
    }

    /// Reads the PEM file that `az keyvault security-domain init-recovery` writes.
    ///
    /// # Errors
    ///
    /// [`Error::NotACertificate`] and [`Error::UnsupportedCertificate`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Certificate::from_pem(text).map(Self)
    }

    /// Parses the document.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::Json`], [`Error::Invalid`], [`Error::NotACertificate`] and
    /// [`Error::UnsupportedCertificate`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let DocumentJson { key_format, transfer_key } = parse(Document::TransferKey, text)?;
        if key_format != "jwk" {
            return Err(Error::invalid(Document::TransferKey, "its format is not jwk"));
        }
        let CertificateJson { x5c } = parse(Document::TransferKey, &transfer_key)?;
        let der = x5c.first().and_then(|text| decode_base64(text)).ok_or(Error::NotACertificate)?;
        Certificate::from_der(&der).map(Self)
    }

    /// The text of the document.
    ///
    /// # Errors
    ///
    /// [`Error::Library`] if it cannot be written.
    pub fn to_text(&self) -> Result<String, Error> {
        let key = JwkJson {
            alg: "RSA-OAEP-256",
            e: base64url(self.0.exponent()),
            key_ops: ["wrapKey", "verify", "encrypt"],
            kid: "not used",
            kty: "RSA",
            n: base64url(self.0.modulus()),
            x5c: [base64(self.0.der())],
            x5t_s256: self.0.thumbprint().to_string(),
        };
        print(&DocumentJson { key_format: "jwk".to_owned(), transfer_key: print(&key)? })
    }

    /// The certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.0
    }
}
