//! The SQL of rotation policies and of the notices of key versions.

use std::sync::Arc;

use futures_util::TryStreamExt as _;

use super::columns::{column, damaged, dated, optional};
use super::database::{Database, query};
use super::failure::Failure;
use super::keys;
use crate::model::key::{Key, KeyVersion};
use crate::model::period::LifetimePeriod;
use crate::model::rotation::{RotationPolicy, RotationRules, RotationTrigger};
use crate::model::{Error, Result};

/// Writes the rotation policy of a key, or deletes it if the key has none.
pub(super) async fn put_policy(db: &mut Database, key: &Key) -> Result<(), Failure> {
    let (hsm, name) = (key.container.to_case_insensitive(), key.name.to_case_insensitive());
    let Some(policy) = &key.rotation else { return delete_policy(db, &hsm, &name).await };
    let sql = "-- put_rotation_policy
        INSERT INTO rotation_policies (hsm, key_name, expiry_time, time_after_create, time_before_expiry,
            created, updated)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (hsm, key_name) DO UPDATE SET expiry_time = excluded.expiry_time,
            time_after_create = excluded.time_after_create,
            time_before_expiry = excluded.time_before_expiry,
            created = excluded.created, updated = excluded.updated";
    let (after, before) = match policy.rules.trigger() {
        Some(RotationTrigger::AfterCreation(after)) => (Some(after), None),
        Some(RotationTrigger::BeforeExpiry(before)) => (None, Some(before)),
        None => (None, None),
    };
    query(sql)
        .bind(hsm)
        .bind(name)
        .bind(policy.rules.expiry_time().map(LifetimePeriod::as_str))
        .bind(after.map(LifetimePeriod::as_str))
        .bind(before.map(LifetimePeriod::as_str))
        .bind(policy.created.as_microsecond())
        .bind(policy.updated.as_microsecond())
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes the rotation policy of a key, if it has one.
pub(super) async fn delete_policy(db: &mut Database, hsm: &str, key: &str) -> Result<(), Failure> {
    let sql = "-- delete_rotation_policy
        DELETE FROM rotation_policies WHERE hsm = $1 AND key_name = $2";
    query(sql).bind(hsm).bind(key).execute(db).await?;
    Ok(())
}

/// Writes the notices of a version.
pub(super) async fn set_notices(db: &mut Database, version: &KeyVersion) -> Result<(), Failure> {
    let sql = "-- set_notices
        UPDATE key_versions SET notices = $3 WHERE hsm = $1 AND version = $2";
    let bits = i64::from(version.notices.bits());
    let hsm = version.container.to_case_insensitive();
    query(sql).bind(hsm).bind(version.version.to_string()).bind(bits).execute(db).await?;
    Ok(())
}

/// Reads the rotation policies of all keys.
pub(super) async fn load_policies(db: &mut Database, containers: &mut keys::Containers) -> Result<()> {
    let sql = "-- load_rotation_policies
        SELECT hsm, key_name, expiry_time, time_after_create, time_before_expiry, created, updated
        FROM rotation_policies";
    let mut rows = query(sql).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let container = containers.get_mut(column::<&str>(&row, "hsm")?);
        let container = container.ok_or_else(|| damaged("a rotation policy has no key"))?;
        let after = optional(&row, "time_after_create")?.map(RotationTrigger::AfterCreation);
        let before = optional(&row, "time_before_expiry")?.map(RotationTrigger::BeforeExpiry);
        let rules = RotationRules::new(optional(&row, "expiry_time")?, after.or(before)).map_err(damaged)?;
        let rules = rules.ok_or_else(|| damaged("a rotation policy is blank"))?;
        let (created, updated) = (dated(&row, "created")?, dated(&row, "updated")?);
        let policy = RotationPolicy { rules, created, updated };
        container.policies.insert(column(&row, "key_name")?, Arc::new(policy));
    }
    Ok(())
}
