//! The SQL that writes changes. Each statement starts with its name in a comment, for logs and query plans.

use super::certificates;
use super::columns::to_json;
use super::database::{Database, query};
use super::failure::{Done, Failure};
use super::hsms;
use super::instance::InstanceName;
use super::rotation;
use super::secrets;
use super::transaction::Transaction;
use super::vaults;
use crate::model::aes_modes::ModeFamily;
use crate::model::change::{Change, Intent, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::deletion::{Deletable, Transition};
use crate::model::key::{Key, KeyVersion};
use crate::model::key_date::KeyDate;
use crate::model::local_rbac::{RoleAssignment, RoleDefinition};
use crate::model::name::{KeyName, VersionId};
use crate::model::retention::Deletion;
use crate::model::secret::SecretVersion;
use crate::model::{Error, Timestamp};

/// Writes one change. The transaction already contains it, with the names and positions to write.
pub(super) async fn change(db: &mut Database, change: &Change, transaction: &Transaction<'_>) -> Done {
    match change {
        Change::InsertHsm(hsm, assignments) => {
            hsms::insert(db, hsm).await?;
            insert_phase(db, transaction).await?;
            for assignment in assignments {
                insert_role_assignment(db, &hsm.name.to_case_insensitive(), assignment).await?;
            }
            Ok(())
        }
        Change::InsertVault(vault) => {
            vaults::insert(db, vault).await?;
            insert_phase(db, transaction).await
        }
        Change::ReplaceVault(vault) => vaults::update(db, vault).await,
        Change::ReplaceHsm(hsm) => hsms::update(db, hsm).await,
        Change::InsertVersion(version, _) => {
            let key = planned(transaction, &version.container, &version.name)?;
            insert_key(db, &key).await?;
            insert_version(db, &key, version.version).await
        }
        Change::RestoreKey(restored) => {
            let key = planned(transaction, &restored.container, &restored.name)?;
            insert_whole_key(db, &key).await
        }
        Change::ReplaceContents(contents) => {
            let hsm = transaction.hsm(&contents.hsm)?;
            let folded = hsm.name.to_case_insensitive();
            hsms::delete_contents(db, &folded).await?;
            for restored in &contents.keys {
                let key = planned(transaction, &(&hsm.name).into(), &restored.name)?;
                insert_whole_key(db, &key).await?;
            }
            for definition in &contents.definitions {
                put_role_definition(db, &folded, definition).await?;
            }
            for assignment in &contents.assignments {
                insert_role_assignment(db, &folded, assignment).await?;
            }
            hsms::update(db, &hsm).await
        }
        Change::PutBackupJob(hsm, _) => hsms::update(db, &*transaction.hsm(hsm)?).await,
        Change::ReplaceVersion(version) => {
            let key = planned(transaction, &version.container, &version.name)?;
            update_version(db, found(&key, version.version)?).await
        }
        Change::BindModes(container, name, version, _) => {
            let key = planned(transaction, container, name)?;
            let version = found(&key, *version)?;
            let sql = "-- bind_modes
                UPDATE key_versions SET mode_family = $3 WHERE hsm = $1 AND version = $2";
            let family = version.mode_family.map(ModeFamily::as_str);
            let hsm = version.container.to_case_insensitive();
            query(sql).bind(hsm).bind(version.version.to_string()).bind(family).execute(db).await?;
            Ok(())
        }
        Change::PutRotationPolicy(container, name, _) => {
            let key = planned(transaction, container, name)?;
            rotation::put_policy(db, &key).await?;
            rotation::set_notices(db, current(&key)?).await
        }
        Change::RecordNotice(container, name, _) => {
            let key = planned(transaction, container, name)?;
            rotation::set_notices(db, current(&key)?).await
        }
        Change::Transition(Deletable::Key(container, name), step) => {
            let (hsm, name) = (container.to_case_insensitive(), name.to_case_insensitive());
            let deletion = match step {
                Transition::SoftDelete(deletion) => Some(*deletion),
                Transition::Recover(_) => None,
                Transition::Purge(_) => return delete_key(db, &hsm, &name).await,
            };
            update_deletion(db, KEY_DELETION, (&hsm, &name), deletion).await
        }
        Change::InsertSecretVersion(version) => {
            let secret = secrets::planned(transaction, &version.vault, &version.name)?;
            secrets::insert(db, &secret).await?;
            secrets::insert_version(db, &secret, version.version).await
        }
        Change::ReplaceSecretVersion(version) => {
            let secret = secrets::planned(transaction, &version.vault, &version.name)?;
            secrets::update_version(db, &secret, version.version).await
        }
        Change::RestoreSecret(restored) => {
            let secret = secrets::planned(transaction, &restored.vault, &restored.name)?;
            secrets::insert(db, &secret).await?;
            for version in &secret.versions {
                secrets::insert_version(db, &secret, version.version).await?;
            }
            Ok(())
        }
        Change::PutCertificate(update) => {
            let (vault, name) = (&update.certificate.vault, &update.certificate.name);
            let certificate = certificates::planned(transaction, vault, name)?;
            certificates::put(db, &certificate).await?;
            let Some((key, secret)) = &update.version else { return Ok(()) };
            certificates::put_version(db, &certificate, key.version).await?;
            put_companions(db, transaction, key, secret).await
        }
        Change::RestoreCertificate(restored) => {
            let key = planned(transaction, &restored.key.container, &restored.key.name)?;
            insert_whole_key(db, &key).await?;
            certificates::restore(db, transaction, &restored.certificate).await
        }
        Change::RecordCertificateNotice(vault, name, _) | Change::RecordRenewalFailure(vault, name, _) => {
            certificates::put_notices(db, transaction, (vault, name)).await
        }
        Change::PutCertificateSettings(vault, settings) => {
            certificates::put_settings(db, vault, settings).await
        }
        Change::Transition(Deletable::Certificate(vault, name), step) => {
            let id = (ContainerId::from(vault).to_case_insensitive(), name.to_case_insensitive());
            let (container, folded) = &id;
            let deletion = match step {
                Transition::SoftDelete(deletion) => Some(*deletion),
                Transition::Recover(_) => None,
                Transition::Purge(_) => {
                    delete_key(db, container, folded).await?;
                    secrets::delete(db, &id).await?;
                    return certificates::delete(db, &id).await;
                }
            };
            for sql in [KEY_DELETION, secrets::DELETION, certificates::DELETION] {
                update_deletion(db, sql, (container, folded), deletion).await?;
            }
            Ok(())
        }
        Change::Transition(Deletable::Secret(vault, name), step) => {
            let id = (ContainerId::from(vault).to_case_insensitive(), name.to_case_insensitive());
            let deletion = match step {
                Transition::SoftDelete(deletion) => Some(*deletion),
                Transition::Recover(_) => None,
                Transition::Purge(_) => return secrets::delete(db, &id).await,
            };
            update_deletion(db, secrets::DELETION, (&id.0, &id.1), deletion).await
        }
        Change::Transition(Deletable::ManagedHsm(hsm), step) => {
            insert_phase(db, transaction).await?;
            match step {
                Transition::SoftDelete(_) | Transition::Recover(_) => {
                    hsms::update(db, &*transaction.hsm(hsm)?).await
                }
                Transition::Purge(_) => {
                    hsms::delete(db, &hsm.to_case_insensitive()).await?;
                    super::resource_statements::delete_stale_assignments(db, &transaction.resources()).await
                }
            }
        }
        Change::Transition(Deletable::Vault(name), step) => {
            insert_phase(db, transaction).await?;
            match step {
                Transition::SoftDelete(_) | Transition::Recover(_) => {
                    vaults::update(db, &*transaction.vault(name)?).await?;
                }
                Transition::Purge(_) => {
                    let stored = ContainerId::from(name).to_case_insensitive();
                    hsms::delete_keys(db, &stored).await?;
                    secrets::delete_all(db, &stored).await?;
                    certificates::delete_all(db, &stored).await?;
                    vaults::delete(db, &name.to_case_insensitive(), &stored).await?;
                }
            }
            super::resource_statements::delete_stale_assignments(db, &transaction.resources()).await
        }
        Change::PutRoleDefinition(hsm, definition) => {
            put_role_definition(db, &hsm.to_case_insensitive(), definition).await
        }
        Change::DeleteRoleDefinition(hsm, id) => {
            let sql = "-- delete_role_definition
                DELETE FROM role_definitions WHERE hsm = $1 AND id = $2";
            query(sql).bind(hsm.to_case_insensitive()).bind(id.to_string()).execute(db).await?;
            Ok(())
        }
        Change::InsertRoleAssignment(hsm, assignment) => {
            insert_role_assignment(db, &hsm.to_case_insensitive(), assignment).await
        }
        Change::Control(change) => {
            super::resource_statements::change(db, change, &transaction.resources()).await
        }
        Change::PutAuditKey(key) => Ok(super::audit_keys::put(db, key).await?),
        Change::SetClock(setting) => {
            let sql = "-- set_clock
                INSERT INTO clock (id, offset_micros, frozen) VALUES (1, $1, $2)
                ON CONFLICT (id) DO UPDATE SET offset_micros = excluded.offset_micros, frozen = excluded.frozen";
            let frozen = setting.frozen.map(Timestamp::as_microsecond);
            query(sql).bind(setting.offset).bind(frozen).execute(db).await?;
            Ok(())
        }
        // The ledger writes the high-water mark of the clock with every group.
        Change::ReleaseClock => Ok(()),
        Change::DeleteRoleAssignment(hsm, id) => {
            let sql = "-- delete_role_assignment
                DELETE FROM role_assignments WHERE hsm = $1 AND id = $2";
            query(sql).bind(hsm.to_case_insensitive()).bind(id.to_string()).execute(db).await?;
            Ok(())
        }
    }
}

/// Writes the lifetime phase that the current change begins.
async fn insert_phase(db: &mut Database, transaction: &Transaction<'_>) -> Done {
    match transaction.phase_begun() {
        Some(begun) => hsms::insert_phase(db, begun).await,
        None => Err(Error::internal("a planned phase is missing").into()),
    }
}

fn planned(
    transaction: &Transaction<'_>,
    container: &ContainerId,
    name: &KeyName,
) -> Result<std::sync::Arc<Key>, Failure> {
    transaction
        .key(container, name)
        .ok_or_else(|| Failure::Refused(Error::internal("a planned key is missing")))
}

fn current(key: &Key) -> Result<&KeyVersion, Failure> {
    key.current()
        .map(AsRef::as_ref)
        .ok_or_else(|| Failure::Refused(Error::internal("a planned key has no version")))
}

fn found(key: &Key, version: VersionId) -> Result<&KeyVersion, Failure> {
    key.version(Some(version))
        .map(AsRef::as_ref)
        .ok_or_else(|| Failure::Refused(Error::internal("a planned version is missing")))
}

/// Writes the companions of a version of a certificate: new ones, or the new attributes of existing ones.
async fn put_companions(
    db: &mut Database,
    transaction: &Transaction<'_>,
    key: &KeyVersion,
    secret: &SecretVersion,
) -> Done {
    let sql = "-- has_key_version
        SELECT 1 FROM key_versions WHERE hsm = $1 AND version = $2";
    let exists = query(sql).bind(key.container.to_case_insensitive()).bind(key.version.to_string());
    let exists = exists.fetch_optional(&mut *db).await?.is_some();
    let planned_key = planned(transaction, &key.container, &key.name)?;
    let planned_secret = secrets::planned(transaction, &secret.vault, &secret.name)?;
    if exists {
        update_version(db, found(&planned_key, key.version)?).await?;
        return secrets::update_version(db, &planned_secret, secret.version).await;
    }
    insert_key(db, &planned_key).await?;
    insert_version(db, &planned_key, key.version).await?;
    secrets::insert(db, &planned_secret).await?;
    secrets::insert_version(db, &planned_secret, secret.version).await
}

/// Writes a key with all its versions.
async fn insert_whole_key(db: &mut Database, key: &Key) -> Done {
    insert_key(db, key).await?;
    for version in &key.versions {
        insert_version(db, key, version.version).await?;
    }
    if key.deletion.is_some() {
        let (hsm, name) = (key.container.to_case_insensitive(), key.name.to_case_insensitive());
        update_deletion(db, KEY_DELETION, (&hsm, &name), key.deletion).await?;
    }
    rotation::put_policy(db, key).await
}

async fn insert_key(db: &mut Database, key: &Key) -> Done {
    let sql = "-- insert_key
        INSERT INTO keys (hsm, folded, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let query = query(sql)
        .bind(key.container.to_case_insensitive())
        .bind(key.name.to_case_insensitive())
        .bind(key.name.to_string());
    query.execute(db).await?;
    Ok(())
}

async fn insert_version(db: &mut Database, key: &Key, version: VersionId) -> Done {
    let sql = "-- insert_version
        INSERT INTO key_versions (version, hsm, key_name, position, material, operations, enabled,
            not_before, expires, created, updated, exportable, tags, notices, mode_family, protection)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let position = key.versions.iter().position(|known| known.version == version).unwrap_or_default();
    let version = found(key, version)?;
    let attributes = &version.attributes;
    query(sql)
        .bind(version.version.to_string())
        .bind(version.container.to_case_insensitive())
        .bind(version.name.to_case_insensitive())
        .bind(i64::try_from(position).unwrap_or(i64::MAX))
        .bind(to_json(&version.material)?)
        .bind(to_json(&version.operations)?)
        .bind(i64::from(attributes.enabled))
        .bind(attributes.not_before.map(KeyDate::as_microsecond))
        .bind(attributes.expires.map(KeyDate::as_microsecond))
        .bind(attributes.created.as_microsecond())
        .bind(attributes.updated.as_microsecond())
        .bind(i64::from(attributes.exportable))
        .bind(to_json(&version.tags)?)
        .bind(i64::from(version.notices.bits()))
        .bind(version.mode_family.map(ModeFamily::as_str))
        .bind(version.protection.as_str())
        .execute(db)
        .await?;
    Ok(())
}

async fn update_version(db: &mut Database, version: &KeyVersion) -> Done {
    let sql = "-- update_version
        UPDATE key_versions SET operations = $3, enabled = $4, not_before = $5, expires = $6,
            created = $7, updated = $8, exportable = $9, tags = $10, notices = $11
        WHERE hsm = $1 AND version = $2";
    let attributes = &version.attributes;
    query(sql)
        .bind(version.container.to_case_insensitive())
        .bind(version.version.to_string())
        .bind(to_json(&version.operations)?)
        .bind(i64::from(attributes.enabled))
        .bind(attributes.not_before.map(KeyDate::as_microsecond))
        .bind(attributes.expires.map(KeyDate::as_microsecond))
        .bind(attributes.created.as_microsecond())
        .bind(attributes.updated.as_microsecond())
        .bind(i64::from(attributes.exportable))
        .bind(to_json(&version.tags)?)
        .bind(i64::from(version.notices.bits()))
        .execute(db)
        .await?;
    Ok(())
}

/// The dates of a key's deletion, for [`update_deletion`].
const KEY_DELETION: &str = "-- update_deletion
    UPDATE keys SET deleted_at = $3, scheduled_purge_at = $4 WHERE hsm = $1 AND folded = $2";

/// Writes the dates of an object's deletion, or removes them. The statement's parameters are the container and the name, both in
/// lower case, and the two dates.
async fn update_deletion(
    db: &mut Database,
    sql: &'static str,
    (container, folded): (&str, &str),
    deletion: Option<Deletion>,
) -> Done {
    query(sql)
        .bind(container)
        .bind(folded)
        .bind(deletion.map(|deletion| deletion.deleted_at.as_microsecond()))
        .bind(deletion.map(|deletion| deletion.scheduled_purge_at.as_microsecond()))
        .execute(db)
        .await?;
    Ok(())
}

async fn delete_key(db: &mut Database, hsm: &str, key: &str) -> Done {
    let versions = "-- delete_key_versions
        DELETE FROM key_versions WHERE hsm = $1 AND key_name = $2";
    query(versions).bind(hsm).bind(key).execute(&mut *db).await?;
    rotation::delete_policy(db, hsm, key).await?;
    let sql = "-- delete_key
        DELETE FROM keys WHERE hsm = $1 AND folded = $2";
    query(sql).bind(hsm).bind(key).execute(db).await?;
    Ok(())
}

async fn put_role_definition(db: &mut Database, hsm: &str, definition: &RoleDefinition) -> Done {
    let sql = "-- put_role_definition
        INSERT INTO role_definitions (hsm, id, position, definition)
        VALUES ($1, $2, (SELECT COALESCE(MAX(position), 0) + 1 FROM role_definitions WHERE hsm = $1), $3)
        ON CONFLICT (hsm, id) DO UPDATE SET definition = excluded.definition";
    query(sql).bind(hsm).bind(definition.id.to_string()).bind(to_json(definition)?).execute(db).await?;
    Ok(())
}

async fn insert_role_assignment(db: &mut Database, hsm: &str, assignment: &RoleAssignment) -> Done {
    let sql = "-- insert_role_assignment
        INSERT INTO role_assignments (hsm, id, position, role_definition, principal, scope)
        VALUES ($1, $2, (SELECT COALESCE(MAX(position), 0) + 1 FROM role_assignments WHERE hsm = $1),
            $3, $4, $5)";
    query(sql)
        .bind(hsm)
        .bind(assignment.id.to_string())
        .bind(assignment.role_definition.to_string())
        .bind(assignment.principal.to_string())
        .bind(assignment.scope.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Opens an intent of this instance.
pub(super) async fn insert_intent(db: &mut Database, intent: &Intent, instance: &InstanceName) -> Done {
    let sql = "-- insert_intent
        INSERT INTO intents (id, hsm, verb, objects, instance) VALUES ($1, $2, $3, $4, $5)";
    let verb = match intent.verb {
        IntentVerb::Create => "create",
        IntentVerb::Destroy => "destroy",
        IntentVerb::Provision => "provision",
        IntentVerb::Restore => "restore",
        IntentVerb::Wipe => "wipe",
    };
    query(sql)
        .bind(intent.id.to_string())
        .bind(intent.container.as_stored())
        .bind(verb)
        .bind(to_json(&intent.objects)?)
        .bind(instance.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Whether an intent of this instance is open.
pub(super) async fn has_intent(
    db: &mut Database,
    id: uuid::Uuid,
    instance: &InstanceName,
) -> Result<bool, Failure> {
    let sql = "-- has_intent
        SELECT 1 FROM intents WHERE id = $1 AND instance = $2";
    let found = query(sql).bind(id.to_string()).bind(instance.as_str()).fetch_optional(db).await?;
    Ok(found.is_some())
}

/// Concludes an intent.
pub(super) async fn delete_intent(db: &mut Database, id: uuid::Uuid) -> Done {
    let sql = "-- delete_intent
        DELETE FROM intents WHERE id = $1";
    query(sql).bind(id.to_string()).execute(db).await?;
    Ok(())
}
