//! The errors of this package.

/// Why a document is not usable or cannot be made. No text contains key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value is not the DER of a certificate.
    #[error("not an X.509 certificate (RFC 5280)")]
    NotACertificate,
    /// The file is not PKCS#12, uses an unsupported cipher, or the password is wrong. As recorded from Azure.
    #[error(
        "The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 format."
    )]
    UnreadablePkcs12,
    /// The text is not PEM of a private key and certificates. As recorded from Azure.
    #[error(
        "The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate is in valid PEM format."
    )]
    UnreadablePem,
    /// The value is none of the formats of an import.
    #[error("the value is neither PKCS#12 in base64 nor PEM")]
    UnknownFormat,
    /// The import has certificates only.
    #[error("the certificate has no private key")]
    NoPrivateKey,
    /// The import has no certificate of its private key.
    #[error("none of the certificates has the public key of the private key")]
    NoMatchingCertificate,
    /// The import has too many certificates.
    #[error("limit reached: at most {} certificates in a bundle", crate::MAX_CERTIFICATES)]
    TooManyCertificates,
    /// The key is not one that vaults have.
    #[error("the key is neither RSA with 2048, 3072 or 4096 bits nor EC on P-256, P-256K, P-384 or P-521")]
    UnsupportedKey,
    /// A signature does not have the length that its algorithm has.
    #[error("the signature has an unexpected length")]
    InvalidSignature,
    /// A value of a policy cannot be encoded.
    #[error("the certificate cannot be encoded: {0}")]
    Encoding(der::Error),
}

impl From<der::Error> for Error {
    fn from(error: der::Error) -> Self {
        Self::Encoding(error)
    }
}
