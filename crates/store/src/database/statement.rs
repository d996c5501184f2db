//! Statements with bound values.

use std::fmt::Write as _;

use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{Arguments as _, AssertSqlSafe, SqlSafeStr, SqlStr};

use super::value::Value;
use super::{Database, Engine, Row, SqlError};

/// A statement with the values of its first parameters.
#[must_use]
pub(crate) struct Statement<'q> {
    sql: SqlStr,
    values: Vec<Value<'q>>,
}

/// A statement, which is prepared on its first use by a connection.
pub(crate) fn query<'q>(sql: impl SqlSafeStr) -> Statement<'q> {
    Statement { sql: sql.into_sql_str(), values: Vec::new() }
}

/// A statement that ends with this number of rows of values, each with this number of columns. `insert` is its text up to the
/// values.
pub(crate) fn rows_of<'q>(insert: &str, (rows, columns): (usize, usize)) -> Statement<'q> {
    let mut sql = format!("{insert} VALUES ");
    for row in 0..rows {
        for column in 0..columns {
            let before = match (row, column) {
                (0, 0) => "(",
                (_, 0) => "), (",
                _ => ", ",
            };
            // Writing to a String cannot fail.
            let _ = write!(sql, "{before}${}", row * columns + column + 1);
        }
    }
    sql.push(')');
    query(AssertSqlSafe(sql))
}

impl<'q> Statement<'q> {
    /// Sets the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs the statement, and returns the number of rows that it has changed.
    pub(crate) async fn execute(self, db: &mut Database) -> Result<u64, SqlError> {
        match &mut db.engine {
            Engine::Sqlite(db) => {
                let query = sqlx::query_with::<Sqlite, _>(self.sql, of_sqlite(self.values)?);
                query.execute(db).await.map(|done| done.rows_affected())
            }
            Engine::Postgres(db) => {
                let query = sqlx::query_with::<Postgres, _>(self.sql, of_postgres(self.values)?);
                let done = db.run(async move |db| query.execute(db).await).await;
                done.map(|done| done.rows_affected())
            }
        }
    }

    /// Runs the statement, and returns its rows one after the other.
    pub(crate) fn fetch<'e>(self, db: &'e mut Database) -> BoxStream<'e, Result<Row, SqlError>>
    where
        'q: 'e,
    {
        match &mut db.engine {
            Engine::Sqlite(db) => match of_sqlite(self.values) {
                Ok(values) => {
                    let query = sqlx::query_with::<Sqlite, _>(self.sql, values);
                    query.fetch(db).map_ok(Row::Sqlite).boxed()
                }
                Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
            },
            Engine::Postgres(db) => match of_postgres(self.values) {
                Ok(values) => {
                    let query = sqlx::query_with::<Postgres, _>(self.sql, values);
                    db.rows(query).map_ok(Row::Postgres).boxed()
                }
                Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
            },
        }
    }

    /// Runs the statement, and returns all rows.
    pub(crate) async fn fetch_all(self, db: &mut Database) -> Result<Vec<Row>, SqlError> {
        self.fetch(db).try_collect().await
    }

    /// Runs the statement, and returns the first row, if there is one.
    pub(crate) async fn fetch_optional(self, db: &mut Database) -> Result<Option<Row>, SqlError> {
        let mut rows = self.fetch(db);
        let first = rows.try_next().await?;
        // The statement ends with its last row.
        while rows.try_next().await?.is_some() {}
        Ok(first)
    }

    /// Runs the statement, and returns the first row.
    ///
    /// # Errors
    /// `RowNotFound` if there is none.
    pub(crate) async fn fetch_one(self, db: &mut Database) -> Result<Row, SqlError> {
        self.fetch_optional(db).await?.ok_or(SqlError::RowNotFound)
    }
}

fn of_sqlite(values: Vec<Value<'_>>) -> Result<SqliteArguments, SqlError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text),
            Value::Integer(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::NullText => arguments.add(None::<&str>),
            Value::NullInteger => arguments.add(None::<i64>),
        };
        added.map_err(SqlError::Encode)?;
    }
    Ok(arguments)
}

fn of_postgres(values: Vec<Value<'_>>) -> Result<PgArguments, SqlError> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text),
            Value::Integer(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::NullText => arguments.add(None::<&str>),
            Value::NullInteger => arguments.add(None::<i64>),
        };
        added.map_err(SqlError::Encode)?;
    }
    Ok(arguments)
}
