//! The rows that statements return.

use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};

use super::SqlError;

/// A type that a column can be read as: `i64`, text or bytes, or an option of one.
pub(crate) trait Column<'r>: OfSqlite<'r> + OfPostgres<'r> {}

impl<'r, T: OfSqlite<'r> + OfPostgres<'r>> Column<'r> for T {}

pub(crate) trait OfSqlite<'r>: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite> {}

impl<'r, T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>> OfSqlite<'r> for T {}

pub(crate) trait OfPostgres<'r>: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres> {}

impl<'r, T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>> OfPostgres<'r> for T {}

/// A row.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// Reads a column.
    ///
    /// # Errors
    /// If there is no column of this name, or its value has another type.
    pub(crate) fn get<'r, T: Column<'r>>(&'r self, name: &str) -> Result<T, SqlError> {
        match self {
            Self::Sqlite(row) => row.try_get(name),
            Self::Postgres(row) => row.try_get(name),
        }
    }
}
