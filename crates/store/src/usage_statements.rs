//! The SQL that writes usage.

use super::database::{Database, SqlError, query};
use super::usage::{Counter, Usage, UsedVersion};
use crate::model::container::ContainerId;
use crate::model::name::VersionId;

/// Adds counted calls and days of use to the totals.
pub(super) async fn add_usage(db: &mut Database, usage: &Usage) -> Result<(), SqlError> {
    for (counter, calls) in &usage.calls {
        add_reading(db, counter, *calls).await?;
    }
    for (version, used) in usage.used_versions() {
        add_version_use(db, version, used).await?;
    }
    Ok(())
}

/// Adds calls to a reading.
async fn add_reading(db: &mut Database, counter: &Counter, calls: u64) -> Result<(), SqlError> {
    let sql = "-- add_reading
        INSERT INTO readings (hsm, event, meter, hour, calls) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (hsm, event, meter, hour) DO UPDATE SET calls = readings.calls + excluded.calls";
    query(sql)
        .bind(counter.container.as_ref().map_or("", ContainerId::as_stored))
        .bind(&*counter.event)
        .bind(counter.meter.as_str())
        .bind(counter.hour)
        .bind(i64::try_from(calls).unwrap_or(i64::MAX))
        .execute(db)
        .await?;
    Ok(())
}

/// Adds the days on which a version was used.
async fn add_version_use(db: &mut Database, version: VersionId, used: &UsedVersion) -> Result<(), SqlError> {
    let sql = "-- insert_used_version
        INSERT INTO used_versions (version, hsm, key_name, key_type) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    let key_type =
        serde_json::to_string(&used.key_type).map_err(|error| SqlError::Encode(Box::new(error)))?;
    let version = version.to_string();
    query(sql)
        .bind(&version)
        .bind(used.container.as_stored())
        .bind(used.key.as_str())
        .bind(key_type)
        .execute(&mut *db)
        .await?;
    let sql = "-- insert_version_day
        INSERT INTO version_days (version, hsm, day) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    for day in used.days.iter() {
        query(sql)
            .bind(&version)
            .bind(used.container.as_stored())
            .bind(i64::from(day))
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}
