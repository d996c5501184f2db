//! Restores a certificate from a backup.

use std::sync::Arc;

use super::CertificateBundle;
use crate::backup::{CertificateRecord, CertificateVersionRecord};
use crate::certificate;
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, CertificateId, CertificateNotices, CertificateVersion};
use crate::model::change::{Change, RestoredCertificate};
use crate::model::key::Key;
use crate::model::limit;
use crate::model::name::{KeyName, SecretName, VaultName};
use crate::model::secret::Secret;
use crate::model::vault_rbac::{ObjectScope, VaultAction};
use crate::model::{Error, Result};
use crate::ops::key_material::OpenedKeyBackup;
use crate::ops::keys::{RESTORE_LOCK, check_objects_absent};
use crate::ops::secrets::restored_secret;
use crate::ops::{Cx, Done, Operation, Target, VaultPlane};
use crate::store::Store;

/// Restores a certificate with all its versions and its companions, under its former name and identifiers
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/restore-certificate/restore-certificate>). The backup must have been made
/// in a vault of the same subscription and geography, and no certificate, key or secret, live or deleted, has the name.
#[derive(Clone, Debug)]
pub struct RestoreCertificate {
    /// The vault.
    pub vault: VaultName,
    /// The backup.
    pub backup: Vec<u8>,
}

impl Operation for RestoreCertificate {
    const NAME: &'static str = "RestoreCertificate";
    const EVENT: &'static str = "CertificateRestore";
    const ACTION: VaultAction = VaultAction::CertificateRestore;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = RestoredCertificateName;
    type Reply = CertificateBundle;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: RestoredCertificateName, cx: &Cx) -> Result<Done<CertificateBundle>> {
        let record: CertificateRecord = cx.security_worlds.open(&self.backup, cx.vault()?).await?;
        check_absent(&record, cx)?;
        let CertificateRecord { name, policy, versions, key, secret } = record;
        let key_backup = OpenedKeyBackup::of_vault(key);
        let key = Key { managed: true, ..key_backup.to_key(cx)? };
        check_objects_absent(&key, cx)?;
        let secret = Secret { managed: true, ..restored_secret(secret, cx).await? };
        let versions = versions.iter().zip(&secret.versions).map(|(record, secret)| {
            let certificate = certificate::Certificate::from_der(&record.der).map_err(malformed)?;
            Ok(Arc::new(CertificateVersion {
                version: record.version,
                thumbprint: *certificate.thumbprint(),
                der: record.der.clone(),
                attributes: secret.attributes,
                tags: secret.tags.clone(),
                keep_order: record.keep_order,
                notices: CertificateNotices::from_bits(record.notices),
            }))
        });
        let versions: Vec<_> = versions.collect::<Result<_>>()?;
        let first =
            versions.first().ok_or_else(|| Error::internal("a restored certificate has no version"))?;
        let certificate = Certificate {
            vault: cx.vault()?.name.clone(),
            name,
            first: first.version,
            versions,
            policy,
            pending: None,
            renewal: Default::default(),
            deletion: None,
        };
        key_backup.unwrap(cx).await?;
        let reply = CertificateBundle::current(Arc::new(certificate.clone()), cx.recovery_level());
        let restored = RestoredCertificate { certificate, key, secret };
        Ok(Done::with(reply, [Change::RestoreCertificate(Box::new(restored))]))
    }
}

fn malformed(error: certificate::Error) -> Error {
    Error::MalformedBackup { why: error.to_string() }
}

/// Checks that nothing has the name. Checked before the token is used; the store checks again when it applies the change.
fn check_absent(record: &CertificateRecord, cx: &Cx) -> Result<()> {
    let vault = &cx.vault()?.name;
    let name = &record.name;
    let known = [
        cx.store.certificate(vault, name).map(|known| known.deletion.is_some()),
        cx.store.key(&cx.container.id(), &KeyName::from(name)).map(|known| known.deletion.is_some()),
        cx.store.secret(vault, &SecretName::from(name)).map(|known| known.deletion.is_some()),
    ];
    if known.iter().any(Option::is_some) {
        let version = record.versions.last().map(|CertificateVersionRecord { version, .. }| *version);
        let id = CertificateId { vault: vault.clone(), name: name.clone(), version };
        return Err(Error::Exists { resource: (&id).into(), deleted: known.contains(&Some(true)) });
    }
    limit::CERTIFICATES.check_capacity(cx.store.certificate_count(vault))
}

/// The certificate of a backup, whose name is not known before the backup is decrypted. All restores of objects with keys have one lock.
#[derive(Debug)]
pub struct RestoredCertificateName;

impl Target for RestoredCertificateName {
    type Plane = VaultPlane;
    type Id = VaultName;

    fn container(id: &VaultName) -> VaultName {
        id.clone()
    }

    fn scope(_: &VaultName, _: &Store) -> ObjectScope {
        ObjectScope::Vault
    }

    fn describe(id: &VaultName) -> String {
        format!("vaults/{id}/certificates")
    }

    fn lock(_: &VaultName) -> String {
        RESTORE_LOCK.to_owned()
    }

    fn load(_: &VaultName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}
