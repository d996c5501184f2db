//! Copies a database to another place, from one engine to another if the places are of different ones.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::check;
use super::database::{Column, Database, Row, SqlError, Value, query, rows_of};
use super::location::Location;
use super::schema;
use super::tables::{Kind, TABLES, Table};
use crate::model::{Error, Result};

/// The number of rows that are inserted by one statement.
const ROWS: usize = 200;

/// A table that was copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopiedTable {
    /// The name of the table.
    pub name: &'static str,
    /// The number of its rows.
    pub rows: u64,
    /// The SHA-256 of all rows in the order of the primary key, in hexadecimal digits.
    pub sha256: String,
}

/// Copies all tables of a database that no process uses to one that is empty or does not exist (a file) or has no tables (a
/// database of a server), in one transaction. The rows are read back from the copy and compared with the original by count and hash
/// before it is committed. The original does not change.
///
/// # Errors
/// `Internal`, with a message for the operator: a database cannot be opened or is in use, the original does not have the schema of
/// this version, the other one is not empty, text cannot be stored by the other engine, or the copy differs.
pub async fn copy(from: impl Into<Location>, to: impl Into<Location>) -> Result<Vec<CopiedTable>> {
    let (from, to) = (from.into().of_one_opening(), to.into().of_one_opening());
    let mut original = open_original(&from).await?;
    let mut digest = check::check_file(&to, schema::newest()).await?;
    let mut target = to.connect().await?;
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
        if !Path::is_file(path) {
            return Err(Error::internal(format!("there is no database {}", path.display())));
        }
        // The digest stays, because the original does not change.
        check::check_schema(path, schema::newest())?;
    }
    let mut db = location.connect().await?;
    match schema::find(&mut db).await.map_err(Error::internal)? {
        Some(found) if found == schema::newest() => Ok(db),
        found => Err(Error::internal(format!(
            "the database to copy has schema {}, and this version of Strongroom copies schema {}: start the service with it once",
            found.map_or_else(|| "none".to_owned(), |found| found.to_string()),
            schema::newest()
        ))),
    }
}

async fn copy_tables(
    original: &mut Database,
    target: &mut Database,
    is_without_nul: bool,
) -> Result<Vec<CopiedTable>> {
    let failed = |error| Error::internal_caused_by("the database cannot be copied", error);
    // Nobody changes the original meanwhile.
    let mut original = original.begin().await.map_err(failed)?;
    let mut target = target.begin().await.map_err(failed)?;
    for table in TABLES {
        if !table.is_empty(&mut target).await.map_err(failed)? {
            return Err(Error::internal(format!(
                "the database to copy to is not empty: its table {} has rows",
                table.name
            )));
        }
    }
    query("-- delete_initial_position\nDELETE FROM written_groups")
        .execute(&mut target)
        .await
        .map_err(failed)?;
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
        let mut sums = Sums::default();
        let mut rows = query(table.select()).fetch(&mut target);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            sums.add(table, &row).map_err(failed)?;
        }
        let found = sums.finish(table);
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
        let unless = if self.name == "written_groups" { " WHERE number > 0 OR seq > 0" } else { "" };
        let sql = format!("-- has_rows\nSELECT 1 FROM {}{unless} LIMIT 1", self.name);
        Ok(query(sqlx::AssertSqlSafe(sql)).fetch_optional(db).await?.is_none())
    }

    /// The statement that reads all rows in the order of the primary key.
    fn select(&self) -> sqlx::AssertSqlSafe<String> {
        let (columns, key) = (self.names(), self.key.join(", "));
        sqlx::AssertSqlSafe(format!("-- copy_from\nSELECT {columns} FROM {} ORDER BY {key}", self.name))
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

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

fn value<'r>(row: &'r Row, name: &str, kind: Kind) -> std::result::Result<Value<'r>, SqlError> {
    fn get<'r, T: Column<'r>>(row: &'r Row, name: &str) -> std::result::Result<T, SqlError> {
        row.get(name)
    }
    Ok(match kind {
        Kind::Text => get::<Option<&str>>(row, name)?.into(),
        Kind::Integer => get::<Option<i64>>(row, name)?.into(),
        Kind::Bytes => get::<&[u8]>(row, name)?.into(),
    })
}

/// The count and the hash of rows.
#[derive(Default)]
struct Sums {
    rows: u64,
    hash: Sha256,
}

impl Sums {
    /// Adds a row: of each value a byte for its kind, its length in 8 bytes, and the value. Nulls are the byte 0.
    fn add(&mut self, table: &Table, row: &Row) -> std::result::Result<(), SqlError> {
        self.rows += 1;
        for (name, kind) in table.columns {
            match value(row, name, *kind)? {
                Value::Text(text) => self.value(1, text.as_bytes()),
                Value::Integer(number) => self.value(2, &number.to_be_bytes()),
                Value::Bytes(bytes) => self.value(3, bytes),
                Value::NullText | Value::NullInteger => self.hash.update([0]),
            }
        }
        Ok(())
    }

    fn value(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    fn finish(self, table: &Table) -> CopiedTable {
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        CopiedTable { name: table.name, rows: self.rows, sha256 }
    }
}
