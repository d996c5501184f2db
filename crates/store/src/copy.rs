//! Copies a database to another place, from one engine to another if the places are of different ones.

use futures_util::TryStreamExt as _;

use super::audit_records;
use super::check;
use super::database::{Database, Row, SqlError, query, rows_of};
use super::inspection::require_file;
use super::instance::InstanceName;
use super::location::Location;
use super::schema;
use super::snapshot;
use super::table_digest::{self, Sums, TableDigest, value};
use super::tables::{Kind, TABLES, Table};
use crate::model::{Error, Result};

/// The number of rows that are inserted by one statement.
const ROWS: usize = 200;

/// Copies all tables of a database that no process uses to one that is empty or does not exist (a file) or has no tables (a
/// database of a server), in one transaction. The rows are read back from the copy and compared with the original by count and hash
/// before it is committed. The original does not change.
///
/// # Errors
/// `Internal`, with a message for the operator: a database cannot be opened or is in use, the original does not have the schema of
/// this version, the other one is not empty, text cannot be stored by the other engine, or the copy differs.
pub async fn copy(from: impl Into<Location>, to: impl Into<Location>) -> Result<Vec<TableDigest>> {
    let (from, to) = (from.into().of_one_opening(), to.into().of_one_opening());
    let mut original = open_original(&from).await?;
    check::remove_orphaned_digest(&to)?;
    let mut digest = check::check_file(&to, schema::newest()).await?;
    let mut target = to.connect_alone().await?;
    digest.finish().await?;
    schema::migrate(&to, &mut target).await?;
    let copied = copy_tables(&mut original, &mut target, matches!(to, Location::Postgres(_))).await;
    let closed = [original.close().await, target.close().await];
    let copied = copied?;
    for closed in closed {
        closed.map_err(|error| Error::internal_caused_by("a database did not close cleanly", error))?;
    }
    check::leave_digest(&to)
        .map_err(|error| Error::internal_caused_by("the digest of the copy cannot be written", error))?;
    Ok(copied)
}

async fn open_original(location: &Location) -> Result<Database> {
    if let Location::File(path) = location {
        require_file(path)?;
        // The digest stays, because the original does not change.
        check::check_schema(path, schema::newest())?;
    }
    let mut db = location.connect_alone().await?;
    let found = schema::find(&mut db).await.map_err(Error::internal)?;
    schema::require_newest(location, found)?;
    let counted = audit_records::counted(&mut db, &InstanceName::default()).await.map_err(Error::internal)?;
    match counted.is_empty() {
        true => Ok(db),
        false => Err(Error::internal(format!(
            "the database {location} has usage of an earlier version: start the service with it once"
        ))),
    }
}

async fn copy_tables(
    original: &mut Database,
    target: &mut Database,
    is_without_nul: bool,
) -> Result<Vec<TableDigest>> {
    let failed = |error| Error::internal_caused_by("the database cannot be copied", error);
    // Nobody changes the original meanwhile.
    let mut original = original.begin().await.map_err(failed)?;
    let mut target = target.begin().await.map_err(failed)?;
    for db in [&mut original, &mut target] {
        if db.is_shared() {
            snapshot::allow_idle(db).await.map_err(failed)?;
        }
    }
    for table in TABLES {
        if !table.is_empty(&mut target).await.map_err(failed)? {
            return Err(Error::internal(format!(
                "the database to copy to is not empty: its table {} has rows",
                table.name
            )));
        }
    }
    let sql = "-- delete_initial_position
        DELETE FROM written_groups";
    query(sql).execute(&mut target).await.map_err(failed)?;
    let mut copied = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let mut sums = Sums::default();
        let mut rows = query(table.select()).fetch(&mut original);
        while let Some(batch) = next_rows(&mut rows).await.map_err(failed)? {
            for row in &batch {
                sums.add(table, row).map_err(failed)?;
                if is_without_nul && table.has_nul(row).map_err(failed)? {
                    return Err(Error::internal(format!(
                        "a row of the table {} contains the character NUL, which PostgreSQL cannot store",
                        table.name
                    )));
                }
            }
            table.insert(&batch, &mut target).await.map_err(failed)?;
        }
        copied.push(sums.finish(table));
    }
    for (table, expected) in TABLES.iter().zip(&copied) {
        let found = table_digest::read(table, &mut target).await.map_err(failed)?;
        if found != *expected {
            return Err(Error::internal(format!(
                "the copy of the table {} differs: {} rows with SHA-256 {} instead of {} with {}; nothing was written",
                table.name, found.rows, found.sha256, expected.rows, expected.sha256
            )));
        }
    }
    target.commit().await.map_err(failed)?;
    original.rollback().await.map_err(failed)?;
    Ok(copied)
}

/// The next rows of a statement; `None` after the last one.
async fn next_rows(
    rows: &mut (impl futures_util::Stream<Item = std::result::Result<Row, SqlError>> + Unpin),
) -> std::result::Result<Option<Vec<Row>>, SqlError> {
    let mut batch = Vec::with_capacity(ROWS);
    while batch.len() < ROWS
        && let Some(row) = rows.try_next().await?
    {
        batch.push(row);
    }
    Ok((!batch.is_empty()).then_some(batch))
}

impl Table {
    /// Whether the table has no rows, or as many as a new database.
    async fn is_empty(&self, db: &mut Database) -> std::result::Result<bool, SqlError> {
        // The position of a new database.
        let unless = if self.name == "written_groups" { " WHERE number > 0" } else { "" };
        let sql = format!("-- has_rows\nSELECT 1 FROM {}{unless} LIMIT 1", self.name);
        Ok(query(sqlx::AssertSqlSafe(sql)).fetch_optional(db).await?.is_none())
    }

    async fn insert(&self, rows: &[Row], db: &mut Database) -> std::result::Result<(), SqlError> {
        let insert = format!("-- copy_to\nINSERT INTO {} ({})", self.name, self.names());
        let mut statement = rows_of(&insert, (rows.len(), self.columns.len()));
        for row in rows {
            for (name, kind) in self.columns {
                statement = statement.bind(value(row, name, *kind)?);
            }
        }
        statement.execute(db).await.map(drop)
    }

    fn has_nul(&self, row: &Row) -> std::result::Result<bool, SqlError> {
        for (name, kind) in self.columns {
            if *kind == Kind::Text && row.get::<Option<&str>>(name)?.is_some_and(|text| text.contains('\0')) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
