//! The rows that statements return.

use sqlx::Row as _;
use sqlx::sqlite::{Sqlite, SqliteRow};

use super::SqlError;

/// A type that a column can be read as: `i64`, text or bytes, or an option of one.
pub(crate) trait Column<'r>: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite> {}

impl<'r, T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>> Column<'r> for T {}

/// A row.
pub(crate) enum Row {
    Sqlite(SqliteRow),
}

impl Row {
    /// Reads a column.
    ///
    /// # Errors
    /// If there is no column of this name, or its value has another type.
    pub(crate) fn get<'r, T: Column<'r>>(&'r self, name: &str) -> Result<T, SqlError> {
        match self {
            Self::Sqlite(row) => row.try_get(name),
        }
    }
}
