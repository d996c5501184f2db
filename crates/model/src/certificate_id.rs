//! The identifiers of certificates and of their versions.

use std::fmt;

use super::name::{CertificateName, VaultName, VersionId};

/// Identifies a certificate, and one of its versions or the current one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CertificateId {
    /// The vault that holds the certificate.
    pub vault: VaultName,
    /// The certificate.
    pub name: CertificateName,
    /// One version, or `None` for the current one.
    pub version: Option<VersionId>,
}

impl fmt::Display for CertificateId {
    /// Writes its resource name on the gRPC surface.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vaults/{}/certificates/{}", self.vault, self.name)?;
        match self.version {
            Some(version) => write!(f, "/versions/{version}"),
            None => Ok(()),
        }
    }
}
