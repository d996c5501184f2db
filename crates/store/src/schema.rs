//! The schema of the database: its migrations, and the newest version that this version of the program knows.

use sqlx::migrate::{MigrateError, Migrator};

use super::database::{Database, Engine};
use crate::model::{Error, Result};

static SQLITE: Migrator = sqlx::migrate!();

/// The newest schema that this version knows.
pub(super) fn newest() -> i64 {
    SQLITE.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Brings the database to the newest schema.
///
/// # Errors
/// `Internal`, with a message for the operator.
pub(super) async fn migrate(db: &mut Database) -> Result<()> {
    let migrated = match &mut db.engine {
        Engine::Sqlite(db) => SQLITE.run(db).await,
    };
    migrated.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::internal(format!(
            "the database has schema {version}, which this version of Strongroom does not support; a newer version wrote it"
        )),
        other => Error::internal_caused_by("the database's schema could not be migrated", other),
    })
}
