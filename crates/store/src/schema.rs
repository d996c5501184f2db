//! The schema of the database: its migrations, and the newest version that this version of the program knows.
//!
//! A migration is a file in `migrations`, which both engines run. If its text differs for PostgreSQL, that text is in a file of the
//! same version in `migrations/postgres`. The first file there is the schema of SQLite after the migration of that version.

use std::fmt::Display;
use std::sync::LazyLock;

use sqlx::migrate::{MigrateError, Migration, Migrator};

use super::database::{Database, Engine, SqlError, query};
use super::location::Location;
use crate::model::{Error, Result};

static SQLITE: Migrator = sqlx::migrate!();

static ONLY_POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| {
    let own = || ONLY_POSTGRES.iter();
    let first = own().map(|migration| migration.version).min().unwrap_or_default();
    let is_common = |migration: &&Migration| {
        migration.version > first && !ONLY_POSTGRES.version_exists(migration.version)
    };
    let all = own().chain(SQLITE.iter().filter(is_common)).cloned().collect();
    // Several instances may start at the same time, so that the migrator takes a lock.
    Migrator::with_migrations(all)
});

/// The newest schema that this version knows.
pub(super) fn newest() -> i64 {
    SQLITE.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Brings the database to the newest schema. One with a newer schema is refused, and nothing is changed.
///
/// # Errors
/// `Internal`, with a message for the operator.
pub(super) async fn migrate(location: &Location, db: &mut Database) -> Result<()> {
    if let Location::Postgres(server) = location {
        let found = find(db).await.map_err(Error::internal)?;
        if let Some(found) = found.filter(|found| *found > newest()) {
            return Err(too_new(server, found, "database"));
        }
    }
    let migrated = match &mut db.engine {
        Engine::Sqlite(db) => SQLITE.run(db).await,
        Engine::Postgres(db) => db.migrate(&POSTGRES).await,
    };
    migrated.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::internal(format!(
            "the database has schema {version}, which this version of Strongroom does not support; a newer version wrote it"
        )),
        other => Error::internal_caused_by("the database's schema could not be migrated", other),
    })
}

/// The schema of a database; `None` if it has none.
pub(super) async fn find(db: &mut Database) -> std::result::Result<Option<i64>, SqlError> {
    let sql = match &db.engine {
        Engine::Sqlite(_) => {
            "-- has_migrations
            SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'"
        }
        Engine::Postgres(_) => {
            "-- has_migrations
            SELECT 1 WHERE to_regclass('_sqlx_migrations') IS NOT NULL"
        }
    };
    if query(sql).fetch_optional(db).await?.is_none() {
        return Ok(None);
    }
    let sql = "-- newest_migration
        SELECT MAX(version) AS newest FROM _sqlx_migrations";
    query(sql).fetch_one(db).await?.get("newest")
}

/// Refuses a database that does not have the newest schema that this version knows. `found` is what it has.
///
/// # Errors
/// `Internal`, with a message for the operator.
pub(super) fn require_newest(location: &Location, found: Option<i64>) -> Result<()> {
    match found {
        Some(found) if found == newest() => Ok(()),
        Some(found) if found > newest() => Err(too_new(location, found, "database")),
        found => Err(Error::internal(format!(
            "the database {location} has {}, and this version of Strongroom reads schema {}: `strongroom store migrate` brings it there",
            found.map_or_else(|| "no schema".to_owned(), |found| format!("schema {found}")),
            newest()
        ))),
    }
}

/// The error for a database that a newer version wrote. `restored` is what has the state before an upgrade.
pub(super) fn too_new(database: impl Display, found: i64, restored: &str) -> Error {
    Error::internal(format!(
        "a newer version of Strongroom wrote the database {database}: it has schema {found}, and version {} supports schemas up to \
         {}; nothing was changed; start the newer version, or restore the {restored} as it was before the upgrade",
        env!("CARGO_PKG_VERSION"),
        newest(),
    ))
}
