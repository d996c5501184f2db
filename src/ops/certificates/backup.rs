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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::certificate::x509_properties::X509Members;
    use crate::model::certificate::{Certificate, CertificatePolicy, CertificateVersion, PolicyMembers};
    use crate::model::name::VersionId;
    use crate::model::secret::SecretAttributes;

    fn certificate(versions: usize) -> LiveCertificate {
        let now = Timestamp::UNIX_EPOCH;
        let x509 = X509Members { subject: Some("CN=a".to_owned()), ..X509Members::default() };
        let members = PolicyMembers { x509: Some(x509), ..PolicyMembers::default() };
        let attributes =
            SecretAttributes { enabled: true, not_before: None, expires: None, created: now, updated: now };
        let version = Arc::new(CertificateVersion {
            version: VersionId::from_bytes([1; 16]),
            der: Vec::new(),
            thumbprint: [0; 20],
            attributes,
            tags: Default::default(),
            keep_order: false,
            notices: Default::default(),
        });
        LiveCertificate(Arc::new(Certificate {
            vault: "demo".parse().unwrap(),
            name: "web".parse().unwrap(),
            first: version.version,
            versions: vec![version; versions],
            policy: CertificatePolicy::new(members, false, now).unwrap(),
            pending: None,
            renewal: Default::default(),
            deletion: None,
        }))
    }

    #[test]
    fn backups_have_1_to_500_versions() {
        let check = |versions| {
            let LiveCertificate(known) = certificate(versions);
            let operation = BackupCertificate { certificate: CertificatePath::from(&*known) };
            operation.check(&LiveCertificate(known), Timestamp::UNIX_EPOCH)
        };
        assert!(check(1).is_ok() && check(500).is_ok());
        assert!(matches!(check(501), Err(Error::LimitExceeded { limit: 500, .. })));
        assert!(matches!(check(0), Err(Error::NotFound(_))));
    }
}
