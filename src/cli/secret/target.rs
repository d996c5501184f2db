//! Arguments that name secrets and their versions.

use clap::Args;

use crate::cli::failure::Outcome;
use crate::cli::vault_object::ObjectRef;
use crate::model::name::{SecretName, VaultName, VersionId};
use crate::model::secret::SecretId;

/// A reference to a secret: its name alone, or its full resource name.
pub(crate) type SecretRef = ObjectRef<SecretName>;

/// A secret and optionally one of its versions. The default is the current version.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecretTarget {
    /// Name of the secret, or its full resource name
    #[arg(value_parser = SecretRef::parse)]
    name: SecretRef,
    /// Version of the secret [default: the current one]
    #[arg(long, value_name = "VERSION")]
    version: Option<VersionId>,
}

impl SecretTarget {
    /// Returns the id of the secret or secret version. `vault` is the default vault.
    pub(super) fn resolve(&self, vault: Outcome<VaultName>) -> Outcome<SecretId> {
        let version = self.name.version(self.version)?;
        Ok(SecretId { vault: self.name.vault(vault)?, name: self.name.name.clone(), version })
    }
}
