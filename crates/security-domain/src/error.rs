//! The errors of this package.

use std::fmt;

use crate::thumbprint::Thumbprint;

/// A document of this package, as named in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The body of a download.
    DownloadRequest,
    /// The file that a download returns.
    SecurityDomain,
    /// The key that an HSM offers for the upload.
    TransferKey,
    /// The restore blob.
    Upload,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DownloadRequest => "the download request",
            Self::SecurityDomain => "the security domain file",
            Self::TransferKey => "the transfer key",
            Self::Upload => "the restore blob",
        })
    }
}

/// Why a document, a key or a secret is not usable. No text contains key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The document is larger than [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    #[error("{0} is larger than 1 MiB")]
    TooLarge(Document),
    /// The text is not JSON, or lacks a required member.
    #[error("{document} is not JSON with the expected members (line {line}, column {column})")]
    Json {
        /// The document.
        document: Document,
        /// Where parsing ended.
        line: usize,
        /// Where parsing ended.
        column: usize,
    },
    /// A value of the document is not permitted.
    #[error("{document} is invalid: {problem}")]
    Invalid {
        /// The document.
        document: Document,
        /// What is wrong.
        problem: &'static str,
    },
    /// The text contains no certificate in PEM, or a value is not the DER of one.
    #[error("not an X.509 certificate (RFC 5280)")]
    NotACertificate,
    /// The key of a certificate cannot be used.
    #[error("the certificate {0} has no RSA key of 2048 to 8192 bits")]
    UnsupportedCertificate(Thumbprint),
    /// The members of a certificate in a download request contradict the certificate.
    #[error("member {member} of certificate {thumbprint} does not match the certificate")]
    CertificateMismatch {
        /// The certificate.
        thumbprint: Thumbprint,
        /// The JSON member.
        member: &'static str,
    },
    /// Two certificates are the same, or have the same key.
    #[error("certificate {0} has the key of another certificate: a quorum counts different keys")]
    DuplicateCertificate(Thumbprint),
    /// The text contains no RSA private key in PEM that can be read.
    #[error("not an RSA private key in PEM (PKCS#8 or PKCS#1) of 2048 to 8192 bits")]
    NotAPrivateKey,
    /// The private key is encrypted, and no passphrase was given.
    #[error("the private key is encrypted, and no passphrase was given")]
    PassphraseRequired,
    /// The passphrase is wrong, or the encryption is none that this package supports.
    #[error("the private key cannot be decrypted: wrong passphrase, or not PBES2 with AES (RFC 8018)")]
    PrivateKeyNotDecrypted,
    /// The private key is not that of the certificate.
    #[error("the private key does not belong to certificate {0}")]
    WrongPrivateKey(Thumbprint),
    /// No share was made for this certificate.
    #[error("the security domain has no share for certificate {0}")]
    ForeignCertificate(Thumbprint),
    /// The same certificate was given twice.
    #[error("certificate {0} was given twice")]
    RepeatedCertificate(Thumbprint),
    /// Fewer private keys were given than the quorum.
    #[error("{given} private keys were given, but the quorum is {required}")]
    TooFewShares {
        /// The quorum.
        required: usize,
        /// The number of private keys.
        given: usize,
    },
    /// The share was modified, or is not encrypted for its certificate.
    #[error(
        "the share of certificate {0} cannot be decrypted: it was modified, or encrypted for another key"
    )]
    ShareNotDecrypted(Thumbprint),
    /// The share has no valid encoding, or has the number of another share.
    #[error("the share of certificate {0} is not a share of this security domain")]
    InvalidShare(Thumbprint),
    /// The shares are valid, but of different secrets.
    #[error("the shares do not belong together")]
    InconsistentShares,
    /// The data was modified, or the master secret is that of another security domain.
    #[error("the data {0} cannot be decrypted: it was modified, or a share is of another security domain")]
    DataNotDecrypted(String),
    /// The wrapped key was modified, or is not of this upload.
    #[error("the wrapped key of the restore blob cannot be decrypted")]
    WrappedKeyNotDecrypted,
    /// The cryptographic library failed for a reason other than its input.
    #[error("the cryptographic library failed")]
    Library,
}

impl Error {
    /// The certificate whose share or private key is the cause.
    pub const fn thumbprint(&self) -> Option<Thumbprint> {
        match self {
            Self::WrongPrivateKey(thumbprint)
            | Self::ForeignCertificate(thumbprint)
            | Self::RepeatedCertificate(thumbprint)
            | Self::ShareNotDecrypted(thumbprint)
            | Self::InvalidShare(thumbprint) => Some(*thumbprint),
            _ => None,
        }
    }

    pub(crate) const fn invalid(document: Document, problem: &'static str) -> Self {
        Self::Invalid { document, problem }
    }
}
