//! Conversions between the columns of a row and values of the model, by the position of the column.

use std::error::Error as StdError;
use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::{FromSqlResult, ValueRef};
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::columns::damaged;
use crate::database::Column;
use crate::model::key_date::KeyDate;
use crate::model::retention::Deletion;
use crate::model::{Result, Timestamp};

/// Reads the columns of a row in the order in which the statement names them. Errors are those of a damaged database.
pub(super) struct Columns<'r> {
    row: RowRef<'r>,
    next: usize,
}

/// A row of one of the engines.
#[derive(Clone, Copy)]
pub(super) enum RowRef<'r> {
    Sqlite(&'r Row<'r>),
    Postgres(&'r PgRow),
}

impl<'r> Columns<'r> {
    /// The columns, beginning with the first.
    pub(super) const fn of(row: RowRef<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// Reads text.
    pub(super) fn text(&mut self) -> Result<&'r str> {
        match self.next() {
            (RowRef::Sqlite(row), column) => sqlite(row, column, |value| value.as_str()),
            (RowRef::Postgres(row), column) => postgres(row, column),
        }
    }

    /// Reads an integer.
    pub(super) fn integer(&mut self) -> Result<i64> {
        match self.next() {
            (RowRef::Sqlite(row), column) => sqlite(row, column, |value| value.as_i64()),
            (RowRef::Postgres(row), column) => postgres(row, column),
        }
    }

    /// Parses text.
    pub(super) fn parsed<T: FromStr<Err: StdError + Send + Sync + 'static>>(&mut self) -> Result<T> {
        self.text()?.parse().map_err(damaged)
    }

    /// Parses nullable text.
    pub(super) fn optional<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &mut self,
    ) -> Result<Option<T>> {
        let text: Result<Option<&str>> = match self.next() {
            (RowRef::Sqlite(row), column) => sqlite(row, column, |value| value.as_str_or_null()),
            (RowRef::Postgres(row), column) => postgres(row, column),
        };
        text?.map(str::parse).transpose().map_err(damaged)
    }

    /// Parses JSON.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        serde_json::from_str(self.text()?).map_err(damaged)
    }

    /// Reads an instant, in microseconds.
    pub(super) fn instant(&mut self) -> Result<Timestamp> {
        Timestamp::from_microsecond(self.integer()?).map_err(damaged)
    }

    /// Reads a nullable date of a key, in microseconds.
    pub(super) fn key_date(&mut self) -> Result<Option<KeyDate>> {
        let not_a_date = || damaged("a date of a key lies beyond the calendar");
        self.nullable_integer()?
            .map(|micros| KeyDate::from_microsecond(micros).ok_or_else(not_a_date))
            .transpose()
    }

    /// Reads the two dates of a deletion, in microseconds; `None` if the first is NULL.
    pub(super) fn deletion(&mut self) -> Result<Option<Deletion>> {
        let Some(deleted_at) = self.nullable_integer()? else { return Ok(None) };
        let deleted_at = Timestamp::from_microsecond(deleted_at).map_err(damaged)?;
        Ok(Some(Deletion { deleted_at, scheduled_purge_at: self.instant()? }))
    }

    fn nullable_integer(&mut self) -> Result<Option<i64>> {
        match self.next() {
            (RowRef::Sqlite(row), column) => sqlite(row, column, |value| value.as_i64_or_null()),
            (RowRef::Postgres(row), column) => postgres(row, column),
        }
    }

    /// The row, and the next column.
    const fn next(&mut self) -> (RowRef<'r>, usize) {
        let column = self.next;
        self.next += 1;
        (self.row, column)
    }
}

fn sqlite<'r, T>(
    row: &'r Row<'r>,
    column: usize,
    read: impl FnOnce(ValueRef<'r>) -> FromSqlResult<T>,
) -> Result<T> {
    let value = row.get_ref(column).map_err(damaged)?;
    read(value).map_err(|error| {
        let name = row.as_ref().column_name(column).unwrap_or_default();
        damaged(format!("{name}: {error}"))
    })
}

fn postgres<'r, T: Column<'r>>(row: &'r PgRow, column: usize) -> Result<T> {
    row.try_get(column).map_err(|error| {
        let name = row.columns().get(column).map(sqlx::Column::name).unwrap_or_default();
        damaged(format!("{name}: {error}"))
    })
}
