//! Backs up a certificate: returns it with its companion key and secret in one encrypted value.

use super::{CertificatePath, LiveCertificate};
use crate::backup::{CertificateRecord, CertificateVersionRecord, SecretRecord, SecretVersionRecord};
use crate::model::audit_entry::Meter;
use crate::model::limit;
use crate::model::name::{KeyName, SecretName};
use crate::model::resource_kind::Resource;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result, Timestamp};
use crate::ops::secrets::unseal;
use crate::ops::{Cx, Done, Operation, key_material};

/// Backs up a certificate with its policy and all its versions
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/backup-certificate/backup-certificate>). The private keys are wrapped in
/// the token. The backup can be restored to vaults of the same subscription and geography.
#[derive(Clone, Debug)]
pub struct BackupCertificate {
    /// The certificate.
    pub certificate: CertificatePath,
}

impl Operation for BackupCertificate {
    const NAME: &'static str = "BackupCertificate";
    const EVENT: &'static str = "CertificateBackup";
    const ACTION: VaultAction = VaultAction::CertificateBackup;
    const METER: Meter = Meter::Management;
    const IS_RPC: bool = false;
    type Target = LiveCertificate;
    type Reply = Vec<u8>;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    /// Rejects a certificate with more than 500 versions
    /// (<https://learn.microsoft.com/azure/key-vault/general/backup#limitations>), and one whose first version is not issued.
    fn check(&self, LiveCertificate(certificate): &LiveCertificate, _: Timestamp) -> Result<()> {
        if certificate.versions.is_empty() {
            return Err(Error::NotFound(Resource::certificate(&certificate.vault, &certificate.name)));
        }
        limit::BACKUP_VERSIONS.check_capacity(certificate.versions.len().saturating_sub(1))
    }

    async fn execute(self, LiveCertificate(certificate): LiveCertificate, cx: &Cx) -> Result<Done<Vec<u8>>> {
        let missing = || Error::internal("a certificate has no companions");
        let key = cx.store.key(&cx.container.id(), &KeyName::from(&certificate.name)).ok_or_else(missing)?;
        let name = SecretName::from(&certificate.name);
        let secret = cx.store.secret(&certificate.vault, &name).ok_or_else(missing)?;
        let mut versions = Vec::with_capacity(secret.versions.len());
        for version in &secret.versions {
            versions.push(SecretVersionRecord::of(version, unseal(cx, version).await?));
        }
        let record = CertificateRecord {
            name: certificate.name.clone(),
            policy: certificate.policy.clone(),
            versions: certificate
                .versions
                .iter()
                .map(|version| CertificateVersionRecord {
                    version: version.version,
                    der: version.der.clone(),
                    keep_order: version.keep_order,
                    notices: version.notices.bits(),
                })
                .collect(),
            key: key_material::wrapped_for_vault(&key, cx).await?,
            secret: SecretRecord { name: secret.name.clone(), versions },
        };
        Ok(Done::reply(cx.security_worlds.seal(&record, cx.vault()?).await?))
    }
}
