//! Reads rows one after the other, while another statement is read as well.
//!
//! With a million rows of SQLite, sqlx takes most of the time of a start, because it copies each value and sends each row from one
//! thread to another. So they are read by a synchronous connection, which uses the same library of SQLite. The thread that reads
//! waits for the rows of a server.

use futures_util::stream::{BoxStream, TryStreamExt as _};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator as _;
use rusqlite::{Connection, OpenFlags};
use tokio::runtime::Handle;

use super::columns::{Columns, RowRef};
use crate::database::{Database, Row, SqlError, query};
use crate::location::Location;
use crate::model::{Error, Result};

/// A connection for one statement.
pub(super) enum Source {
    Sqlite(Connection),
    Postgres(Database, Handle),
}

impl Source {
    /// Connects for reading.
    pub(super) async fn connect(location: &Location) -> Result<Self> {
        match location {
            Location::File(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(path, flags).map(Self::Sqlite).map_err(Error::internal)
            }
            Location::Postgres(_) => Ok(Self::Postgres(location.connect_to_read().await?, Handle::current())),
        }
    }

    /// Prepares a statement without parameters.
    pub(super) fn query(&mut self, sql: &'static str) -> Result<Query<'_>> {
        match self {
            Self::Sqlite(db) => db.prepare(sql).map(Query::Sqlite).map_err(Error::internal),
            Self::Postgres(db, runtime) => Ok(Query::Postgres(Some(query(sql).fetch(db)), runtime.clone())),
        }
    }
}

/// A prepared statement.
pub(super) enum Query<'c> {
    Sqlite(rusqlite::Statement<'c>),
    Postgres(Option<BoxStream<'c, Result<Row, SqlError>>>, Handle),
}

impl<'c> Query<'c> {
    /// Runs the statement, once.
    pub(super) fn rows<'s>(&'s mut self) -> Result<Rows<'s>>
    where
        'c: 's,
    {
        match self {
            Self::Sqlite(statement) => statement.query(()).map(Rows::Sqlite).map_err(Error::internal),
            Self::Postgres(rows, runtime) => {
                let rows = rows.take().ok_or_else(|| Error::internal("a statement was run twice"))?;
                Ok(Rows::Postgres { rows, current: None, runtime: runtime.clone() })
            }
        }
    }
}

/// The rows of a statement, of which one is the current one. Before the first call of [`advance`](Self::advance) there is none.
pub(super) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    Postgres { rows: BoxStream<'s, Result<Row, SqlError>>, current: Option<Row>, runtime: Handle },
}

impl Rows<'_> {
    /// Makes the next row the current one.
    pub(super) fn advance(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(rows) => rows.advance().map_err(Error::internal),
            Self::Postgres { rows, current, runtime } => {
                *current = runtime.block_on(rows.try_next()).map_err(Error::internal)?;
                Ok(())
            }
        }
    }

    /// The current row; `None` after the last one.
    pub(super) fn get(&self) -> Option<Columns<'_>> {
        match self {
            Self::Sqlite(rows) => rows.get().map(|row| Columns::of(RowRef::Sqlite(row))),
            Self::Postgres { current, .. } => match current {
                Some(Row::Postgres(row)) => Some(Columns::of(RowRef::Postgres(row))),
                _ => None,
            },
        }
    }

    /// Advances, and returns the new current row.
    pub(super) fn next(&mut self) -> Result<Option<Columns<'_>>> {
        self.advance()?;
        Ok(self.get())
    }
}
