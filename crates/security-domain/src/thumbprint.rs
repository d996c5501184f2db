//! Thumbprints of certificates.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::base64::{base64url, decode_base64url};

/// The SHA-256 digest of a certificate (`x5t#S256`, RFC 7517, section 4.9). Printed as base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        decode_base64url(text)?.try_into().ok().map(Self)
    }

    pub(crate) fn of(der: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, der).as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
