//! Arguments that name certificates and their versions.

use clap::Args;

use crate::cli::failure::Outcome;
use crate::cli::vault_object::ObjectRef;
use crate::model::certificate::CertificateId;
use crate::model::name::{CertificateName, VaultName, VersionId};

/// A reference to a certificate: its name alone, or its full resource name.
pub(super) type CertificateRef = ObjectRef<CertificateName>;

/// A certificate and optionally one of its versions. The default is the current version.
#[derive(Args, Clone, Debug)]
pub(super) struct CertificateTarget {
    /// Name of the certificate, or its full resource name
    #[arg(value_parser = CertificateRef::parse)]
    name: CertificateRef,
    /// Version of the certificate [default: the current one]
    #[arg(long, value_name = "VERSION")]
    version: Option<VersionId>,
}

impl CertificateTarget {
    /// Returns the id of the certificate or certificate version. `vault` is the default vault.
    pub(super) fn resolve(&self, vault: Outcome<VaultName>) -> Outcome<CertificateId> {
        let version = self.name.version(self.version)?;
        Ok(CertificateId { vault: self.name.vault(vault)?, name: self.name.name.clone(), version })
    }
}
