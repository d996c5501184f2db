//! Digests of tables, which are equal for equal content, whatever the engine.

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::database::{Column, Database, Row, SqlError, Value, query};
use super::tables::{Kind, Table};

/// The content of a table, to compare it with the same table of another database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableDigest {
    /// The name of the table.
    pub name: &'static str,
    /// The number of its rows.
    pub rows: u64,
    /// The SHA-256 of all rows in the order of the primary key, in hexadecimal digits.
    pub sha256: String,
}

/// Reads a table.
pub(super) async fn read(table: &Table, db: &mut Database) -> Result<TableDigest, SqlError> {
    let mut sums = Sums::default();
    let mut rows = query(table.select()).fetch(db);
    while let Some(row) = rows.try_next().await? {
        sums.add(table, &row)?;
    }
    Ok(sums.finish(table))
}

impl Table {
    /// The statement that reads all rows in the order of the primary key.
    pub(super) fn select(&self) -> sqlx::AssertSqlSafe<String> {
        let (columns, key) = (self.names(), self.key.join(", "));
        sqlx::AssertSqlSafe(format!("-- copy_from\nSELECT {columns} FROM {} ORDER BY {key}", self.name))
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// A value of a row.
pub(super) fn value<'r>(row: &'r Row, name: &str, kind: Kind) -> Result<Value<'r>, SqlError> {
    fn get<'r, T: Column<'r>>(row: &'r Row, name: &str) -> Result<T, SqlError> {
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
pub(super) struct Sums {
    rows: u64,
    hash: Sha256,
}

impl Sums {
    /// Adds a row: of each value a byte for its kind, its length in 8 bytes, and the value. Nulls are the byte 0.
    pub(super) fn add(&mut self, table: &Table, row: &Row) -> Result<(), SqlError> {
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

    pub(super) fn finish(self, table: &Table) -> TableDigest {
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        TableDigest { name: table.name, rows: self.rows, sha256 }
    }
}
