//! Conversions between columns and values of the model.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::{Column, Row};
use super::failure::Failure;
use crate::model::key_date::KeyDate;
use crate::model::{Error, Result, Timestamp};

/// The error for a damaged database.
pub(super) fn damaged(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal_caused_by("the database is damaged", why)
}

/// Reads a column.
pub(super) fn column<'r, T: Column<'r>>(row: &'r Row, name: &str) -> Result<T> {
    row.get(name).map_err(damaged)
}

/// Parses a text column.
pub(super) fn parsed<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row,
    name: &str,
) -> Result<T> {
    column::<&str>(row, name)?.parse().map_err(damaged)
}

/// Parses a nullable text column.
pub(super) fn optional<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row,
    name: &str,
) -> Result<Option<T>> {
    column::<Option<&str>>(row, name)?.map(str::parse).transpose().map_err(damaged)
}

/// Parses a JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &Row, name: &str) -> Result<T> {
    serde_json::from_str(column(row, name)?).map_err(damaged)
}

/// Reads a nullable instant, in microseconds.
pub(super) fn instant(row: &Row, name: &str) -> Result<Option<Timestamp>> {
    column::<Option<i64>>(row, name)?.map(Timestamp::from_microsecond).transpose().map_err(damaged)
}

/// Reads a nullable date of a key.
pub(super) fn key_date(row: &Row, name: &str) -> Result<Option<KeyDate>> {
    let read =
        |micros| KeyDate::from_microsecond(micros).ok_or_else(|| damaged(format!("{name} is not a date")));
    column::<Option<i64>>(row, name)?.map(read).transpose()
}

/// Reads an instant, in microseconds.
pub(super) fn dated(row: &Row, name: &str) -> Result<Timestamp> {
    instant(row, name)?.ok_or_else(|| damaged(format!("{name} is missing")))
}

/// Serializes a value as JSON for a column.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Refused(Error::internal(error)))
}
