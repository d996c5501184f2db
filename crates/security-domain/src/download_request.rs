//! The body of a download: for which certificates the security domain is encrypted, and how many of them restore it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use serde::Deserialize;

use crate::base64::{decode_base64, decode_base64url};
use crate::certificate::{Certificate, without_leading_zeros};
use crate::error::{Document, Error};
use crate::json::parse;

/// How many certificates a security domain is encrypted for.
pub const CERTIFICATES: RangeInclusive<usize> = 3..=10;
/// How many private keys restore it.
pub const QUORUM: RangeInclusive<usize> = 2..=10;

/// Certificates with different keys, and the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadRequest {
    certificates: Vec<Certificate>,
    quorum: usize,
}

#[derive(Deserialize)]
struct RequestJson {
    certificates: Vec<JwkJson>,
    required: usize,
}

/// A certificate as a JSON Web Key (RFC 7517, section 4). Clients differ in the optional members that they send.
#[derive(Deserialize)]
struct JwkJson {
    kty: String,
    n: String,
    e: String,
    x5c: Vec<String>,
    alg: Option<String>,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
}

impl DownloadRequest {
    /// Checks the numbers, and that all keys are different.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if there are not 3 to 10 certificates, or the quorum is not 2 to their number, and
    /// [`Error::DuplicateCertificate`].
    pub fn new(certificates: Vec<Certificate>, quorum: usize) -> Result<Self, Error> {
        let invalid = |problem| Err(Error::invalid(Document::DownloadRequest, problem));
        if !CERTIFICATES.contains(&certificates.len()) {
            return invalid("it does not have 3 to 10 certificates");
        }
        if !QUORUM.contains(&quorum) || quorum > certificates.len() {
            return invalid("the quorum is not between 2 and the number of certificates");
        }
        let mut keys = BTreeSet::new();
        match certificates.iter().find(|certificate| !keys.insert(certificate.modulus())) {
            Some(certificate) => Err(Error::DuplicateCertificate(certificate.thumbprint())),
            None => Ok(Self { certificates, quorum }),
        }
    }

    /// Parses a request. The members of each certificate must match the certificate in its `x5c`.
    ///
    /// # Errors
    ///
    /// As [`Self::new`], and [`Error::TooLarge`], [`Error::Json`], [`Error::NotACertificate`],
    /// [`Error::UnsupportedCertificate`] and [`Error::CertificateMismatch`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let RequestJson { certificates, required } = parse(Document::DownloadRequest, text)?;
        if !CERTIFICATES.contains(&certificates.len()) {
            // Before the certificates are parsed: their number has a limit.
            return Self::new(Vec::new(), required);
        }
        Self::new(certificates.iter().map(JwkJson::certificate).collect::<Result<_, _>>()?, required)
    }

    /// The certificates.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How many private keys restore the security domain.
    pub const fn quorum(&self) -> usize {
        self.quorum
    }
}

impl JwkJson {
    fn certificate(&self) -> Result<Certificate, Error> {
        let der = self.x5c.first().and_then(|text| decode_base64(text)).ok_or(Error::NotACertificate)?;
        let certificate = Certificate::from_der(&der)?;
        let number = |text: &str, expected: &[u8]| {
            decode_base64url(text).is_some_and(|bytes| without_leading_zeros(&bytes) == expected)
        };
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &der);
        let sha256 = digest(&SHA256, &der);
        let thumbprint = |text: &Option<String>, expected: &[u8]| {
            text.as_ref().is_none_or(|text| decode_base64url(text).is_some_and(|bytes| bytes == expected))
        };
        let members = [
            ("kty", self.kty == "RSA"),
            ("alg", self.alg.as_ref().is_none_or(|alg| alg == "RSA-OAEP-256")),
            ("n", number(&self.n, certificate.modulus())),
            ("e", number(&self.e, certificate.exponent())),
            ("x5t", thumbprint(&self.x5t, sha1.as_ref())),
            ("x5t#S256", thumbprint(&self.x5t_s256, sha256.as_ref())),
        ];
        match members.into_iter().find(|(_, matches)| !matches) {
            Some((member, _)) => {
                Err(Error::CertificateMismatch { thumbprint: certificate.thumbprint(), member })
            }
            None => Ok(certificate),
        }
    }
}
