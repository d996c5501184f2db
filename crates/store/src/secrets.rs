//! The SQL of secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::TryStreamExt as _;

use super::case_insensitive::LowercaseObjectId;
use super::columns::{column, damaged, dated, instant, json, key_date, parsed, to_json};
use super::database::{Database, query};
use super::failure::Failure;
use super::objects::Staged;
use super::transaction::Transaction;
use crate::model::certificate::Certificate;
use crate::model::container::ContainerId;
use crate::model::key_date::KeyDate;
use crate::model::name::{SecretName, VaultName, VersionId};
use crate::model::retention::Deletion;
use crate::model::secret::{Secret, SecretAttributes, SecretVersion};
use crate::model::vault::Vault;
use crate::model::{Error, Result};

type Done = Result<(), Failure>;

/// The stored identifier of the vault of a secret, in lower case.
fn container_of(secret: &Secret) -> String {
    ContainerId::from(&secret.vault).to_case_insensitive()
}

/// The secret as it is after the changes of a transaction.
pub(super) fn planned(
    transaction: &Transaction<'_>,
    vault: &VaultName,
    name: &SecretName,
) -> Result<Arc<Secret>, Failure> {
    transaction
        .secret(vault, name)
        .ok_or_else(|| Failure::Refused(Error::internal("a planned secret is missing")))
}

/// Writes a secret without its versions, unless it exists.
pub(super) async fn insert(db: &mut Database, secret: &Secret) -> Done {
    let sql = "-- insert_secret
        INSERT INTO secrets (container, folded, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let query = query(sql)
        .bind(container_of(secret))
        .bind(secret.name.to_case_insensitive())
        .bind(secret.name.as_str());
    query.execute(db).await?;
    Ok(())
}

/// Writes a new version.
pub(super) async fn insert_version(db: &mut Database, secret: &Secret, version: VersionId) -> Done {
    let sql = "-- insert_secret_version
        INSERT INTO secret_versions (container, secret, version, position, value, content_type, enabled, not_before,
            expires, created, updated, tags)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let position = secret.versions.iter().position(|known| known.version == version).unwrap_or_default();
    let version = found(secret, version)?;
    let attributes = &version.attributes;
    query(sql)
        .bind(container_of(secret))
        .bind(secret.name.to_case_insensitive())
        .bind(version.version.to_string())
        .bind(i64::try_from(position).unwrap_or(i64::MAX))
        .bind(to_json(&version.value)?)
        .bind(version.content_type.as_deref())
        .bind(i64::from(attributes.enabled))
        .bind(attributes.not_before.map(KeyDate::as_microsecond))
        .bind(attributes.expires.map(KeyDate::as_microsecond))
        .bind(attributes.created.as_microsecond())
        .bind(attributes.updated.as_microsecond())
        .bind(to_json(&version.tags)?)
        .execute(db)
        .await?;
    Ok(())
}

/// Writes the new state of a version, except for its value, which does not change.
pub(super) async fn update_version(db: &mut Database, secret: &Secret, version: VersionId) -> Done {
    let sql = "-- update_secret_version
        UPDATE secret_versions SET content_type = $4, enabled = $5, not_before = $6, expires = $7, updated = $8, tags = $9
        WHERE container = $1 AND secret = $2 AND version = $3";
    let version = found(secret, version)?;
    let attributes = &version.attributes;
    query(sql)
        .bind(container_of(secret))
        .bind(secret.name.to_case_insensitive())
        .bind(version.version.to_string())
        .bind(version.content_type.as_deref())
        .bind(i64::from(attributes.enabled))
        .bind(attributes.not_before.map(KeyDate::as_microsecond))
        .bind(attributes.expires.map(KeyDate::as_microsecond))
        .bind(attributes.updated.as_microsecond())
        .bind(to_json(&version.tags)?)
        .execute(db)
        .await?;
    Ok(())
}

fn found(secret: &Secret, version: VersionId) -> Result<&SecretVersion, Failure> {
    secret
        .version(Some(version))
        .map(AsRef::as_ref)
        .ok_or_else(|| Failure::Refused(Error::internal("a planned version of a secret is missing")))
}

/// The dates of a secret's deletion.
pub(super) const DELETION: &str = "-- update_secret_deletion
    UPDATE secrets SET deleted_at = $3, scheduled_purge_at = $4 WHERE container = $1 AND folded = $2";

/// Deletes a secret with its versions.
pub(super) async fn delete(db: &mut Database, (container, folded): &LowercaseObjectId) -> Done {
    let versions = "-- delete_secret_versions
        DELETE FROM secret_versions WHERE container = $1 AND secret = $2";
    query(versions).bind(container).bind(folded).execute(&mut *db).await?;
    let sql = "-- delete_secret
        DELETE FROM secrets WHERE container = $1 AND folded = $2";
    query(sql).bind(container).bind(folded).execute(db).await?;
    Ok(())
}

/// Deletes all secrets of a vault. `container` is its stored identifier in lower case.
pub(super) async fn delete_all(db: &mut Database, container: &str) -> Done {
    let versions = "-- delete_all_secret_versions
        DELETE FROM secret_versions WHERE container = $1";
    query(versions).bind(container).execute(&mut *db).await?;
    let sql = "-- delete_all_secrets
        DELETE FROM secrets WHERE container = $1";
    query(sql).bind(container).execute(db).await?;
    Ok(())
}

/// Reads all secrets, in the form of changes. Those with the name of a certificate are its companions.
pub(super) async fn load(
    db: &mut Database,
    vaults: &[Arc<Vault>],
    certificates: &Staged<Certificate>,
) -> Result<Staged<Secret>> {
    let named = |vault: &Arc<Vault>| {
        let vault = vault.name.clone();
        (ContainerId::from(&vault).to_case_insensitive(), vault)
    };
    let names: BTreeMap<String, VaultName> = vaults.iter().map(named).collect();
    let mut secrets = BTreeMap::<LowercaseObjectId, Secret>::new();
    let sql = "-- load_secrets
        SELECT container, folded, name, deleted_at, scheduled_purge_at FROM secrets";
    let mut rows = query(sql).fetch(&mut *db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let id: LowercaseObjectId = (column(&row, "container")?, column(&row, "folded")?);
        let vault = names.get(&id.0).ok_or_else(|| damaged("a secret has no vault"))?.clone();
        let deletion = match instant(&row, "deleted_at")? {
            Some(deleted_at) => {
                Some(Deletion { deleted_at, scheduled_purge_at: dated(&row, "scheduled_purge_at")? })
            }
            None => None,
        };
        let managed = certificates.contains_key(&id);
        let secret = Secret { vault, name: parsed(&row, "name")?, versions: Vec::new(), deletion, managed };
        secrets.insert(id, secret);
    }
    drop(rows);
    let sql = "-- load_secret_versions
        SELECT container, secret, version, value, content_type, enabled, not_before, expires, created, updated, tags
        FROM secret_versions ORDER BY container, secret, position";
    let mut rows = query(sql).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let id: LowercaseObjectId = (column(&row, "container")?, column(&row, "secret")?);
        let secret = secrets.get_mut(&id).ok_or_else(|| damaged("a version has no secret"))?;
        secret.versions.push(Arc::new(SecretVersion {
            vault: secret.vault.clone(),
            name: secret.name.clone(),
            version: parsed(&row, "version")?,
            value: json(&row, "value")?,
            content_type: column(&row, "content_type")?,
            attributes: SecretAttributes {
                enabled: column::<i64>(&row, "enabled")? != 0,
                not_before: key_date(&row, "not_before")?,
                expires: key_date(&row, "expires")?,
                created: dated(&row, "created")?,
                updated: dated(&row, "updated")?,
            },
            tags: json(&row, "tags")?,
        }));
    }
    if let Some(secret) = secrets.values().find(|secret| secret.versions.is_empty()) {
        return Err(damaged(format!("secret {} has no version", secret.name)));
    }
    Ok(secrets.into_iter().map(|(id, secret)| (id, Some(Arc::new(secret)))).collect())
}
