//! The record of a certificate of a vault in a backup: its policy and versions, with its companion key and secret.

use serde::{Deserialize, Serialize};

use crate::model::base64;
use crate::model::certificate::CertificatePolicy;
use crate::model::name::{CertificateName, VersionId};
use crate::object_backup::ObjectRecord;
use crate::secret_record::SecretRecord;
use crate::vault_key_record::VaultKeyRecord;

/// A certificate with all its versions, oldest first. Attributes and tags of a version are those of its secret.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    /// Its name in the original spelling.
    pub name: CertificateName,
    /// How the next version is made.
    pub policy: CertificatePolicy,
    /// Its versions.
    pub versions: Vec<CertificateVersionRecord>,
    /// The companion key, with wrapped material.
    pub key: VaultKeyRecord,
    /// The companion secret.
    pub secret: SecretRecord,
}

/// A version of a certificate.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateVersionRecord {
    /// The identifier, which key and secret have too.
    pub version: VersionId,
    /// The certificate in DER.
    #[serde(with = "base64::base64url")]
    pub der: Vec<u8>,
    /// Whether the secret keeps the order of the certificates.
    pub keep_order: bool,
    /// The notices given, as a bit mask.
    pub notices: u8,
}

impl CertificateRecord {
    fn version_ids(&self) -> impl Iterator<Item = VersionId> {
        self.versions.iter().map(|version| version.version)
    }
}

impl ObjectRecord for CertificateRecord {
    const NOUN: &'static str = "certificate";
    // assumption: named as the backups of secrets are, which are recorded.
    const MAGIC: &'static [u8] = b"\x2eAzureKeyVaultCertificateBackupV1.microsoft.com";

    fn json_capacity(&self) -> usize {
        let certificates: usize = self.versions.iter().map(|version| 2 * version.der.len() + 256).sum();
        // A policy has at most some hundred names of at most a few hundred bytes.
        let policy = 1024 * 1024;
        self.key.json_capacity() + self.secret.json_capacity() + certificates + policy
    }

    fn is_valid(&self) -> bool {
        let names = [self.key.key.name().as_str(), self.secret.name.as_str()];
        !self.versions.is_empty()
            && names.iter().all(|name| name.eq_ignore_ascii_case(self.name.as_str()))
            && self.version_ids().eq(self.key.key.version_ids())
            && self.version_ids().eq(self.secret.versions.iter().map(|version| version.version))
            && self.key.is_valid()
            && self.secret.is_valid()
    }
}
