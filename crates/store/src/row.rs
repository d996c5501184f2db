//! Conversions between the columns of a row of a synchronous connection and values of the model.

use std::error::Error as StdError;
use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::{FromSqlResult, ValueRef};
use serde::de::DeserializeOwned;

use super::columns::damaged;
use crate::model::key_date::KeyDate;
use crate::model::retention::Deletion;
use crate::model::{Result, Timestamp};

/// Reads the columns of a row in the order in which the statement names them. Errors are those of a damaged database.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    /// The columns, beginning with the first.
    pub(super) const fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// Reads text.
    pub(super) fn text(&mut self) -> Result<&'r str> {
        self.read(|value| value.as_str())
    }

    /// Reads an integer.
    pub(super) fn integer(&mut self) -> Result<i64> {
        self.read(|value| value.as_i64())
    }

    /// Parses text.
    pub(super) fn parsed<T: FromStr<Err: StdError + Send + Sync + 'static>>(&mut self) -> Result<T> {
        self.text()?.parse().map_err(damaged)
    }

    /// Parses nullable text.
    pub(super) fn optional<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &mut self,
    ) -> Result<Option<T>> {
        let text = self.read(|value| value.as_str_or_null())?;
        text.map(str::parse).transpose().map_err(damaged)
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
        let micros = self.read(|value| value.as_i64_or_null())?;
        micros.map(|micros| KeyDate::from_microsecond(micros).ok_or_else(not_a_date)).transpose()
    }

    /// Reads the two dates of a deletion, in microseconds; `None` if the first is NULL.
    pub(super) fn deletion(&mut self) -> Result<Option<Deletion>> {
        let deleted_at = self.read(|value| value.as_i64_or_null())?;
        let Some(deleted_at) = deleted_at else { return Ok(None) };
        let deleted_at = Timestamp::from_microsecond(deleted_at).map_err(damaged)?;
        Ok(Some(Deletion { deleted_at, scheduled_purge_at: self.instant()? }))
    }

    fn read<T>(&mut self, read: impl FnOnce(ValueRef<'r>) -> FromSqlResult<T>) -> Result<T> {
        let column = self.next;
        self.next += 1;
        let value = self.row.get_ref(column).map_err(damaged)?;
        read(value).map_err(|error| {
            let name = self.row.as_ref().column_name(column).unwrap_or_default();
            damaged(format!("{name}: {error}"))
        })
    }
}
