//! Checks a database without the service, and brings its schema up to date.

use std::path::Path;

use super::database::Database;
use super::location::Location;
use super::memory::Memory;
use super::table_digest::{self, TableDigest};
use super::tables::TABLES;
use super::{Options, ambiguous_commit, check, load, schema, snapshot};
use crate::model::local_rbac::RoleDefinition;
use crate::model::{Error, Result};

/// What a check of a database has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// The schema.
    pub schema: i64,
    /// The number of groups of changes that were written.
    pub groups: u64,
    /// The sequence number of the last audit record that the database has counted; 0 if there is none.
    pub last_record: u64,
    /// The content of the tables.
    pub tables: Vec<TableDigest>,
}

/// Reads all of a database, as a start of the service does, and changes nothing. No process may use a file meanwhile. A database of a
/// server may be in use: what is read is its state at one instant.
///
/// # Errors
/// `Internal`, with a message for the operator: there is no database, it is damaged, or it does not have the schema of this version.
pub async fn inspect(
    location: impl Into<Location>,
    built_in_roles: Vec<RoleDefinition>,
    options: Options,
) -> Result<Inspection> {
    let location = location.into();
    if let Location::File(path) = &location {
        require_file(path)?;
        check::check_schema(path, schema::newest())?;
        let path = path.clone();
        tokio::task::spawn_blocking(move || check::check_all(&path)).await.map_err(Error::internal)??;
    }
    let mut db = location.connect_to_read().await?;
    let inspected = read(&mut db, &location, built_in_roles, options).await;
    let closed = db.close().await;
    let inspected = inspected?;
    closed.map_err(|error| Error::internal_caused_by("the database did not close cleanly", error))?;
    Ok(inspected)
}

async fn read(
    db: &mut Database,
    location: &Location,
    built_in_roles: Vec<RoleDefinition>,
    options: Options,
) -> Result<Inspection> {
    let failed = |error| Error::internal_caused_by("the database cannot be read", error);
    let found = schema::find(db).await.map_err(failed)?;
    schema::require_newest(location, found)?;
    let memory = Memory::new(built_in_roles, options.control_plane_roles.clone(), options.clock.clone());
    let is_shared = db.is_shared();
    let mut db = db.begin().await.map_err(failed)?;
    let location = match is_shared {
        true => snapshot::begin(&mut db, location).await.map_err(failed)?,
        false => location.clone(),
    };
    load::load(&mut db, &location, &memory, &options.instance).await?;
    let position = ambiguous_commit::read(&mut db, &options.instance).await.map_err(failed)?;
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        tables.push(table_digest::read(table, &mut db).await.map_err(failed)?);
    }
    db.rollback().await.map_err(failed)?;
    Ok(Inspection {
        schema: schema::newest(),
        groups: position.groups,
        last_record: position.head.seq,
        tables,
    })
}

/// Brings a database that no process uses to the schema of this version. A file, and tables in an empty database of a server, are
/// created. Returns the schema before, if there was one, and the schema now.
///
/// # Errors
/// `Internal`, with a message for the operator: the database cannot be opened, is in use or damaged, or a newer version wrote it.
pub async fn migrate(location: impl Into<Location>) -> Result<(Option<i64>, i64)> {
    let location = location.into().of_one_opening();
    let mut digest = check::check_file(&location, schema::newest()).await?;
    let mut db = location.connect_alone().await?;
    let before = schema::find(&mut db).await;
    let before = before.map_err(|error| Error::internal_caused_by("the schema cannot be read", error))?;
    digest.finish().await?;
    schema::migrate(&location, &mut db).await?;
    let closed = db.close().await;
    closed.map_err(|error| Error::internal_caused_by("the database did not close cleanly", error))?;
    check::leave_digest(&location)
        .map_err(|error| Error::internal_caused_by("the digest of the database cannot be written", error))?;
    Ok((before, schema::newest()))
}

/// Refuses a file that does not exist.
pub(super) fn require_file(path: &Path) -> Result<()> {
    if path.is_file() {
        return Ok(());
    }
    Err(Error::internal(format!("there is no database {}", path.display())))
}
