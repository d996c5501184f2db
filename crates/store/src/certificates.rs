//! The SQL of certificates.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::TryStreamExt as _;

use super::case_insensitive::LowercaseObjectId;
use super::columns::{column, damaged, dated, instant, json, key_date, parsed, to_json};
use super::database::{Database, query};
use super::failure::{Done, Failure};
use super::objects::Staged;
use super::secrets;
use super::transaction::Transaction;
use crate::model::certificate::{Certificate, CertificateNotices, CertificateSettings, CertificateVersion};
use crate::model::container::ContainerId;
use crate::model::key_date::KeyDate;
use crate::model::name::{CertificateName, SecretName, VaultName, VersionId};
use crate::model::retention::Deletion;
use crate::model::secret::SecretAttributes;
use crate::model::vault::Vault;
use crate::model::{Error, Result};

/// The certificate as it is after the changes of a transaction.
pub(super) fn planned(
    transaction: &Transaction<'_>,
    vault: &VaultName,
    name: &CertificateName,
) -> Result<Arc<Certificate>, Failure> {
    transaction
        .certificate(vault, name)
        .ok_or_else(|| Failure::Refused(Error::internal("a planned certificate is missing")))
}

/// Writes a certificate without its versions.
pub(super) async fn put(db: &mut Database, certificate: &Certificate) -> Done {
    let sql = "-- put_certificate
        INSERT INTO certificates (container, folded, name, first, policy, pending, renewal) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (container, folded) DO UPDATE SET policy = excluded.policy, pending = excluded.pending,
            renewal = excluded.renewal";
    let pending = certificate.pending.as_ref().map(to_json).transpose()?;
    query(sql)
        .bind(ContainerId::from(&certificate.vault).to_case_insensitive())
        .bind(certificate.name.to_case_insensitive())
        .bind(certificate.name.as_str())
        .bind(certificate.first.to_string())
        .bind(to_json(&certificate.policy)?)
        .bind(pending)
        .bind(to_json(&certificate.renewal)?)
        .execute(db)
        .await?;
    Ok(())
}

/// Writes a new version, or the new attributes and tags of an existing one.
pub(super) async fn put_version(db: &mut Database, certificate: &Certificate, version: VersionId) -> Done {
    let sql = "-- put_certificate_version
        INSERT INTO certificate_versions (container, certificate, version, position, der, thumbprint, enabled, not_before,
            expires, created, updated, tags, keep_order, notices)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (container, certificate, version) DO UPDATE SET enabled = excluded.enabled,
            updated = excluded.updated, tags = excluded.tags, notices = excluded.notices";
    let position = certificate.versions.iter().position(|known| known.version == version);
    let missing = || Failure::Refused(Error::internal("a planned version of a certificate is missing"));
    let known = certificate.version(Some(version)).ok_or_else(missing)?;
    let attributes = &known.attributes;
    query(sql)
        .bind(ContainerId::from(&certificate.vault).to_case_insensitive())
        .bind(certificate.name.to_case_insensitive())
        .bind(version.to_string())
        .bind(i64::try_from(position.unwrap_or_default()).unwrap_or(i64::MAX))
        .bind(&known.der)
        .bind(&known.thumbprint[..])
        .bind(i64::from(attributes.enabled))
        .bind(attributes.not_before.map(KeyDate::as_microsecond))
        .bind(attributes.expires.map(KeyDate::as_microsecond))
        .bind(attributes.created.as_microsecond())
        .bind(attributes.updated.as_microsecond())
        .bind(to_json(&known.tags)?)
        .bind(i64::from(known.keep_order))
        .bind(i64::from(known.notices.bits()))
        .execute(db)
        .await?;
    Ok(())
}

/// Writes the notices of the current version, and the failed renewals.
pub(super) async fn put_notices(
    db: &mut Database,
    transaction: &Transaction<'_>,
    (vault, name): (&VaultName, &CertificateName),
) -> Done {
    let certificate = planned(transaction, vault, name)?;
    put(db, &certificate).await?;
    match certificate.current() {
        Some(current) => put_version(db, &certificate, current.version).await,
        None => Ok(()),
    }
}

/// Writes a certificate of a backup with its companion secret; its companion key is written already.
pub(super) async fn restore(
    db: &mut Database,
    transaction: &Transaction<'_>,
    restored: &Certificate,
) -> Done {
    let secret = secrets::planned(transaction, &restored.vault, &SecretName::from(&restored.name))?;
    secrets::insert(db, &secret).await?;
    for version in &secret.versions {
        secrets::insert_version(db, &secret, version.version).await?;
    }
    let certificate = planned(transaction, &restored.vault, &restored.name)?;
    put(db, &certificate).await?;
    for version in &certificate.versions {
        put_version(db, &certificate, version.version).await?;
    }
    Ok(())
}

/// Writes contacts and issuers of a vault.
pub(super) async fn put_settings(
    db: &mut Database,
    vault: &VaultName,
    settings: &CertificateSettings,
) -> Done {
    let sql = "-- put_certificate_settings
        INSERT INTO certificate_settings (container, settings) VALUES ($1, $2)
        ON CONFLICT (container) DO UPDATE SET settings = excluded.settings";
    let container = ContainerId::from(vault).to_case_insensitive();
    query(sql).bind(container).bind(to_json(settings)?).execute(db).await?;
    Ok(())
}

/// The dates of a certificate's deletion.
pub(super) const DELETION: &str = "-- update_certificate_deletion
    UPDATE certificates SET deleted_at = $3, scheduled_purge_at = $4 WHERE container = $1 AND folded = $2";

/// Deletes a certificate with its versions.
pub(super) async fn delete(db: &mut Database, (container, folded): &LowercaseObjectId) -> Done {
    let versions = "-- delete_certificate_versions
        DELETE FROM certificate_versions WHERE container = $1 AND certificate = $2";
    query(versions).bind(container).bind(folded).execute(&mut *db).await?;
    let sql = "-- delete_certificate
        DELETE FROM certificates WHERE container = $1 AND folded = $2";
    query(sql).bind(container).bind(folded).execute(db).await?;
    Ok(())
}

/// Deletes all certificates of a vault, and its contacts and issuers. `container` is its stored identifier in lower case.
pub(super) async fn delete_all(db: &mut Database, container: &str) -> Done {
    for sql in [
        "-- delete_all_certificate_versions
        DELETE FROM certificate_versions WHERE container = $1",
        "-- delete_all_certificates
        DELETE FROM certificates WHERE container = $1",
        "-- delete_certificate_settings
        DELETE FROM certificate_settings WHERE container = $1",
    ] {
        query(sql).bind(container).execute(&mut *db).await?;
    }
    Ok(())
}

/// Reads the contacts and issuers of all vaults, by the stored identifier of the vault in lower case.
pub(super) async fn load_settings(db: &mut Database) -> Result<BTreeMap<String, Arc<CertificateSettings>>> {
    let sql = "-- load_certificate_settings
        SELECT container, settings FROM certificate_settings";
    let mut found = BTreeMap::new();
    let mut rows = query(sql).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        found.insert(column(&row, "container")?, Arc::new(json(&row, "settings")?));
    }
    Ok(found)
}

/// Reads all certificates, in the form of changes.
pub(super) async fn load(db: &mut Database, vaults: &[Arc<Vault>]) -> Result<Staged<Certificate>> {
    let named = |vault: &Arc<Vault>| {
        let vault = vault.name.clone();
        (ContainerId::from(&vault).to_case_insensitive(), vault)
    };
    let names: BTreeMap<String, VaultName> = vaults.iter().map(named).collect();
    let mut certificates = BTreeMap::<LowercaseObjectId, Certificate>::new();
    let sql = "-- load_certificates
        SELECT container, folded, name, first, policy, pending, renewal, deleted_at, scheduled_purge_at FROM certificates";
    let mut rows = query(sql).fetch(&mut *db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let id: LowercaseObjectId = (column(&row, "container")?, column(&row, "folded")?);
        let deletion = match instant(&row, "deleted_at")? {
            Some(deleted_at) => {
                Some(Deletion { deleted_at, scheduled_purge_at: dated(&row, "scheduled_purge_at")? })
            }
            None => None,
        };
        let pending = match column::<Option<&str>>(&row, "pending")? {
            Some(_) => Some(json(&row, "pending")?),
            None => None,
        };
        let certificate = Certificate {
            vault: names.get(&id.0).ok_or_else(|| damaged("a certificate has no vault"))?.clone(),
            name: parsed(&row, "name")?,
            versions: Vec::new(),
            first: parsed(&row, "first")?,
            policy: json(&row, "policy")?,
            pending,
            renewal: json(&row, "renewal")?,
            deletion,
        };
        certificates.insert(id, certificate);
    }
    drop(rows);
    let sql = "-- load_certificate_versions
        SELECT container, certificate, version, der, thumbprint, enabled, not_before, expires, created, updated, tags,
            keep_order, notices
        FROM certificate_versions ORDER BY container, certificate, position";
    let mut rows = query(sql).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let id: LowercaseObjectId = (column(&row, "container")?, column(&row, "certificate")?);
        let certificate = certificates.get_mut(&id).ok_or_else(|| damaged("a version has no certificate"))?;
        let thumbprint = <[u8; 20]>::try_from(column::<&[u8]>(&row, "thumbprint")?);
        certificate.versions.push(Arc::new(CertificateVersion {
            version: parsed(&row, "version")?,
            der: column(&row, "der")?,
            thumbprint: thumbprint.map_err(damaged)?,
            attributes: SecretAttributes {
                enabled: column::<i64>(&row, "enabled")? != 0,
                not_before: key_date(&row, "not_before")?,
                expires: key_date(&row, "expires")?,
                created: dated(&row, "created")?,
                updated: dated(&row, "updated")?,
            },
            tags: json(&row, "tags")?,
            keep_order: column::<i64>(&row, "keep_order")? != 0,
            notices: CertificateNotices::from_bits(
                u8::try_from(column::<i64>(&row, "notices")?).map_err(damaged)?,
            ),
        }));
    }
    Ok(certificates.into_iter().map(|(id, certificate)| (id, Some(Arc::new(certificate)))).collect())
}
